package files

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

const (
	unitsAt  = "etc/systemd/system/"
	presetAt = "etc/systemd/system-preset/20-ignition.preset"
)

func units(list string) string { return `"systemd": {"units": [` + list + `]}` }

func TestUnitFilesAndDropins(t *testing.T) {
	w := newFixture(t)
	w.symlink("/dev/null", unitsAt+"masked.service")
	w.write(unitsAt+"old.service", "old")
	w.symlink("/usr/lib/systemd/system/x.service", unitsAt+"linked.service")
	w.mustApply(units(`
		{"name": "new.service", "contents": "[Service]\n", "dropins": [
			{"name": "10-a.conf", "contents": "[Unit]\n"}, {"name": "20-empty.conf", "contents": ""}, {"name": "30-unset.conf"}]},
		{"name": "old.service", "contents": "new"},
		{"name": "masked.service", "contents": "unmasked"},
		{"name": "linked.service", "contents": "mine"},
		{"name": "empty.service", "contents": ""}`))
	for name, text := range map[string]string{
		"new.service": "[Service]\n", "new.service.d/10-a.conf": "[Unit]\n", "new.service.d/20-empty.conf": "",
		"old.service": "new", "masked.service": "unmasked", "linked.service": "mine",
	} {
		w.wantText(unitsAt+name, text)
		w.wantMode(unitsAt+name, 0o644)
		if st := w.node(unitsAt + name); st.Target != "" {
			t.Errorf("%s is still a link", name)
		}
	}
	w.wantMode(unitsAt+"new.service.d", 0o755)
	if w.exists(unitsAt+"empty.service") || w.exists(unitsAt+"new.service.d/30-unset.conf") || w.exists(presetAt) {
		t.Errorf("the tree is\n%s", listing(t, w.Root))
	}
}

func TestUnitInPlaceOfADirectoryConflicts(t *testing.T) {
	w := newFixture(t)
	w.mkdir(unitsAt + "a.service")
	_, err := w.Plan(t.Context(), parse(t, units(`{"name": "a.service", "contents": "x"}`)))
	if err == nil || !strings.Contains(err.Error(), "writing unit a.service: at /etc/systemd/system/a.service there is a directory") {
		t.Error(err)
	}
}

func TestMasks(t *testing.T) {
	w := newFixture(t)
	w.write(unitsAt+"file.service", "x")
	w.write(unitsAt+"kept.service", "x")
	w.symlink("/dev/null", unitsAt+"unmask.service")
	w.symlink("/usr/lib/systemd/system/y.service", unitsAt+"alias.service")
	for range 2 {
		w.mustApply(units(`
			{"name": "file.service", "mask": true, "contents": "a mask counts more"},
			{"name": "none.service", "mask": true},
			{"name": "kept.service", "mask": false},
			{"name": "alias.service", "mask": false},
			{"name": "absent.service", "mask": false},
			{"name": "unmask.service", "mask": false}`))
		w.wantLink(unitsAt+"file.service", "/dev/null")
		w.wantLink(unitsAt+"none.service", "/dev/null")
		w.wantText(unitsAt+"kept.service", "x")
		w.wantLink(unitsAt+"alias.service", "/usr/lib/systemd/system/y.service")
		if w.exists(unitsAt+"unmask.service") || w.exists(unitsAt+"absent.service") {
			t.Error("the mask is still there")
		}
	}
}

const install = `"contents": "[Install]\nWantedBy=a.target\n"`

func TestPresetBytes(t *testing.T) {
	for name, c := range map[string]struct{ units, before, want string }{
		"sorted by name": {
			units: `{"name": "z.service", "enabled": true, ` + install + `}, {"name": "a.timer", "enabled": true}, {"name": "m.service"}`,
			want:  "enable a.timer\nenable z.service\n"},
		"instances share a line, in the order of the config": {
			units: `{"name": "echo@foo.service", "enabled": true}, {"name": "b.service", "enabled": true}, {"name": "echo@bar.service", "enabled": true}, {"name": "z@1.timer", "enabled": true}`,
			want:  "enable b.service\nenable echo@.service foo bar\nenable z@.timer 1\n"},
		"a bare template": {
			units: `{"name": "echo@.service", "enabled": true}`,
			want:  "enable echo@.service\n"},
		"a bare template among instances": {
			units: `{"name": "echo@.service", "enabled": true}, {"name": "echo@a.b.service", "enabled": true}`,
			want:  "enable echo@.service a.b\n"},
		"a disabled unit of the config": {
			units: `{"name": "x.service", "enabled": false, ` + install + `}`,
			want:  "disable x.service\n"},
		"disabled units of the image": {
			units: `{"name": "vendor.service", "enabled": false}, {"name": "tmpl@one.service", "enabled": false}, {"name": "tmpl@.service", "enabled": false}, {"name": "tmpl@two.service", "enabled": true}`,
			want:  "disable tmpl@.service\nenable tmpl@.service two\ndisable tmpl@one.service\ndisable vendor.service\n"},
		"an unknown disabled unit": {
			units: `{"name": "none.service", "enabled": false}`},
		"earlier contents are kept": {
			units: `{"name": "x.service", "enabled": true}`, before: "# mine\ndisable *\n",
			want: "# mine\ndisable *\nenable x.service\n"},
		"an open last line is ended": {
			units: `{"name": "x.service", "enabled": true}`, before: "enable y.service",
			want: "enable y.service\nenable x.service\n"},
		"no line twice": {
			units: `{"name": "x.service", "enabled": true}, {"name": "y.service", "enabled": true}`, before: "enable x.service\n",
			want: "enable x.service\nenable y.service\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.write("usr/lib/systemd/system/vendor.service", "")
			w.write("usr/lib/systemd/system/tmpl@.service", "")
			if c.before != "" {
				w.write(presetAt, c.before)
			}
			for range 2 { // a second run adds nothing
				w.mustApply(units(c.units))
				if c.want == "" {
					if w.exists(presetAt) {
						t.Errorf("the presets are %q", w.read(presetAt))
					}
					continue
				}
				w.wantText(presetAt, c.want)
				w.wantMode(presetAt, 0o644)
			}
		})
	}
}

