package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const (
	vendorAt   = "usr/lib/systemd/system/"
	firstUnit  = "[Install]\nWantedBy=multi-user.target\n"
	firstWants = unitsAt + "multi-user.target.wants/first.service"
)

// links are the symbolic links of units.
func (w *fixture) links() (found []string) {
	for _, dir := range []string{unitsAt, vendorAt} {
		filepath.WalkDir(w.path(dir), func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type() == fs.ModeSymlink {
				found = append(found, strings.TrimPrefix(name, w.Root+"/"))
			}
			return nil
		})
	}
	return found
}

// TestDisableRemovesWhateverEnables compares what systemctl leaves with what is left
// where there is none.
func TestDisableRemovesWhateverEnables(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *fixture)
		config  string // storage, with a comma at its end
		unit    string
		left    []string // paths of links that stay
		presets string   // "" is disable UNIT
	}{
		"an alias of the administrator": {
			prepare: func(w *fixture) { w.symlink("/usr/lib/systemd/system/first.service", unitsAt+"second.service") },
			unit:    "second.service", presets: "disable first.service\ndisable second.service\n"},
		"an alias of the image": {
			prepare: func(w *fixture) { w.symlink("first.service", vendorAt+"second.service") },
			unit:    "second.service", presets: "disable first.service\ndisable second.service\n",
			left: []string{vendorAt + "second.service"}},
		"an alias of an alias": {
			prepare: func(w *fixture) {
				w.symlink("second.service", vendorAt+"third.service")
				w.symlink("first.service", vendorAt+"second.service")
			},
			unit: "third.service", presets: "disable first.service\ndisable third.service\n",
			left: []string{vendorAt + "second.service", vendorAt + "third.service"}},
		"the unit of an alias": {
			prepare: func(w *fixture) { w.symlink("/usr/lib/systemd/system/first.service", unitsAt+"second.service") },
			unit:    "first.service"},
		"links of the config": {
			config: `"storage": {"links": [{"path": "/etc/systemd/system/sockets.target.wants/also.socket", "target": "/usr/lib/systemd/system/also.socket"}]},`,
			unit:   "also.socket", left: []string{firstWants}},
		"what it names in Also=": {
			prepare: func(w *fixture) {
				w.write(vendorAt+"first.service", "[Install]\nAlso=also.socket\n")
				w.symlink("/usr/lib/systemd/system/also.socket", unitsAt+"sockets.target.wants/also.socket")
			},
			unit: "first.service"},
		"what a drop-in names in Also=": {
			prepare: func(w *fixture) {
				w.write(vendorAt+"first.service.d/10-also.conf", "[Install]\nAlso=also.socket\n")
				w.symlink("/usr/lib/systemd/system/also.socket", unitsAt+"sockets.target.wants/also.socket")
			},
			unit: "first.service"},
		"an instance": {
			prepare: func(w *fixture) {
				w.write(vendorAt+"t@.service", firstUnit)
				w.symlink("/usr/lib/systemd/system/t@.service", unitsAt+"multi-user.target.wants/t@1.service")
				w.symlink("/usr/lib/systemd/system/t@.service", unitsAt+"multi-user.target.wants/t@2.service")
			},
			unit: "t@1.service", left: []string{firstWants, unitsAt + "multi-user.target.wants/t@2.service"}},
		"an instance by the alias of its template": {
			prepare: func(w *fixture) {
				w.write(vendorAt+"t@.service", firstUnit)
				w.symlink("t@.service", vendorAt+"u@.service")
				w.symlink("/usr/lib/systemd/system/t@.service", unitsAt+"multi-user.target.wants/t@1.service")
			},
			unit: "u@1.service", presets: "disable t@1.service\ndisable u@1.service\n", left: []string{firstWants, vendorAt + "u@.service"}},
		"nothing": {
			prepare: func(w *fixture) { w.write(vendorAt+"other.service", firstUnit) },
			unit:    "other.service", left: []string{firstWants}},
	} {
		for _, how := range []string{"systemctl", "no systemctl"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				w := newFixture(t)
				w.write(vendorAt+"first.service", firstUnit)
				w.write(vendorAt+"also.socket", "[Install]\nWantedBy=sockets.target\n")
				w.symlink("/usr/lib/systemd/system/first.service", firstWants)
				if c.prepare != nil {
					c.prepare(w)
				}
				if how == "systemctl" {
					if _, err := exec.LookPath("systemctl"); err != nil {
						t.Log("there is no systemctl here")
						return
					}
					w.Tree.Run = system.Exec{Log: w.Tree.Log}
				} else {
					w.run.Answers["systemctl"] = systemtest.Answer{Err: exec.ErrNotFound}
				}
				for range 2 {
					w.mustApply(c.config + units(`{"name": "`+c.unit+`", "enabled": false}`))
				}
				if c.presets == "" {
					c.presets = "disable " + c.unit + "\n"
				}
				w.wantText(presetAt, c.presets)
				if left := w.links(); !slices.Equal(left, c.left) {
					t.Errorf("links that are left: %v, want %v", left, c.left)
				}
			})
		}
	}
}

