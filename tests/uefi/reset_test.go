//go:build soak

package uefi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// A machine is provisioned, asks for its reset itself, and is reset by the credential.
func TestUnifiedImageIsResetByACredential(t *testing.T) {
	p := built()
	testkit.NoError(t, p.err)
	const s = settings("FIRST_BOOT=credential\nKARGS_HELPER=firstlight-kargs\nRESET_KEEP=/usr /var/lib/dpkg\nRESET_ETC=/usr/share/etc\n")
	image := filepath.Join(t.TempDir(), "debian.efi")
	testkit.NoError(t, vm.UnifiedImage(image, p.kernel, s.initramfs(t, p), vm.KernelArguments("ignition.platform.id=qemu")))
	o := newMachine(t, p, s, map[string]string{"EFI/Linux/debian.efi": image, credential: "1\n"})
	at := t.TempDir()
	run(t, "mount", "-o", fmt.Sprintf("loop,offset=%d", rootStart), o.Root, at)
	run(t, "cp", "-a", at+"/etc", at+"/usr/share/etc")
	run(t, "umount", at)
	const ends = `"systemd": {"units": [{"name": "ignition-firstboot-end.service", "enabled": true},
		{"name": "report.service", "dropins": [{"name": "end.conf", "contents": "[Unit]\nAfter=ignition-firstboot-end.service\n"}]}`
	renewed := `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/renewed", "contents": {"source": "data:,renewed"}}]}, ` + ends + `]}}`
	unit, err := json.Marshal(`[Unit]
After=ignition-firstboot-end.service
Before=report.service
ConditionPathExists=/opt/new.ign
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'firstlightctl reset --config /opt/new.ign --keep /var/lib/data/kept > /var/lib/data/said 2>&1; firstlightctl firstboot status >> /var/lib/data/said 2>&1'
[Install]
WantedBy=multi-user.target
`)
	testkit.NoError(t, err)
	file := func(path, text string) string {
		return fmt.Sprintf(`{"path": %q, "contents": {"source": "data:;base64,%s"}}`, path, testkit.Base64(text))
	}
	o.Config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [` + file("/opt/new.ign", renewed) + "," + file("/opt/old", "old") + "," +
		file("/var/lib/data/kept", "precious") + `]}, ` + ends + `, {"name": "reset.service", "enabled": true, "contents": ` + string(unit) + `}]}}`
	disk, err := vm.OpenVolatileDisk(o.Root)
	testkit.NoError(t, err)
	o.VolatileRoot = disk
	first := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, first.Machine), allStages)
	said := first.Files["/var/lib/data/said"].Text
	testkit.Contains(t, "what firstlightctl says", said, "armed: ", "\nreset: ")
	text, err := onESP(t, imageOf(t, disk), reset.CredentialFile[1:])
	testkit.NoError(t, err)
	request, err := reset.Parse([]byte(text))
	testkit.NoError(t, err)
	testkit.Equal(t, "kept", request.Keep, []string{"/var/lib/data/kept"})
	if t.Failed() {
		t.Fatal(said)
	}

	o.Config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/of-the-platform"}]}}`
	second := vm.Boot(t, o)
	testkit.Equal(t, "stages of the reset", ran(t, second.Machine), allStages)
	testkit.Equal(t, "the new file", second.Files["/etc/renewed"].Text, "renewed")
	kept, before := second.Files["/var/lib/data/kept"], first.Files["/var/lib/data/kept"]
	testkit.Equal(t, "what was kept", kept.Text, "precious")
	testkit.Equal(t, "its inode", kept.Inode, before.Inode)
	for _, name := range []string{"/opt/old", "/opt/new.ign", "/var/lib/data/said", "/etc/of-the-platform"} {
		if _, there := second.Files[name]; there {
			t.Errorf("%s is there after the reset", name)
		}
	}
	record, err := report.ParseRecord([]byte(second.Record))
	testkit.NoError(t, err)
	if record.Reset == nil || record.Reset.Request != request.ID || record.Outcome != report.Provisioned {
		t.Errorf("the record has %+v, %s", record.Reset, record.Outcome)
	}
	after := imageOf(t, disk)
	if isMarked(t, after) {
		t.Error("the first boot has not ended")
	}
	if _, err := onESP(t, after, reset.CredentialFile[1:]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the request is still there (%v)", err)
	}
}
