//go:build soak

package uefi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// resetsItself is the config of a machine that asks for a reset when its first boot has ended,
// once. What firstlightctl prints is in /etc/said.
func resetsItself() string {
	const unit = "[Unit]\nAfter=ignition-firstboot-end.service\nBefore=report.service\nConditionPathExists=!/etc/asked\n" +
		"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'firstlightctl reset --config /etc/new.ign --keep /srv/kept > /etc/said 2>&1; touch /etc/asked'\n[Install]\nWantedBy=multi-user.target\n"
	quoted, _ := json.Marshal(unit)
	// The base config has a file in /etc, which stays.
	const next = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/srv/new", "contents": {"source": "data:,new"}},
		{"path": "/etc/firstlight-base", "overwrite": true, "mode": 384, "contents": {"source": "data:,base%0A"}}]}}`
	return `{"ignition": {"version": "3.4.0"}, "storage": {"files": [
		{"path": "/etc/new.ign", "contents": {"source": "data:,` + url.PathEscape(next) + `"}},
		{"path": "/srv/kept/file", "mode": 384, "user": {"id": 1234}, "contents": {"source": "data:,mine"}},
		{"path": "/srv/other", "contents": {"source": "data:,old"}},
		{"path": "/opt/other", "contents": {"source": "data:,old"}}]},
		"systemd": {"units": [{"name": "ignition-firstboot-end.service", "enabled": true},
			{"name": "report.service", "dropins": [{"name": "end.conf", "contents": "[Unit]\nAfter=ignition-firstboot-end.service\n"}]},
			{"name": "reset.service", "enabled": true, "contents": ` + string(quoted) + `}]}}`
}

// The entry names the request, and is in the end as it was before. In both boots the platform
// has the first config.
func TestEntryIsResetByItsArgument(t *testing.T) {
	const asBuilt, ended = "ignition.firstboot ignition.platform.id=qemu", "ignition.platform.id=qemu"
	o := withEntry(t, "FIRST_BOOT=loader-entry\nKARGS_HELPER=firstlight-kargs\nRESET_KEEP=/usr /etc\n", asBuilt)
	o.Config = resetsItself()
	first := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, first.Machine), allStages)
	testkit.Contains(t, "what the command has said", first.Files["/etc/said"].Text, "this removes: ", "/srv/kept", "(/efi"+reset.File+")")
	text, err := onESP(t, o.Root, reset.File[1:])
	testkit.NoError(t, err)
	request, err := reset.Parse([]byte(text))
	testkit.NoError(t, err)
	testkit.Equal(t, "kept", request.Keep, []string{"/srv/kept"})
	testkit.Equal(t, "entry", readEntry(t, o.Root), entryOf(ended+" "+request.KernelArgument()+" ignition.firstboot"))
	if t.Failed() {
		return
	}
	second := vm.Boot(t, o)
	testkit.Equal(t, "stages of the reset", ran(t, second.Machine), allStages)
	testkit.Equal(t, "what is kept", second.Files["/srv/kept/file"], first.Files["/srv/kept/file"])
	testkit.Equal(t, "what is new", second.Files["/srv/new"].Text, "new")
	for _, name := range []string{"/srv/other", "/opt/other"} {
		if _, there := second.Files[name]; there {
			t.Errorf("%s is there still, or the platform's config was taken", name)
		}
	}
	testkit.Equal(t, "entry after the reset", readEntry(t, o.Root), entryOf(ended))
	if listed := run(t, "mdir", "-b", "-i", fmt.Sprintf("%s@@%d", o.Root, espStart), "::/"); strings.Contains(listed, "firstlight") {
		t.Errorf("the request is left: %s", listed)
	}
	isSound(t, o.Root)
}
