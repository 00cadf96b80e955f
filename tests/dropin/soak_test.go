//go:build soak

package dropin

import (
	"errors"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/firstboot"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var (
	uRootImages = sync.OnceValues(vm.BuildURoot)
	mkosiImages = sync.OnceValues(vm.BuildMkosi)
)

// plainNames are what devices are called where there is no udev.
var plainNames = strings.NewReplacer("/dev/disk/by-id/virtio-disk1", "/dev/vdb",
	"/dev/disk/by-partlabel/ext", "/dev/vdb1", "/dev/disk/by-partlabel/xfs", "/dev/vdb2", "/dev/disk/by-partlabel/fat", "/dev/vdb3",
	"/dev/disk/by-partlabel/swap", "/dev/vdb4", "/dev/disk/by-partlabel/rest", "/dev/vdb6")

// In the initramfs are programs in Go only: ours, and those of u-root, which bring the network
// up and mount the root.
func TestURootProvisionsByItsInit(t *testing.T) {
	t.Parallel()
	o := newMachine(t, uRootImages)
	text := plainNames.Replace(machineConfig)
	o.Network, o.Config = true, ""
	o.Arguments = vm.FirstBoot("metal") + " root=PARTLABEL=root ignition.config.url=" + serve(t, text)
	isAsConfigured(t, vm.Boot(t, o), text, "fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")
	if t.Failed() {
		return
	}
	o.Arguments = "root=PARTLABEL=root ignition.firstboot=0"
	second := vm.Boot(t, o)
	testkit.Equal(t, "stages of the second boot", second.Stages, "")
}

// isAsConfigured compares a machine with its config, and has the stages that ran.
func isAsConfigured(t *testing.T, res *vm.Result, text string, stages ...string) {
	t.Helper()
	cfg, problems, err := config.Parse([]byte(text), "config")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", len(problems), 0)
	testkit.Equal(t, "differences", firstboot.Compare(cfg, res.Machine), nil)
	testkit.Equal(t, "what the unit saw", res.Files["/var/lib/asked/saw"].Text, "hello\nzipped meat\nboot\nbottom\ndropin\n")
	for _, stage := range stages {
		testkit.Contains(t, "stages", res.Stages, `"stage":"`+stage+`"`)
	}
}

// In the initramfs are systemd and udev as their packages have them, and nothing of dracut.
func TestMkosiProvisionsByTheUnits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("mkosi"); err != nil {
		run(t, exec.Command("apt-get", "install", "-qy", "--no-install-recommends", "mkosi", "debootstrap", "systemd-container"))
	}
	o := newMachine(t, mkosiImages)
	o.Memory = 1536
	isAsConfigured(t, vm.Boot(t, o), machineConfig, "fetch-offline", "kargs", "disks", "mount", "files", "umount")
	if t.Failed() {
		return
	}
	o.Arguments = "ignition.platform.id=qemu"
	second := vm.Boot(t, o)
	testkit.Equal(t, "stages of the second boot", second.Stages, "")
}

// A machine that must not come up says why, and ends as panic= has it end.
func TestURootProvisionsOrStops(t *testing.T) {
	t.Parallel()
	wrong := `{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/x", "contents": {"source": "data:,x", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}]}}`
	for name, c := range map[string]struct {
		arguments, config string
		wants             []string
	}{
		"a stage fails":        {vm.FirstBoot("qemu") + " root=PARTLABEL=root", wrong, []string{"Firstlight could not provision this machine", "writing file /etc/x", "running /usr/bin/ignition: exit status"}},
		"a root in other ways": {"root=LABEL=root", "", []string{"root=LABEL=root is neither a path nor UUID=, PARTUUID= or PARTLABEL= of a partition"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newMachine(t, uRootImages)
			o.Arguments, o.Config = c.arguments, c.config
			res, err := vm.Start(t.Context(), o, t.TempDir())
			if !errors.Is(err, vm.ErrNoReport) {
				t.Fatalf("the machine came up, or did not end: %v", err)
			}
			testkit.Contains(t, "console", res.Console, append(c.wants, "Attempted to kill init")...)
		})
	}
}
