package firstboot

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// unlike is one config for the machines of the next test.
const unlike = `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"facts": true},
	"storage": {
		"disks": [{"device": "/dev/vdb", "wipeTable": true, "partitions": [{"label": "data"}], "when": {"serial": "S-*", "platform": "qemu"}}],
		"files": [
			{"path": "/etc/name", "contents": {"source": "data:,${fact:hostname}%20on%20${fact:platform}"}},
			{"path": "/etc/serial", "contents": {"source": "data:,${fact:serial}"}, "when": {"platform": "qemu"}},
			{"path": "/etc/route", "contents": {"source": "data:,${fact:mac}%20${fact:address}%20${fact:region}"}, "when": {"platform": "hetzner"}}]},
	"systemd": {"units": [{"name": "a.service", "contents": "[Service]\nExecStart=true ${fact:zone}\n", "when": {"platform": "hetzner", "zone": "fsn*"}}]}}`

func TestFirstBootOfUnlikeMachinesWithOneConfig(t *testing.T) {
	for platform, want := range map[string]struct {
		files map[string]string // "" for none
		disk  bool
	}{
		"qemu":    {map[string]string{"/etc/name": "db1 on qemu", "/etc/serial": "S-1_2", "/etc/route": "", "/etc/systemd/system/a.service": ""}, true},
		"hetzner": {map[string]string{"/etc/name": "web1 on hetzner", "/etc/serial": "", "/etc/route": "52:54:00:12:34:56 10.0.2.15 eu-central", "/etc/systemd/system/a.service": "[Service]\nExecStart=true fsn1-dc14\n"}, false},
	} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			o := machine(t)
			o.Arguments = vm.FirstBoot(platform)
			if platform == "qemu" {
				o.Config, o.Bare = unlike, true
				o.Arguments += " systemd.hostname=db1"
				o.Devices = []string{"-smbios", "type=1,serial=S-1 2"}
			} else {
				o.Network = true
				serveMetadata(t, func(w http.ResponseWriter, r *http.Request) {
					text, there := map[string]string{"/hetzner/v1/userdata": unlike, "/hetzner/v1/metadata/hostname": "web1",
						"/hetzner/v1/metadata": "region: eu-central\navailability-zone: fsn1-dc14\n"}[r.RequestURI]
					if !there {
						w.WriteHeader(http.StatusNotFound)
					}
					io.WriteString(w, text)
				})
			}
			res := vm.Boot(t, o)
			for name, text := range want.files {
				same(t, name, res.Files[name].Text, text)
			}
			same(t, "a partition was made", strings.Contains(res.Stages, "partition"), want.disk)
			same(t, "the log has what was skipped", strings.Contains(res.Journal, "skipped storage."), true)
		})
	}
}