func TestPresetsNameTheUnitBehindAnAlias(t *testing.T) {
	w := newFixture(t)
	w.write(vendorAt+"first.service", firstUnit)
	w.symlink("first.service", vendorAt+"second.service")
	w.symlink("first.service", vendorAt+"third.service")
	w.symlink("loop.service", vendorAt+"pool.service")
	w.symlink("pool.service", vendorAt+"loop.service")
	w.mustApply(units(`{"name": "second.service", "enabled": true}, {"name": "third.service", "enabled": true}, {"name": "loop.service", "enabled": true}`))
	if got := w.read(presetAt); !strings.HasPrefix(got, "enable first.service\nenable loop.service\n") || !strings.HasSuffix(got, "enable second.service\nenable third.service\n") {
		t.Errorf("the presets are %q", got)
	}
}

func TestUnitThatTheConfigDecidesOnCountsMoreThanItsAlias(t *testing.T) {
	w := newFixture(t)
	w.write(vendorAt+"first.service", firstUnit)
	w.symlink("first.service", vendorAt+"second.service")
	w.mustApply(units(`{"name": "first.service", "enabled": true}, {"name": "second.service", "enabled": false}`))
	w.wantText(presetAt, "enable first.service\ndisable second.service\n")
}

func TestUnitThatIsEnabledButNowhereIsWarnedOf(t *testing.T) {
	w := newFixture(t)
	w.write(vendorAt+"image.service", firstUnit)
	w.write(vendorAt+"t@.service", firstUnit)
	w.mustApply(`"storage": {"files": [{"path": "/usr/local/lib/systemd/system/file.service"}]}, ` + units(`
		{"name": "image.service", "enabled": true}, {"name": "t@1.service", "enabled": true}, {"name": "file.service", "enabled": true},
		{"name": "config.service", "enabled": true, `+install+`}, {"name": "off.service", "enabled": false},
		{"name": "nothere.service", "enabled": true}, {"name": "notmpl@1.service", "enabled": true}`))
	warnings := w.Tree.Log.Warnings()
	if len(warnings) != 2 || !strings.HasPrefix(warnings[0], "the unit nothere.service is enabled, but neither the config nor this system has a unit of that name (") ||
		!strings.HasPrefix(warnings[1], "the unit notmpl@1.service is enabled") {
		t.Errorf("the warnings are %q", warnings)
	}
}

func TestDisabledUnitThatTheImageStartsAnywayIsWarnedOf(t *testing.T) {
	w := newFixture(t)
	w.write(vendorAt+"x.service", "")
	w.symlink("../x.service", vendorAt+"sysinit.target.wants/x.service")
	w.mustApply(units(`{"name": "x.service", "enabled": false}`))
	want := "the unit x.service is disabled, but the image starts it by /usr/lib/systemd/system/sysinit.target.wants/x.service"
	if warnings := w.Tree.Log.Warnings(); len(warnings) != 1 || !strings.HasPrefix(warnings[0], want) {
		t.Errorf("the warnings are %q", warnings)
	}
}

func TestLinksOfAUnitThatIsNowhereAreRemoved(t *testing.T) {
	w := newFixture(t)
	w.run.Answers["systemctl"] = systemtest.Answer{Err: errors.New("unit gone.service does not exist")}
	w.symlink("/usr/lib/systemd/system/gone.service", unitsAt+"multi-user.target.wants/gone.service")
	w.mustApply(units(`{"name": "gone.service", "enabled": false}`))
	if left := w.links(); len(left) > 0 {
		t.Errorf("links that are left: %v", left)
	}
}

// systemctl removes the links first, and then the directory in which none is left.
func TestDirectoryOfLinksGoesAfterAnInterruption(t *testing.T) {
	w := newFixture(t)
	w.Config = "digest"
	w.write(vendorAt+"x.service", firstUnit)
	wants := unitsAt + "multi-user.target.wants"
	w.symlink("/usr/lib/systemd/system/x.service", wants+"/x.service")
	w.mkdir(unitsAt + "empty.target.wants")
	w.Tree.Run = runnerFunc(func(_ context.Context, c system.Command) ([]byte, error) {
		if c.Name == "systemctl" {
			return nil, errors.Join(os.Remove(w.path(wants+"/x.service")), errors.New("killed"))
		}
		return nil, nil
	})
	config := units(`{"name": "x.service", "enabled": false}`)
	testkit.ErrorContains(t, "the first run", w.apply(config), "killed")
	w.Tree.Run = programFunc(func(string) {})
	w.mustApply(config)
	testkit.Equal(t, "the directory is there", w.exists(wants), false)
	testkit.Equal(t, "one that was empty is there", w.exists(unitsAt+"empty.target.wants"), true)
}

func TestPresetFileKeepsItsOwnerAndMode(t *testing.T) {
	for name, config := range map[string]string{
		"of the image":  "",
		"of the config": `"storage": {"files": [{"path": "/etc/systemd/system-preset/20-ignition.preset", "contents": {"source": "data:,mine"}, "mode": 416, "group": {"id": 10}}]}, `,
	} {
		w := newFixture(t)
		if config == "" {
			w.write(presetAt, "mine\n")
			if err := os.Chmod(w.path(presetAt), 0o640); err != nil {
				t.Fatal(err)
			}
			w.own(presetAt, 0, 10)
		}
		w.mustApply(config + units(`{"name": "a.service", "enabled": true, `+install+`}`))
		w.wantText(presetAt, "mine\nenable a.service\n")
		w.wantMode(presetAt, 0o640)
		if st := w.node(presetAt); st.Gid != 10 || st.Uid != 0 {
			t.Errorf("%s: the owner is %d:%d", name, st.Uid, st.Gid)
		}
	}
}
