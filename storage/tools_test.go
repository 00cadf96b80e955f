package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// tools are helper programs that make devices, as files in DIR/dev, and run the
// real cryptsetup for what it can do with a file.
type fakeTools struct {
	b        *testMachine
	commands []system.Command
	fail     map[string]error // by the beginning of a command line
	before   func(c system.Command, line string)
}

func (x *fakeTools) Run(ctx context.Context, c system.Command) ([]byte, error) {
	line := strings.ReplaceAll(strings.Join(append([]string{c.Name}, c.Args...), " "), x.b.dir, "DIR")
	x.b.m.mu.Lock()
	x.commands = append(x.commands, c)
	x.b.m.mu.Unlock()
	if x.before != nil {
		x.before(c, line)
	}
	for prefix, err := range x.fail {
		if strings.HasPrefix(line, prefix) {
			return nil, &system.CommandError{Command: c, Err: err}
		}
	}
	dev := func(name string) string { return x.b.path(filepath.Join("dev", name)) }
	real := system.Exec{Log: x.b.m.Log}
	switch {
	case strings.HasPrefix(line, "mdadm --create"):
		x.b.disk("dev/md/"+c.Args[1], 16)
	case strings.HasPrefix(line, "mdadm --assemble"):
		x.b.disk(strings.TrimPrefix(c.Args[1], "/"), 16)
	case strings.HasPrefix(line, "cryptsetup luksFormat"):
		c.Args = slices.Insert(slices.Clone(c.Args), 1, "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--luks2-keyslots-size", "1m")
		return real.Run(ctx, c)
	case strings.HasPrefix(line, "cryptsetup luksOpen"):
		try := system.Command{Name: c.Name, Args: []string{"luksOpen", "--test-passphrase", "--key-file", "-", c.Args[1]}, Stdin: c.Stdin}
		if out, err := real.Run(ctx, try); err != nil {
			return out, err
		}
		if c.Args[2] != "--test-passphrase" {
			x.b.disk("dev/mapper/"+c.Args[2], 32)
		}
	case strings.HasPrefix(line, "cryptsetup luksClose"):
		return nil, os.Remove(dev("mapper/" + c.Args[1]))
	case strings.HasPrefix(line, "clevis luks unlock"):
		x.b.disk("dev/mapper/"+c.Args[len(c.Args)-1], 32)
	case c.Name == "cryptsetup", strings.HasPrefix(c.Name, "mkfs"):
		return real.Run(ctx, c)
	}
	return nil, nil
}

// lines are the commands so far.
func (x *fakeTools) lines() string {
	var all []string
	for _, c := range x.commands {
		all = append(all, strings.ReplaceAll(strings.Join(append([]string{c.Name}, c.Args...), " "), x.b.dir, "DIR"))
	}
	return strings.Join(all, "\n")
}

func newFakeTools(t *testing.T) (*testMachine, *fakeTools) {
	b := newTestMachine(t)
	x := &fakeTools{b: b}
	b.m.Run, b.m.Dev, b.m.Scratch = x, b.path("dev"), b.path("scratch")
	b.write("dev/tpmrm0", "")
	b.m.Zkey, b.m.CardKey = b.path("zkey"), b.path("cex.key")
	b.m.Fetch = func(_ context.Context, r config.Resource) ([]byte, error) {
		text, ok := strings.CutPrefix(*r.Source, "data:,")
		if !ok {
			return nil, errors.New("no route to " + *r.Source)
		}
		return []byte(text), nil
	}
	return b, x
}

func (b *testMachine) execute(storage string) error {
	b.t.Helper()
	plan, err := b.plan(storage)
	if err != nil {
		b.t.Fatal(err)
	}
	return (&report.Runner{Log: b.m.Log, Workers: 4}).Run(context.Background(), plan)
}

// describe is the plan with its edges, without the directory of the test.
func (b *testMachine) describe(storage string) string {
	b.t.Helper()
	plan, err := b.plan(storage)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.ReplaceAll(describe(plan), b.dir, "DIR")
}
