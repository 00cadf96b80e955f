package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// The DVD that Azure provisions machines with: UDF or ISO 9660, with a
// description of the machine and its custom data.
// https://learn.microsoft.com/azure/virtual-machines/custom-data
const (
	ovfDescription = "ovf-env.xml"
	ovfCustomData  = "CustomData.bin"
)

// fetchOVF waits for the DVD and reads the custom data; nil if it has none. If no
// such DVD comes the error wraps errNoDrive.
func fetchOVF(ctx context.Context, env *Env) (*UserData, error) {
	return awaitOVF(ctx, env, newBlockScanner(env))
}

// fetchOVFNow reads the custom data if the DVD is there already; else it is nil,
// and who waits for the DVD says what is wrong.
func fetchOVFNow(env *Env) *UserData { return scanForOVF(newBlockScanner(env)) }

func scanForOVF(s *blockScanner) *UserData {
	raw, _, _ := chooseOVF(s.scan(s.readOVF))
	return raw
}

func awaitOVF(ctx context.Context, env *Env, s *blockScanner) (*UserData, error) {
	w := &driveWait{
		what: "the DVD with " + ovfDescription, limit: env.Timeout, choose: chooseOVF,
		scan: func(context.Context) []*scanResult { return s.scan(s.readOVF) },
		hint: "the platform attaches it for the first boot only: start a new machine from the image; to boot without a config, set ignition.platform.id=metal",
	}
	return w.run(ctx, env)
}

// readOVF reads the custom data. Other discs are skipped, and disks that are
// none: those are in the hands of whoever has written them last.
func (s *blockScanner) readOVF(r *scanResult) {
	if !r.optical {
		return
	}
	any := func(*blkprobe.Signature) bool { return true }
	err := s.mounted(r, any, func(dir string) error {
		description, err := readBelow(dir, ovfDescription)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		r.label = r.name
		if err == nil {
			r.text, r.file, err = s.customData(dir, description)
		}
		return err
	})
	if err != nil {
		r.label, r.failure = r.name, fmt.Errorf("reading the DVD in %s: %w", r.name, err)
	}
}

// customData is in the description, as base64, and on most machines in a file of its
// own, which confidential ones do not have. The description counts first: it is what
// the platform wrote itself.
func (s *blockScanner) customData(dir string, description []byte) (text []byte, file string, err error) {
	text, broken := describedCustomData(description)
	if len(text) > 0 {
		return text, ovfDescription, nil
	}
	file = ovfCustomData
	text, err = readBelow(dir, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", broken
	case broken != nil && err == nil:
		s.log.Warn(fmt.Sprintf("%v; using %s instead", broken, file))
	}
	return text, file, err
}

// describedCustomData is empty if the description has none.
func describedCustomData(description []byte) ([]byte, error) {
	encoded, err := xmltext.Element(string(description), "CustomData")
	var text []byte
	if err == nil {
		text, err = decodeBase64([]byte(encoded))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the element CustomData of %s: %w", ovfDescription, err)
	}
	return text, nil
}

func chooseOVF(all []*scanResult) (raw *UserData, found bool, err error) {
	for _, r := range all {
		switch {
		case r.label == "":
		case r.text != nil:
			return &UserData{Text: r.text, Name: fmt.Sprintf("user config (%s on the DVD in %s)", r.file, r.name)}, true, nil
		default:
			found = true
			if err == nil && r.failure != nil {
				err = &report.Error{Err: r.failure, Hint: "start a new machine from the image"}
			}
		}
	}
	return nil, found, err
}
