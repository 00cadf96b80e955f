package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const planningConfig = `"kernelArguments": {"shouldExist": ["nosmt"]},
"storage": {"disks": [{"device": "DISK", "wipeTable": true, "partitions": [{"number": 1, "label": "data", "sizeMiB": 4}]}],
"filesystems": [{"device": "/dev/disk/by-partlabel/data", "format": "ext4", "path": "/var", "wipeFilesystem": true}],
"files": [{"path": "/etc/motd", "contents": {"source": "data:,secret"}}]}}`

// planningBench is a machine with a disk of 16 MiB that only plans.
func planningBench(t *testing.T, config string) *bench {
	t.Helper()
	b := newBench(t, "")
	b.write("disk", strings.Repeat("x", 16<<20))
	b.write("user.ign", "{"+version+", "+strings.ReplaceAll(config, "DISK", b.path("disk")))
	b.write("cmdline", "quiet firstlight.plan=1\n")
	return b
}

// tree has the contents of all files below a directory.
func (b *bench) tree(dir string) map[string]string {
	b.t.Helper()
	files := map[string]string{}
	testkit.NoError(b.t, filepath.WalkDir(b.path(dir), func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		files[name] = fmt.Sprint(info.Mode(), info.ModTime())
		if err == nil && e.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(name)
			files[name] += string(text)
		}
		return err
	}))
	return files
}

func TestABootThatOnlyPlansWritesNothing(t *testing.T) {
	b := planningBench(t, planningConfig)
	disk, root := b.read("disk"), b.tree("root")
	if err := b.run(All); !errors.Is(err, ErrPlanned) {
		t.Fatalf("%v\n%s", err, &b.log)
	}
	log := b.log.String()
	testkit.Contains(t, "the log", log, "Nothing was written", "kargs: setting kernel arguments\n", "disks: wiping and partitioning "+b.path("disk"),
		"disks: making ext4 on ", "mount: mounting /dev/disk/by-partlabel/data at /var", "files: writing file /etc/motd\n")
	if strings.Contains(log, "[finished]") || strings.Contains(log, "secret") {
		t.Errorf("the log is\n%s", log)
	}
	testkit.Contains(t, "the record", b.read("run/ignition/record.json"), `"planned":["kargs: setting kernel arguments","disks: wiping and`, `"files: writing file /etc/motd"`)
	testkit.Equal(t, "the disk is as before", b.read("disk") == disk, true)
	testkit.Equal(t, "the root", fmt.Sprint(b.tree("root")), fmt.Sprint(root))
}

// The stages of units, of which none may go on after the plan.
func TestStagesAfterAPlanFail(t *testing.T) {
	b := planningBench(t, planningConfig)
	testkit.NoError(t, os.RemoveAll(b.path("root")))
	testkit.NoError(t, os.Mkdir(b.path("root"), 0o755))
	b.must("fetch-offline", "kargs")
	if err := b.run("disks"); !errors.Is(err, ErrPlanned) {
		t.Fatal(err)
	}
	testkit.Contains(t, "the log", b.log.String(), "kargs: setting", "files: not planned, as the root is not mounted yet")
	for _, stage := range []string{"mount", "files"} {
		if err := b.run(stage); !errors.Is(err, ErrPlanned) || !errors.Is(err, errPlanned) {
			t.Errorf("%s: %v", stage, err)
		}
	}
}

func TestAPlanHasTheConflictsOfAllStages(t *testing.T) {
	b := planningBench(t, strings.Replace(planningConfig, `"wipeTable": true, "partitions": [{"number": 1, "label": "data", "sizeMiB": 4}]`, `"wipeTable": true, "partitions": [{"number": 1, "label": "data", "sizeMiB": 400}]`, 1))
	b.write("root/etc/motd", "welcome")
	disk := b.read("disk")
	if err := b.run(All); !errors.Is(err, ErrPlanned) {
		t.Fatal(err)
	}
	testkit.Contains(t, "the box", unboxed(b.read("run/ignition/report.txt")), "needs 400 MiB", "/etc/motd", "overwrite")
	testkit.Equal(t, "the disk is as before", b.read("disk") == disk, true)
}

func TestABootWhoseConfigCannotBeReadIsNoBootEither(t *testing.T) {
	b := planningBench(t, "")
	if err := Run(context.Background(), b.opts); err == nil {
		t.Error("there is no stage of no name")
	}
	if err := b.run("fetch"); !errors.Is(err, ErrPlanned) {
		t.Error(err)
	}
}

func TestTheArgumentForPlansInAnyFormKeepsDisksAsTheyAre(t *testing.T) {
	for line, want := range map[string]bool{"": false, "firstlight.plan=0": false, "firstlight.plan": true, "firstlight.plan=1": true, "firstlight.plan=yes": true, "firstlight.plans": false} {
		name, value, given := strings.Cut(line, "=")
		arguments := map[string]string{}
		if given || line != "" {
			arguments[name] = value
		}
		testkit.Equal(t, line, wantsPlan(arguments), want)
	}
}
