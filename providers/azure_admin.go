package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/xmltext"
)

// azureAdmin is the account that whoever made the machine has named, and its password, which
// is on the DVD only.
func azureAdmin(a *Asker) (name, password string, err error) {
	name, err = a.value("osProfile/adminUsername?api-version=2021-02-01&format=text")
	if name = strings.TrimSpace(name); err != nil || name == "" {
		return "", "", err
	}
	password, err = azurePassword(a, newBlockScanner(a.env))
	return name, password, err
}

// azurePassword is "" for machines without one. A DVD that cannot be read is a warning: most
// machines have keys.
func azurePassword(a *Asker, s *blockScanner) (string, error) {
	w := &driveWait{what: "the DVD with " + ovfDescription, limit: instanceDriveLimit, choose: chooseOVF, scan: func(context.Context) []*scanResult { return s.scan(s.readDescription) }}
	data, err := w.run(a.ctx, a.env)
	if err != nil || data == nil {
		if err != nil {
			a.env.Log.Warn("the machine gets no password: " + err.Error())
		}
		return "", a.ctx.Err()
	}
	for _, name := range []string{"AdminPassword", "adminPassword"} {
		password, err := xmltext.Element(string(data.Text), name)
		if err != nil {
			return "", fmt.Errorf("reading the element %s of %s: %w", name, ovfDescription, err)
		}
		if strings.TrimSpace(password) != "" {
			return password, nil
		}
	}
	return "", nil
}

// readDescription reads that of the machine.
func (s *blockScanner) readDescription(r *scanResult) {
	if !r.optical {
		return
	}
	any := func(*blkprobe.Signature) bool { return true }
	err := s.mounted(r, any, func(dir string) error {
		text, err := readBelow(dir, ovfDescription)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		r.label, r.text, r.file = r.name, text, ovfDescription
		return err
	})
	if err != nil {
		r.label, r.failure = r.name, fmt.Errorf("reading the DVD in %s: %w", r.name, err)
	}
}
