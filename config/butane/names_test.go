package butane

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

// TestSugarWritesOnlyWhereItSays tries names that lead elsewhere in all sugar that makes
// a path or the name of a unit of them: they are refused, or stay below the directory.
func TestSugarWritesOnlyWhereItSays(t *testing.T) {
	o := Options{FilesDir: filesDir(t, map[string]string{"in/a": "A", "b": "B"}) + "/in"}
	for _, c := range []struct{ dialect, text, below string }{
		{"fcos 1.8.0-experimental", "systemd: {quadlets: [{name: '%s.pod', rootful: true}]}", "/etc/containers/systemd"},
		{"fcos 1.8.0-experimental", "systemd: {quadlets: [{name: 'a@%s.pod'}]}", "/etc/containers/systemd/users"},
		{"fcos 1.8.0-experimental", "systemd: {quadlets: [{name: a.pod, dropins: [{name: '%s'}]}]}", "/etc/containers/systemd/users"},
		{"fcos 1.8.0-experimental", "systemd: {quadlets: [{name: a.pod, dropins: [{name: '%s.conf'}]}]}", "/etc/containers/systemd/users"},
		{"fcos 1.7.0", "storage: {trees: [{local: '%s', path: /x}]}", "/x"},
		{"fcos 1.7.0", "storage: {trees: [{local: ., path: '%s'}]}", "/"},
		{"fcos 1.7.0", "storage: {files: [{path: /x, contents: {local: '%s'}}]}", "/x"},
		{"fcos 1.7.0", "storage: {files: [{path: /x, contents: {local: 'a/%s'}}]}", "/x"},
		{"fcos 1.5.0", "storage: {filesystems: [{device: /d, format: xfs, with_mount_unit: true, path: '%s'}]}", "/"},
		{"fcos 1.5.0", "storage: {filesystems: [{device: /d, format: xfs, with_mount_unit: true, path: '/%s'}]}", "/"},
		{"fcos 1.5.0", "storage: {filesystems: [{device: '/%s', format: swap, with_mount_unit: true}]}", "/"},
	} {
		for _, name := range []string{"", ".", "..", "../..", "../b", "/../b", "/", "//", "a/", "/etc/motd", "a/../../b", "\x00", "a\nb"} {
			quoted := strings.NewReplacer("\x00", `\0`, "\n", `\n`).Replace(name)
			text := strings.ReplaceAll(fmt.Sprintf(c.text, quoted), "'", `"`)
			if result, _, err := Translate(document(c.dialect, text+"\n"), "", o); err == nil {
				checkPaths(t, text, c.below, result)
			}
		}
	}
}

// checkPaths checks what a translated config writes to.
func checkPaths(t *testing.T, text, below string, result *Result) {
	t.Helper()
	cfg, _, err := config.Parse(result.JSON, "")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range cfg.Storage.Files {
		paths = append(paths, f.Path)
		if strings.Contains(config.ValueOr(f.Contents.Source, ""), "B") {
			t.Errorf("%s: a file outside of the files directory was read", text)
		}
	}
	for _, l := range cfg.Storage.Links {
		paths = append(paths, l.Path)
	}
	for _, p := range paths {
		if p != path.Clean(p) || p != below && !strings.HasPrefix(p, strings.TrimSuffix(below, "/")+"/") {
			t.Errorf("%s: writes %q, which is not below %s", text, p, below)
		}
	}
	for _, u := range cfg.Systemd.Units {
		if strings.ContainsAny(u.Name, "/\n\x00") {
			t.Errorf("%s: makes the unit %q", text, u.Name)
		}
	}
}