func TestDisableCountsUnitsThatFilesAndLinksOfTheConfigMake(t *testing.T) {
	w := newFixture(t)
	w.mustApply(`"storage": {"files": [{"path": "/etc/systemd/system/f.service"}], "links": [{"path": "/etc/systemd/system/l.service", "target": "/opt/l.service"}]}, ` +
		units(`{"name": "f.service", "enabled": false}, {"name": "l.service", "enabled": false}`))
	w.wantText(presetAt, "disable f.service\ndisable l.service\n")
}

// enabledUnits has links as systemctl makes them.
func enabledUnits(w *fixture) {
	w.write("usr/lib/systemd/system/x.service", "")
	w.symlink("/usr/lib/systemd/system/x.service", unitsAt+"multi-user.target.wants/x.service")
	w.symlink("/usr/lib/systemd/system/x.service", unitsAt+"a.service.requires/x.service")
	w.symlink("/usr/lib/systemd/system/x.service", unitsAt+"dbus-org.x.service")
	w.symlink("/usr/lib/systemd/system/y.service", unitsAt+"multi-user.target.wants/y.service")
	w.symlink("/usr/lib/systemd/system/t@.service", unitsAt+"a.target.upholds/t@1.service")
	w.symlink("/usr/lib/systemd/system/t@.service", unitsAt+"a.target.upholds/t@2.service")
	w.write(unitsAt+"multi-user.target.wants/README", "no link")
	w.write(unitsAt+"file.wants", "no directory")
}

func TestDisableAsksSystemctl(t *testing.T) {
	w := newFixture(t)
	enabledUnits(w)
	w.mustApply(units(`{"name": "x.service", "enabled": false}, {"name": "never.service", "enabled": false}, {"name": "y.service", "enabled": true}`))
	w.wantCommands("systemctl --root R disable x.service")
}

func TestDisableWithoutSystemctl(t *testing.T) {
	w := newFixture(t)
	enabledUnits(w)
	w.run.Answers["systemctl"] = systemtest.Answer{Err: exec.ErrNotFound}
	for range 2 {
		w.mustApply(units(`{"name": "x.service", "enabled": false}, {"name": "t@1.service", "enabled": false}`))
	}
	for name, want := range map[string]bool{
		"multi-user.target.wants/x.service": false, "a.service.requires/x.service": false, "dbus-org.x.service": false,
		"a.target.upholds/t@1.service": false, "a.target.upholds/t@2.service": true,
		"multi-user.target.wants/y.service": true, "multi-user.target.wants/README": true,
	} {
		if w.exists(unitsAt+name) != want {
			t.Errorf("%s is there: %v, want %v", name, !want, want)
		}
	}
	w.mustApply(units(`{"name": "t@.service", "enabled": false}`))
	if w.exists(unitsAt + "a.target.upholds/t@2.service") {
		t.Error("an instance of the disabled template is still enabled")
	}
}

func TestUnitsStayInsideTheRoot(t *testing.T) {
	w := newFixture(t)
	w.symlink(w.outside, "etc/systemd")
	w.mustApply(units(`{"name": "x.service", "contents": "x", "enabled": true}`))
	w.wantText(strings.TrimPrefix(w.outside, "/")+"/system/x.service", "x")
}

func TestPresetLinesNameEveryUnit(t *testing.T) {
	var list []config.Unit
	yes := true
	for i := range 200 {
		list = append(list, config.Unit{Name: fmt.Sprintf("u%03d.service", 199-i), Enabled: &yes})
	}
	lines := presetLines(list)
	if len(lines) != 200 || !slices.IsSorted(lines) || lines[0] != "enable u000.service" {
		t.Errorf("%d lines, the first is %q", len(lines), lines[0])
	}
}

func TestPresetFileMayBeALink(t *testing.T) {
	w := newFixture(t)
	w.symlink("/usr/local/presets", presetAt)
	w.mustApply(units(`{"name": "x.service", "enabled": true}`))
	w.wantText("usr/local/presets", "enable x.service\n")
	if _, err := os.Readlink(w.path(presetAt)); err != nil {
		t.Error(err)
	}
}
