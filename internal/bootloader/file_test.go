package bootloader

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestAFileOfABootFilesystem(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		at, want string // the error, "" if there is none
	}{
		"on a filesystem of its own": {map[string]string{"d/f": "good", "boot/d/f": "other"}, "/d/f", ""},
		"on the root filesystem":     {map[string]string{"boot/d/f": "good"}, "/boot/d/f", ""},
		"nowhere":                    {map[string]string{"d/g": "good"}, "", ""},
		"another one":                {map[string]string{"d/f": "other"}, "/d/f", "it is another one"},
		"too large":                  {map[string]string{"d/f": "0123456789a"}, "/d/f", "/d/f has 11 bytes, at most 10 are possible"},
		"a directory":                {map[string]string{"d/f/g": ""}, "/d/f", "/d/f"},
	} {
		fs, _ := bootFilesystem(t, c.files)
		w := Wanted{Path: "/d/f", Limit: 4096, Accept: func(text []byte) error {
			if string(text) != "good" {
				return errors.New("it is another one")
			}
			return nil
		}}
		if c.want != "" && strings.Contains(c.want, "at most 10") {
			w.Limit = 10
		}
		at, err := w.lookIn(fs)
		testkit.Equal(t, name, at, c.at)
		if c.want == "" {
			testkit.NoError(t, err)
		} else {
			testkit.ErrorContains(t, name, err, c.want)
		}
	}
}

func TestAFileThatCannotCome(t *testing.T) {
	m := machineOf(t).started(t, guid1)
	w := Wanted{What: "the file", Path: "/d/f"}
	where, state := w.lookOn(m.Filesystems(), t.TempDir(), "")
	testkit.Equal(t, "where", where, "")
	testkit.Equal(t, "state", state, `there is no EFI system partition, boot partition or filesystem labelled "boot"`)
	// The kernel mounts no files.
	m = machineOf(t, device{name: "vda"}, device{"vda1", 1, mkESP, typeESP, guid1}).started(t, guid1)
	_, err := m.FindFile(t.Context(), w)
	testkit.ErrorContains(t, "files instead of devices", err, "the file is not there: ", "dev/vda1 (the EFI system partition, vfat): ")
}
