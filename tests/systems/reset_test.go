//go:build soak

package systems

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

// Of an OSTree /var is emptied and /etc becomes that of the commit.
func TestOSTreeIsResetAndKeepsAHome(t *testing.T) {
	o := machine(t, "ostree")
	o.Config = testkit.ReadFile(t, "testdata/ostree.bu")
	const platform = "ignition.platform.id=qemu "
	o.Arguments = platform + deployment
	first := vm.Boot(t, o)
	kept := first.Files["/var/home/dawn/file"]
	testkit.Equal(t, "the file of the first boot", kept.Text, "dawn's\n")
	if t.Failed() {
		return
	}
	r := reset.Request{ID: reset.NewID(), Created: time.Now().UTC(), Name: "new.ign", Keep: []string{"/var/home/dawn"},
		Config: `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/renewed", "contents": {"source": "data:,renewed"}}]}}`,
		Root:   []string{"1b0e9a5c-6f0d-4f5e-8c56-0f35a5b0a003"}}
	text, err := r.Text()
	testkit.NoError(t, err)
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "boot"+reset.File), string(text))
	boot := filepath.Join(dir, "boot.img")
	if out, err := exec.Command("mkfs.ext4", "-q", "-L", "boot", "-d", filepath.Join(dir, "boot"), boot, "32M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o.Disks = []string{boot}
	o.Arguments = platform + "ignition.firstboot " + r.KernelArgument() + " " + deployment
	second := vm.Boot(t, o)
	if !strings.Contains(second.Stages, `"umount"`) {
		t.Fatalf("the stages %s\n%s", second.Stages, second.Report)
	}
	for name, want := range map[string]string{"/etc/renewed": "renewed", "/etc/hostname": "firstlight\n", "/etc/issue": "1\n", "/etc/commit": "1\n", "/var/home/dawn/file": "dawn's\n"} {
		testkit.Equal(t, name, second.Files[name].Text, want)
	}
	testkit.Equal(t, "inode of what was kept", second.Files["/var/home/dawn/file"].Inode, kept.Inode)
	for _, name := range []string{"/etc/new/file", "/var/opt/tool", "/var/roothome/.hushlogin", "/var/lib/asked/file", "/etc/systemd/system/asked.service"} {
		if f, there := second.Files[name]; there {
			t.Errorf("%s is still there: %+v", name, f)
		}
	}
	if passwd := second.Files["/etc/passwd"].Text; strings.Contains(passwd, "dawn") || passwd == "" {
		t.Errorf("the users are %q", passwd)
	}
	record, err := report.ParseRecord([]byte(second.Record))
	testkit.NoError(t, err)
	if record.Reset == nil || record.Reset.Removed == nil || len(record.Reset.Kept) != 1 {
		t.Errorf("the record has %+v", record.Reset)
	}
}
