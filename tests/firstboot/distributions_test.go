package firstboot

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// sourcing is a generator that replaces ours and sources it, as those of distributions.
const sourcing = "#!/bin/sh\n. /usr/lib/systemd/system-generators/ignition-generator\n"

// likeMicroOS is a generator that knows the platform where no kernel argument says it.
const likeMicroOS = sourcing + `. /run/ignition.env
[ -n "$PLATFORM_ID" ] || echo "PLATFORM_ID=qemu" > /run/ignition.env
`

// likeFlatcar maps the names that platforms had, and has stages log to standard output.
const likeFlatcar = sourcing + `case $(cmdline_arg flatcar.oem.id) in
    kvm) echo "PLATFORM_ID=qemu" > /run/ignition.env ;;
esac
echo "IGNITION_ARGS=--log-to-stdout" >> /run/ignition.env
`

// distributed is a machine whose initramfs has a profile, and other files of the
// distribution.
func distributed(t *testing.T, profile string, files map[string]string) vm.Options {
	t.Helper()
	o := machine(t)
	files["usr/lib/ignition/distribution.conf"] = testkit.ReadFile(t, "../../distribution/"+profile+".conf")
	o.Images = vm.WithFiles(t, o.Images, files)
	return o
}

// Combustion empties ExecStop= of the mount unit: nothing is unmounted, and yet the
// volume is complete.
func TestFirstBootOfMicroOS(t *testing.T) {
	t.Parallel()
	o := distributed(t, "microos", map[string]string{
		"etc/systemd/system-generators/ignition-generator":                likeMicroOS,
		"usr/lib/systemd/system/ignition-mount.service.d/combustion.conf": "[Service]\nExecStop=\n",
	})
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	o.Config = `{"ignition": {"version": "3.4.0"},
		"passwd": {"users": [{"name": "root", "sshAuthorizedKeys": ["` + key + `"]}]},
		"storage": {
			"luks": [{"name": "secret", "device": "/dev/disk/by-id/virtio-disk1", "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]}],
			"filesystems": [{"device": "/dev/mapper/secret", "format": "ext4", "path": "/srv"}],
			"files": [{"path": "/srv/x", "contents": {"source": "data:,secret"}}]}}`
	o.Arguments = "ignition.firstboot"
	res := vm.Boot(t, o)
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "finish"})
	same(t, "file in the volume", res.Files["/srv/x"].Text, "secret")
	same(t, "keys", strings.Contains(res.Files["/root/.ssh/authorized_keys"].Text, key), true)
	disk, err := os.ReadFile(o.Disks[0])
	testkit.NoError(t, err)
	const header = 4096 // of LUKS2, before its JSON
	if !bytes.HasPrefix(disk, []byte("LUKS")) || bytes.Contains(disk[:header], []byte("firstlight-unfinished")) {
		t.Errorf("the header of the volume begins %q", disk[:256])
	}
}

func TestFirstBootOfFlatcar(t *testing.T) {
	t.Parallel()
	o := distributed(t, "flatcar", map[string]string{
		"etc/systemd/system-generators/ignition-generator": likeFlatcar,
		"oem/hello": "of the vendor\n",
	})
	o.Config = `{"ignition": {"version": "2.3.0"}, "storage": {"files": [
		{"filesystem": "root", "path": "/etc/vendor", "mode": 384, "contents": {"source": "oem:///hello"}}]}}`
	o.Arguments = "flatcar.first_boot=detected flatcar.oem.id=kvm"
	res := vm.Boot(t, o)
	same(t, "stages", stages(t, res.Stages), []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"})
	same(t, "file", res.Files["/etc/vendor"].Text, "of the vendor\n")
	same(t, "user config provided", provided(t, res), true)
	same(t, "entries about the config", strings.Count(res.Journal, `fetched user config from "qemu"`), 1)
}
