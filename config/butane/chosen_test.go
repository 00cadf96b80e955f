package butane

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestDisksOfTheVariantFirstlight(t *testing.T) {
	const dialect = "firstlight 1.0.0"
	for name, c := range map[string]struct{ text, want string }{
		"a disk with partitions": {
			"storage: {disks: [{as: data, match: {size: '>= 400GiB', rotational: false}, pick: largest, wipe_table: true, partitions: [{number: 1}]}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"disks":[{"device":"/dev/firstlight/data","partitions":[{"number":1}],"wipeTable":true}]},` +
				`"firstlight":{"disks":[{"as":"data","match":{"size":">= 400GiB","rotational":false},"pick":"largest"}]}}`},
		"a name alone, beside another disk": {
			"storage: {disks: [{as: data, match: {serial: S}}, {device: /dev/a}], filesystems: [{device: /dev/firstlight/data, format: xfs}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"disks":[{"device":"/dev/a"}],"filesystems":[{"device":"/dev/firstlight/data","format":"xfs"}]},` +
				`"firstlight":{"disks":[{"as":"data","match":{"serial":"S"}}]}}`},
		"names alone": {
			"storage: {disks: [{as: data, match: {serial: S}, pick: all}], raid: [{name: r, level: raid1, devices: [/dev/firstlight/data1, /dev/firstlight/data2]}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"raid":[{"devices":["/dev/firstlight/data1","/dev/firstlight/data2"],"level":"raid1","name":"r"}]},` +
				`"firstlight":{"disks":[{"as":"data","match":{"serial":"S"},"pick":"all"}]}}`},
		"without extensions": {
			"storage: {disks: [{device: /dev/a, wipe_table: true}]}",
			`{"ignition":{"version":"3.6.0"},"storage":{"disks":[{"device":"/dev/a","wipeTable":true}]}}`},
	} {
		result, problems, err := Translate(document(dialect, c.text), "test", Options{})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %s", name, err, problems)
			continue
		}
		if got := string(result.JSON); !sameJSON(t, got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if result.Config.IsExtended() != strings.Contains(c.want, "+firstlight") {
			t.Errorf("%s: the config is extended: %t", name, result.Config.IsExtended())
		}
	}
}

// Whatever fcos has at its newest stable version the variant has, with the same result.
func TestTheVariantFirstlightHasTheKeysOfFedora(t *testing.T) {
	for _, text := range []string{
		"boot_device: {layout: x86_64, luks: {tpm2: true}, mirror: {devices: [/dev/a, /dev/b]}}",
		"grub: {users: [{name: root, password_hash: grub.pbkdf2.sha512.1}]}",
		"storage: {files: [{path: /a, contents: {inline: a}, mode: 0600}], filesystems: [{device: /dev/a, format: xfs, path: /var/a, with_mount_unit: true}]}",
		"passwd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAA]}]}\nkernel_arguments: {should_exist: [quiet]}",
	} {
		ours, _, err := Translate(document("firstlight 1.0.0", text), "test", Options{})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		theirs, _, err := Translate(document("fcos 1.7.0", text), "test", Options{})
		if err != nil || string(ours.JSON) != string(theirs.JSON) {
			t.Errorf("%s: got %s, want %s (%v)", text, ours.JSON, theirs.JSON, err)
		}
	}
}

