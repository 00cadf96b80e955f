//go:build linux

package system

import (
	"bytes"
	"testing"
)

// Whatever answers, nothing behind its end is read, and it ends.
func FuzzSystemdAnswer(f *testing.F) {
	unit := append([]byte{4, 0, 0, 0, 0, 0, 0, 0}, appendDBusText(nil, "a.service")...)
	for _, head := range []string{"l\x02\x00\x01\x16\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00", "B\x02\x00\x01\x00\x00\x00\x16\x00\x00\x00\x01\x00\x00\x00\x00"} {
		f.Add(append([]byte(head), unit...))
	}
	f.Add(dbusMethodCall("ListUnitsByNames", []string{"a.service", "b.target"}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		r := bytes.NewReader(answer)
		kind, body, err := readDBusMessage(r)
		if err != nil {
			return
		}
		if kind == dbusError {
			if text := body.text(); len(text) > len(answer) {
				t.Errorf("an error of %d bytes in %d", len(text), len(answer))
			}
			return
		}
		if active, err := anyActive(body); body.at > len(body.data)+8 || active && err != nil {
			t.Errorf("read up to %d of %d, %v, %v", body.at, len(body.data), active, err)
		}
	})
}
