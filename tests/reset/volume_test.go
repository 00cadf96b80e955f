package reset

import (
	"fmt"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A volume on another disk stays, though it is none of what is kept, and the TPM opens it. The
// new config cannot have it among its volumes: that is found before anything goes.
func TestVolumeOfTheTPMStays(t *testing.T) {
	shell(t, "install -D -t /etc/security/pwquality.conf.d /share/ignition-luks.conf")
	m := newMachine(t)
	disk := func(name string) string {
		path := m.dir + "/" + name + ".disk"
		dev := shell(t, "truncate -s 96M "+path+"; losetup --find --show "+path)
		t.Cleanup(func() { shell(t, "losetup -d "+dev) })
		return dev
	}
	root, data := disk("root"), disk("data")
	named := fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
		"luks": [{"name": "data", "device": %q, "clevis": {"tpm2": true}, "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]}],
		"filesystems": [{"device": "/dev/mapper/data", "format": "ext4", "label": "data", "path": "/var/data"}],
		"files": [{"path": "/var/data/file", "contents": {"source": "data:,precious"}}]}}`, data)
	uuid := m.makeRoot(root)
	testkit.WriteFile(t, m.dir+"/platform.ign", named)
	provisioned := m.boot(root, "defaults")
	line := "data UUID=" + shell(t, "cryptsetup luksUUID "+data) + " none luks\n"
	shell(t, "cryptsetup close data")

	m.request(named, uuid)
	after, log, err := m.try(root, "defaults")
	if err == nil {
		t.Fatalf("the volume was taken for the one of the config:\n%s", log)
	}
	testkit.Contains(t, "log", log, "whether clevis unlocks it as the config says cannot be known")
	for _, d := range differences(provisioned, after) {
		t.Errorf("the machine that was not reset: %s", d)
	}
	m.request(fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/crypttab", "contents": {"source": "data:;base64,%s"}}]}}`, testkit.Base64(line)), uuid)
	after = m.boot(root, "defaults")
	m.check(after)
	testkit.Equal(t, "crypttab", after["/etc/crypttab"].contents, digest(line))
	shell(t, "clevis luks unlock -d "+data+" -n data; mount /dev/mapper/data "+sysroot)
	testkit.Equal(t, "what is in the volume", shell(t, "cat "+sysroot+"/file"), "precious")
	shell(t, "umount "+sysroot+"; cryptsetup close data")
}
