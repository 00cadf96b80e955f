package stages

import (
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// everyField is a config of which only the files stage needs all.
const everyField = `{` + version + `, "kernelArguments": {"shouldExist": ["quiet"]},
 "passwd": {"users": [{"name": "core"}]},
 "storage": {"filesystems": [{"device": "/dev/none", "format": "ext4"}], "directories": [{"path": "/srv"}],
  "files": [{"path": "/etc/motd", "contents": {"source": "data:,hi"}}], "links": [{"path": "/l", "target": "t"}]},
 "systemd": {"units": [{"name": "a.service", "mask": true}]}}`

func TestStagesThatTouchNoFileReadOnlyTheirPartOfTheConfig(t *testing.T) {
	b := newBench(t, everyField)
	b.write("bin/ignition-kargs-helper", "#!/bin/sh\necho cannot >&2; exit 1\n")
	testkit.NoError(t, os.Chmod(b.path("bin/ignition-kargs-helper"), 0o755))
	t.Setenv("PATH", b.path("bin")+":"+os.Getenv("PATH"))
	b.must("fetch-offline")
	machine := b.read("run/ignition/machine")
	_, rest, _ := strings.Cut(machine, "\n")
	text, origins, _ := strings.Cut(rest, "\n")
	cfg, err := config.Load([]byte(text), []byte(origins), "machine")
	testkit.NoError(t, err)
	testkit.Equal(t, "files, directories, links and units", len(cfg.Storage.Files)+len(cfg.Storage.Directories)+len(cfg.Storage.Links)+len(cfg.Systemd.Units), 0)
	testkit.Equal(t, "filesystems, users and kernel arguments", len(cfg.Storage.Filesystems)+len(cfg.Passwd.Users)+len(cfg.KernelArguments.ShouldExist), 3)
	// The rest is not read, and what they report has its place in the user's config.
	b.write("run/ignition/origins", "\xff\xff")
	b.fails("kargs", "operation setting kernel arguments", "line 1, column 55 (kernelArguments)")
	b.must("umount")
	b.fails("files", "the stored origins do not belong to the stored config")
}

func TestCacheThatSomebodyHasWrittenToCounts(t *testing.T) {
	for name, write := range map[string]func(b *bench){
		"it was edited":             func(b *bench) { b.write("run/ignition.json", kargsOf(b, "changed")) },
		"it was replaced":           func(b *bench) { b.replace("run/ignition.json", kargsOf(b, "changed")) },
		"the other part is missing": func(b *bench) { testkit.NoError(b.t, os.Remove(b.path("run/ignition/machine"))) },
		"the other part is damaged": func(b *bench) {
			stamp, _, _ := strings.Cut(b.read("run/ignition/machine"), "\n")
			b.write("run/ignition/machine", stamp+"\n{")
		},
		"the other part is another's": func(b *bench) { b.write("run/ignition/machine", "1 2 3\n{\"ignition\":{\"version\":\"3.4.0\"}}\n") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, everyField)
			b.write("bin/ignition-kargs-helper", "#!/bin/sh\necho \"$@\" > "+b.path("called")+"\n")
			testkit.NoError(t, os.Chmod(b.path("bin/ignition-kargs-helper"), 0o755))
			t.Setenv("PATH", b.path("bin")+":"+os.Getenv("PATH"))
			b.must("fetch-offline")
			write(b)
			b.must("kargs")
			want := "--should-exist quiet\n"
			if strings.Contains(b.read("run/ignition.json"), "changed") {
				want = "--should-exist changed\n"
			}
			testkit.Equal(t, "arguments of the helper", b.read("called"), want)
		})
	}
}

// kargsOf is the cache with another kernel argument.
func kargsOf(b *bench, argument string) string {
	return strings.Replace(b.read("run/ignition.json"), `"quiet"`, `"`+argument+`"`, 1)
}

func (b *bench) replace(name, text string) {
	b.t.Helper()
	b.write(name+".new", text)
	testkit.NoError(b.t, os.Rename(b.path(name+".new"), b.path(name)))
}
