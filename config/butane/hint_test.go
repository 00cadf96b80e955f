package butane

import (
	"strings"
	"testing"
)

func TestUnknownKeysNameWhatIsMeant(t *testing.T) {
	for text, want := range map[string]string{
		"storage: {disks: [{device: /d, wipe_tabel: true}]}":                   `did you mean "wipe_table"?`,
		"storage: {disks: [{device: /d, wipeTable: true}]}":                    `did you mean "wipe_table"?`,
		"storage: {disks: [{device: /d, partitions: [{number: 1, size: 5}]}]}": `did you mean "size_mib"? this is a key of version 2`,
		"systemd: {contents_local: x}":                                         "it belongs under systemd.units.dropins or systemd.units",
		"boot_device: {tpm2: true}":                                            "it belongs under boot_device.luks",
		"storage: {files: [{path: /a, inline: x}]}":                            "it belongs under storage.files.contents or storage.files.append",
		"passwd: {users: [{name: a, create: {}}]}":                             "version 2 of the spec: what is in it",
		"hostname: x": "this is a key of cloud-config",
		"storage: {files: [{path: /a, contents: {remote: {url: 'https://x'}}}]}": "Container Linux Configs: its url is the source",
		"storage: {files: [{path: /a, user: {uid: 5}}]}":                         "it belongs under passwd.users",
	} {
		_, problems, _ := Translate([]byte("variant: fcos\nversion: 1.5.0\n"+text+"\n"), "a.bu", Options{})
		if !strings.Contains(problems.String(), want) {
			t.Errorf("%s: got %q, want %q", text, problems, want)
		}
	}
}
