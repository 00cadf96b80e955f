package providers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Platform zvm: a file of type "ign" in the spool of z/VM's virtual card reader.
// Receiving it takes it out of the spool.
// https://www.ibm.com/docs/en/linux-on-systems?topic=commands-vmur
const zvmReader = "000c"

func fetchZVM(ctx context.Context, env *Env) (*UserData, error) {
	text, err := readOnce(env, "zvm", func() ([]byte, error) { return readSpool(ctx, env) })
	if err != nil {
		return nil, &report.Error{Doing: "reading the config from z/VM's reader", Err: err,
			Hint: "punch the config to reader " + zvmReader + " as a file of type ign, for example: vmur punch -r -u GUEST -N machine.ign CONFIG"}
	}
	return &UserData{Text: text, Name: "user config (z/VM reader)"}, nil
}

// readSpool receives the first config in the spool; nil if there is none.
func readSpool(ctx context.Context, env *Env) ([]byte, error) {
	loaded := loadDriver(ctx, env, "vmur", "/sys/bus/ccw/drivers/vmur")
	if err := zvmOnline(ctx, env); err != nil {
		return nil, withCause(err, loaded)
	}
	list, err := run(ctx, env, "vmur", "li")
	if err != nil {
		return nil, withCause(err, loaded)
	}
	id := spoolID(string(list))
	if id == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "ignition-zvm-")
	if err != nil {
		return nil, fmt.Errorf("making a directory to receive into: %w", err)
	}
	defer os.Remove(dir)
	name := filepath.Join(dir, "config.ign")
	defer os.Remove(name)
	if _, err := run(ctx, env, "vmur", "re", "-f", id, name); err != nil {
		return nil, err
	}
	return system.ReadFile(name, int64(config.CurrentLimit().Bytes))
}

// zvmOnline switches the reader on. Linux may have been told to ignore it.
func zvmOnline(ctx context.Context, env *Env) error {
	_, err := run(ctx, env, "chccwdev", "-e", zvmReader)
	if err != nil {
		if _, ignored := run(ctx, env, "cio_ignore", "-r", zvmReader); ignored != nil {
			return fmt.Errorf("%w; before that: %v", ignored, err)
		}
		if _, err = run(ctx, env, "chccwdev", "-e", zvmReader); err != nil {
			return err
		}
	}
	_, err = run(ctx, env, "udevadm", "settle")
	return err
}

func run(ctx context.Context, env *Env, name string, args ...string) ([]byte, error) {
	return env.Run.Run(ctx, system.Command{Name: name, Args: args})
}

// spoolID finds the first file of type ign in the reader's list, in which a file
// has a row: its owner, its number, ..., its name and its type.
func spoolID(list string) string {
	const number, kind = 1, 10 // columns
	for row := range strings.Lines(list) {
		columns := strings.Fields(row)
		if len(columns) == 0 {
			break
		}
		if len(columns) > kind && strings.EqualFold(columns[kind], "ign") {
			return columns[number]
		}
	}
	return ""
}
