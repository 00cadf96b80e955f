package firstboot

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// imageOwns is what belongs to the image, on a root that has system and data in one tree.
const imageOwns = "RESET_KEEP=/usr /etc /var/lib/dpkg\n"

// The request is on a filesystem that is labelled as that of a boot loader.
func TestMachineIsResetAndKeepsAPath(t *testing.T) {
	t.Parallel()
	o := machine(t)
	dir := t.TempDir()
	// What the machine has from an earlier life.
	img := *vm.WithFiles(t, o.Images, map[string]string{"usr/lib/ignition/distribution.conf": imageOwns})
	root := filepath.Join(dir, "root.img")
	tool(t, "cp", "--sparse=always", img.Root, root)
	testkit.WriteFile(t, filepath.Join(dir, "file"), "of an earlier life\n")
	commands := "mkdir /opt/old\nmkdir /var/lib/data\nmkdir /home/old\n"
	for _, name := range []string{"/opt/old/file", "/home/old/file", "/var/lib/data/kept", "/var/lib/data/goes", "/etc/stays"} {
		commands += "write " + filepath.Join(dir, "file") + " " + name + "\n"
	}
	testkit.WriteFile(t, filepath.Join(dir, "commands"), commands)
	if out := tool(t, "debugfs", "-w", "-f", filepath.Join(dir, "commands"), root+"?offset=1048576"); strings.Contains(out, "File not found") {
		t.Fatal(out)
	}
	img.Root = root
	o.Images = &img
	var err error
	o.Root, err = vm.NewRoot(&img, dir)
	testkit.NoError(t, err)

	r := reset.Request{ID: reset.NewID(), Created: time.Now().UTC().Truncate(time.Second), Name: "new.ign", Keep: []string{"/var/lib/data/kept"},
		Config: `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/reset", "contents": {"source": "data:,new"}}]}}`,
		Root:   []string{"1b0e9a5c-6f0d-4f5e-8c56-0f35a5b0a003"}}
	text, err := r.Text()
	testkit.NoError(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "boot"+reset.File), string(text))
	boot := filepath.Join(dir, "boot.img")
	tool(t, "mkfs.ext4", "-q", "-L", "boot", "-d", filepath.Join(dir, "boot"), boot, "32M")
	o.Disks = []string{boot}
	o.Config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/of-the-platform"}]}}`
	o.Arguments = vm.FirstBoot("qemu") + " " + r.KernelArgument()
	res := vm.Boot(t, o)
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
	for name, want := range map[string]string{"/etc/reset": "new", "/etc/stays": "of an earlier life\n", "/var/lib/data/kept": "of an earlier life\n"} {
		same(t, name, res.Files[name].Text, want)
	}
	for _, name := range []string{"/opt/old", "/opt/old/file", "/home/old/file", "/var/lib/data/goes", "/etc/of-the-platform"} {
		if f, there := res.Files[name]; there {
			t.Errorf("%s is still there: %+v", name, f)
		}
	}
	record, err := report.ParseRecord([]byte(res.Record))
	testkit.NoError(t, err)
	same(t, "outcome", record.Outcome, report.Provisioned)
	got := record.Reset
	if got == nil || got.Request != r.ID || !got.Requested.Equal(r.Created) || got.Removed == nil || got.Removed.Files < 3 {
		t.Fatalf("the record has %+v", got)
	}
	same(t, "kept, as the record has it", got.Kept, []report.Amount{{Path: "/var/lib/data/kept", Files: 1, Bytes: 19}})
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