func TestRulesOfTheVariantFirstlight(t *testing.T) {
	const at = "storage.disks[0]"
	disk := func(keys string) string { return "storage: {disks: [{" + keys + "}]}\n" }
	used := func(keys string) string {
		return disk(keys) + "systemd: {units: [{name: a.mount, contents: \"[Mount]\\nWhat=/dev/firstlight/data\\nWhere=/a\\n[Install]\\nWantedBy=local-fs.target\"}]}\n"
	}
	testRules(t, Options{}, []rule{
		{"device and name", "firstlight 1.0.0", used("as: data, device: /dev/a, match: {serial: S}"), []string{"E " + at + ".device as and device are set together; set only one of them: with as the device is /dev/firstlight/data"}},
		{"match without a name", "firstlight 1.0.0", disk("match: {serial: S}"), []string{"E " + at + `.as a disk that is chosen by its properties needs a name; "as: data" makes it /dev/firstlight/data`}},
		{"match without a name, with a device", "firstlight 1.0.0", disk("device: /dev/a, pick: largest"), []string{"E " + at + ".as needs a name"}},
		{"neither a device nor a name", "firstlight 1.0.0", disk("wipe_table: true"), []string{"E " + at + ".device path is missing"}},
		{"partitions of all disks", "firstlight 1.0.0", used("as: dat, match: {serial: S}, pick: all, partitions: [{number: 1}], wipe_table: true"), []string{
			"E " + at + ".partitions partitions cannot be set for all disks that match", "E " + at + ".wipe_table with device: /dev/firstlight/dat1 and so on"}},
		{"no match", "firstlight 1.0.0", used("as: data"), []string{"E " + at + " no property to look for"}},
		{"size", "firstlight 1.0.0", used("as: data, match: {size: 4}"), []string{"E " + at + `.match.size "4" is no size`}},
		{"pick", "firstlight 1.0.0", used("as: data, match: {serial: S}, pick: any"), []string{"E " + at + `.pick "any" is not how`}},
		{"unused", "firstlight 1.0.0", disk("as: data, match: {serial: S}"), []string{"W " + at + ".as nothing in the config names the device /dev/firstlight/data"}},
		{"unknown property", "firstlight 1.0.0", used("as: data, match: {serail: S, size: '> 1GB'}"), []string{"E " + at + `.match.serail "serail" is not a key of firstlight 1.0.0 here and has no effect; did you mean "serial"?`}},
		{"unknown key elsewhere", "firstlight 1.0.0", "storage: {diks: []}\n", []string{`E storage.diks did you mean "disks"?`}},
		{"key of the spec", "firstlight 1.0.0", "firstlight: {disks: []}\n", []string{`E firstlight "firstlight" is not a key of firstlight 1.0.0`}},
		{"empty match", "firstlight 1.0.0", used("as: data, match: "), []string{"E " + at + ".match there is nothing in match", "E " + at + " no property to look for"}},
		{"another variant", "fcos 1.7.0,flatcar 1.1.0", disk("device: /dev/a, match: {serial: S}"), []string{"W " + at + `.match "match" is a key of firstlight and has no effect`}},
		{"another version", "firstlight 2.0.0", "", []string{`E . there is no version 2.0.0 of the variant firstlight; there are 1.0.0; a newer version of this program may know it`}},
	})
}

func TestPlainTranslationRefusesTheVariantFirstlight(t *testing.T) {
	_, problems, err := Translate(document("firstlight 1.0.0", ""), "test", Options{Plain: true})
	if !errors.Is(err, ErrDocument) || len(problems) != 1 || problems[0].Origin.Path != "variant" || !strings.Contains(problems[0].Message, `translate it with "firstlightctl translate"`) {
		t.Errorf("got %v, %s", err, problems)
	}
	if _, _, err := Translate(document("fcos 1.7.0", ""), "test", Options{Plain: true}); err != nil {
		t.Errorf("fcos: %v", err)
	}
}

// Extensions have the places of the document, also on a machine and in its cache.
func TestExtensionsOfButaneKnowTheirPlaces(t *testing.T) {
	cfg, _, err := Parse(document("firstlight 1.0.0", "storage:\n  disks:\n    - as: data\n      match: {serial: S}\n      wipe_table: true\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	text, origins := cfg.Save()
	loaded, err := config.Load(text, origins, "cache")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*config.Config{cfg, loaded} {
		for _, o := range []struct {
			origin config.Origin
			line   int
			path   string
		}{
			{c.Firstlight.Disks[0].Origin(), 5, "storage.disks[0]"},
			{c.Firstlight.Disks[0].Match.Origin("serial"), 6, "storage.disks[0].match.serial"},
			{c.Storage.Disks[0].Origin("device"), 5, "storage.disks[0].as"},
			{c.Storage.Disks[0].Origin("wipeTable"), 7, "storage.disks[0].wipe_table"},
		} {
			// The cache has the names of JSON for the members of an object.
			isThere := o.origin.Path == o.path || c == loaded && strings.HasPrefix(o.origin.Path, "storage.disks[0].")
			if o.origin.Line != o.line || !isThere || !o.origin.Butane {
				t.Errorf("got %v, want line %d, %s", o.origin, o.line, o.path)
			}
		}
	}
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(got), &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatal(err)
	}
	return jsonEqual(a, b)
}
