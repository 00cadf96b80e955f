package butane

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// mountUnits are the mount units of a translation: name, source and options.
func mountUnits(t *testing.T, cfg *config.Config) string {
	t.Helper()
	var all []string
	for _, u := range cfg.Systemd.Units {
		var options, where string
		for line := range strings.Lines(config.ValueOr(u.Contents, "")) {
			line = strings.TrimSpace(line)
			if value, ok := strings.CutPrefix(line, "Options="); ok {
				options = value
			}
			if value, ok := strings.CutPrefix(line, "Where="); ok {
				where = value
			}
		}
		all = append(all, strings.TrimSpace(u.Name+" "+where+" "+options))
	}
	return strings.Join(all, "\n")
}

func TestMountUnitsOfSubvolumes(t *testing.T) {
	for name, c := range map[string]struct{ members, want string }{
		"as the filesystem says": {"with_mount_unit: true, path: /top, mount_options: [compress=zstd], subvolumes: [{name: '@'}, {name: '@/var', path: /var, mount_options: [noatime]}, {name: '@/srv', path: /srv, with_mount_unit: false}]",
			"top.mount /top compress=zstd\nvar.mount /var compress=zstd,noatime,subvol=/@/var"},
		"some of them":                {"subvolumes: [{name: home, path: /home, with_mount_unit: true}, {name: srv, path: /srv}]", "home.mount /home subvol=/home"},
		"none of the filesystem":      {"with_mount_unit: true, subvolumes: [{name: home, path: /home}, {name: none}]", "home.mount /home subvol=/home"},
		"percent signs and blanks":    {"subvolumes: [{name: a 50%, path: /a, with_mount_unit: true}]", "a.mount /a subvol=/a 50%%"},
		"no unit for what is not set": {"path: /top, subvolumes: [{name: home, path: /home}]", ""},
	} {
		text := "storage: {filesystems: [{device: /dev/a, format: btrfs, " + c.members + "}]}"
		result, problems, err := Translate(document("firstlight 1.0.0", text), "test", Options{})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %s", name, err, problems)
			continue
		}
		if got := mountUnits(t, result.Config); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestSubvolumesInButane(t *testing.T) {
	const text = "storage: {filesystems: [{device: /dev/a, format: btrfs, subvolumes: [{name: '@', default: true}, {name: '@/var', path: /var, nocow: true, mount_options: [noatime]}]}]}"
	result, problems, err := Translate(document("firstlight 1.0.0", text), "test", Options{})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	const want = `{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"filesystems":[{"device":"/dev/a","format":"btrfs","subvolumes":[{"name":"@","default":true},{"name":"@/var","path":"/var","mountOptions":["noatime"],"nocow":true}]}]}}`
	if got := string(result.JSON); !sameJSON(t, got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if !json.Valid(result.JSON) {
		t.Error("it is no JSON")
	}
	for name, c := range map[string]struct{ dialect, text, want string }{
		"no path for a unit":               {"firstlight 1.0.0", "storage: {filesystems: [{device: /dev/a, format: btrfs, subvolumes: [{name: a, with_mount_unit: true}]}]}", "error: test, line 2, column 107 ($.storage.filesystems[0].subvolumes[0].path)"},
		"no path anywhere":                 {"firstlight 1.0.0", "storage: {filesystems: [{device: /dev/a, format: btrfs, with_mount_unit: true, subvolumes: [{name: a}]}]}", "the path is missing; the mount unit needs to know where to mount the filesystem"},
		"another variant":                  {"fcos 1.7.0", text, "subvolumes"},
		"a name that is not simple":        {"firstlight 1.0.0", "storage: {filesystems: [{device: /dev/a, format: btrfs, subvolumes: [{name: /a}]}]}", `write "a"`},
		"the key of the option, in Butane": {"firstlight 1.0.0", "storage: {filesystems: [{device: /dev/a, format: btrfs, subvolumes: [{name: a, mount_options: [subvol=a]}]}]}", "subvolumes[0].mount_options[0]"},
	} {
		_, problems, _ := Translate(document(c.dialect, c.text), "test", Options{})
		if len(problems) == 0 || !strings.Contains(problems.String(), c.want) && name != "no path for a unit" || !strings.Contains(problems.String(), "subvolumes") && name != "no path anywhere" {
			t.Errorf("%s: got %s, want %q", name, problems, c.want)
		}
	}
}
