package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/firstboot"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// What there is after each end, of a machine whose first boot was a reset.
func TestTheEndOfAFirstBootRemovesItsReset(t *testing.T) {
	request := reset.Request{ID: reset.NewID(), Created: time.Now().UTC(), Config: "{}", Name: "new.bu", Root: []string{"u"}}
	for name, c := range map[string]struct {
		before func(mark string) error // of what ArmReset has made
		later  bool
		left   bool
		says   string
	}{
		"the first boot":              {nil, false, false, "the first boot has ended; its mark was: "},
		"a boot after a power cut":    {os.Remove, true, false, "what is left of a reset is removed"},
		"a boot with another to come": {nil, true, true, "the next boot is to be the first one again, so that nothing is removed: "},
		"a first boot that was ended": {os.Remove, false, false, "the first boot has ended; its mark was: "},
	} {
		dir := t.TempDir()
		entry := filepath.Join(dir, "efi/loader/entries/a.conf")
		testkit.WriteFile(t, entry, "linux /vmlinuz\noptions quiet\n")
		testkit.WriteFile(t, filepath.Join(dir, "etc/hostname"), "h\n")
		root, err := rootfs.Open(dir)
		testkit.NoError(t, err)
		defer root.Close()
		way := firstboot.Ways[4]
		testkit.Equal(t, "way", way.Name, "root-file")
		testkit.NoError(t, way.ArmReset(root, request))
		armed := testkit.ReadFile(t, entry)
		testkit.Equal(t, "an armed entry", armed, "linux /vmlinuz\noptions quiet "+request.KernelArgument()+"\n")
		mark, file := filepath.Join(dir, "etc/ignition.firstboot"), filepath.Join(dir, "efi"+reset.File)
		if c.before != nil {
			testkit.NoError(t, c.before(mark))
		}
		var log bytes.Buffer
		testkit.NoError(t, end(way, root, c.later, report.NewWriterLogger(&log)))
		testkit.Contains(t, name, log.String(), c.says)
		want := "linux /vmlinuz\noptions quiet\n"
		if c.left {
			want = armed
		}
		testkit.Equal(t, name+": entry", testkit.ReadFile(t, entry), want)
		for _, path := range []string{mark, file} {
			_, err := os.Lstat(path)
			testkit.Equal(t, name+": "+path+" exists", err == nil, c.left)
		}
	}
}

// A boot without a mark removes what a power cut has left of a reset.
func TestALaterBootIsKnownByWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		files     []string
		arguments string
		want      bool
	}{
		"nothing":                    {nil, "quiet", false},
		"the argument":               {nil, "quiet firstlight.reset=x", true},
		"the request":                {[]string{"boot/firstlight/reset.json"}, "quiet", true},
		"the reset itself":           {[]string{"boot/firstlight/reset.json", "run/ignition/firstboot"}, "firstlight.reset=x", false},
		"a first boot":               {[]string{"run/ignition/firstboot"}, "ignition.firstboot", false},
		"the request of another way": {[]string{"boot/loader/credentials/firstlight.reset.cred"}, "quiet", false},
	} {
		dir := t.TempDir()
		for _, file := range c.files {
			testkit.WriteFile(t, filepath.Join(dir, file), "{}")
		}
		line := filepath.Join(t.TempDir(), "cmdline")
		testkit.WriteFile(t, line, c.arguments+"\n")
		t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", line)
		root, err := rootfs.Open(dir)
		testkit.NoError(t, err)
		got, err := isLater(firstboot.Ways[0], root)
		root.Close()
		testkit.NoError(t, err)
		testkit.Equal(t, name, got, c.want)
	}
}
