package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestNotesOfDevicesThatChangeTheirName(t *testing.T) {
	for _, tc := range []struct{ name, what, want string }{
		{"a.mount", "/dev/sdb", `the unit "a.mount" uses /dev/sdb, which can be the name of another disk after the next boot; use a name that stays, like /dev/disk/by-label/data`},
		{"a.mount", "/dev/sdb1", "use a name that stays, below /dev/disk/by-label, /dev/disk/by-partlabel or /dev/disk/by-id"},
		{"a.swap", "/dev/vda", ""}, // not of this kind of unit
		{"a.mount", "/dev/nvme0n1p3", "use a name that stays"},
		{"a.mount", "/dev/mmcblk0", "use a name that stays"},
		{"a.mount", "/dev/disk/by-label/data", ""},
		{"a.mount", "/dev/md/data", ""},
		{"a.mount", "/dev/mapper/sda", ""},
		{"a.mount", "tmpfs", ""},
		{"a.service", "/dev/sdb", ""},
	} {
		section := "Mount"
		if strings.HasSuffix(tc.name, ".swap") && tc.want == "" {
			section = "Other"
		}
		text := fmt.Sprintf(`{"ignition": {"version": "3.4.0"},
"storage": {"filesystems": [{"device": "/dev/sdb", "format": "xfs", "label": "data"}]},
"systemd": {"units": [{"name": %q, "contents": "[%s]\nWhat=%s\n"}]}}`, tc.name, section, tc.what)
		c, problems, err := Parse([]byte(text), "")
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		notes := Notes(c)
		if got := notes.String(); !strings.Contains(got, tc.want) || (got == "") != (tc.want == "") {
			t.Errorf("%s of %s: got %q, want %q", tc.name, tc.what, got, tc.want)
		}
		if notes.HasErrors() || len(notes) > 0 && notes[0].Origin.Path != "systemd.units[0].contents" {
			t.Errorf("%s of %s: %v", tc.name, tc.what, notes)
		}
	}
}
