package firstboot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

const (
	oldMachine = "0123456789abcdef0123456789abcdef\n"
	grubConfig = "source /ignition.firstboot\nset ignition_firstboot=\"ignition.firstboot ${ignition_network_kcmdline}\"\n"
	entry      = "title A\noptions root=LABEL=root quiet\n"
)

// machines are one for each way, as they run after their first boot. The paths of those
// whose boot loader has entries begin with {entries}.
var machines = map[string]map[string]string{
	"boot-file":    {"boot/grub2/grub.cfg": grubConfig},
	"credential":   {"efi/EFI/Linux/os.efi": ""},
	"efi-variable": {"sys/firmware/efi/efivars/Boot0000": "", "boot/loader/entries/a.conf": entry, "boot/loader/entries/b.conf": entry, "efi/loader/entries/c.conf": entry},
	"loader-entry": {"efi/loader/entries/a.conf": entry, "efi/loader/entries/b.conf": entry},
	"root-file":    {"etc/machine-id": oldMachine, "boot/loader/entries/a.conf": entry, "boot/loader/entries/b.conf": entry},
	"machine-id":   {"etc/machine-id": oldMachine, "boot/loader/entries/a.conf": entry, "boot/loader/entries/b.conf": entry},
}

func request(t *testing.T, id byte) reset.Request {
	t.Helper()
	return reset.Request{ID: strings.Repeat(string(id), 32), Created: time.Unix(1796000000, 0).UTC(), Config: "{}", Name: "new.ign", Keep: []string{"/home"}, Root: []string{"u"}}
}

// tree is a system with files.
func tree(t *testing.T, files map[string]string) *rootfs.Root {
	t.Helper()
	root, dir := systemWith(t, "etc/")
	putBack(t, dir, files)
	return root
}

// filesOf reads all files of a system.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		files[strings.TrimPrefix(name, dir+"/")] = string(text)
		return err
	})
	testkit.NoError(t, err)
	return files
}

func putBack(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		testkit.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		testkit.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
}

// boots says what the next boot of a machine is, by what a boot loader and the initramfs
// of a way read: "old", "platform" (a first boot without a request), or the ID of a reset.
// With entries each of them boots.
func boots(way string, files map[string]string) map[string]string {
	marked := map[string]bool{
		"boot-file":    has(files, "boot/ignition.firstboot"),
		"credential":   has(files, "efi/loader/credentials/ignition.firstboot.cred"),
		"efi-variable": has(files, "sys/firmware/efi/efivars/"+Variable),
		"root-file":    has(files, "etc/ignition.firstboot"),
		"machine-id":   files["etc/machine-id"] != oldMachine,
	}[way]
	lines := map[string]string{}
	switch way {
	case "boot-file":
		lines["grub"] = files["boot/ignition.firstboot"]
	case "credential":
		lines["stub"] = ""
	default:
		for name, text := range files {
			if strings.HasSuffix(name, ".conf") {
				lines[name] = text
			}
		}
	}
	all := map[string]string{}
	for name, line := range lines {
		r, err := reset.Parse([]byte(requestIn(files)))
		switch {
		case !marked && !strings.Contains(line, "ignition.firstboot"):
			all[name] = "old"
		case err == nil && (way == "credential" || strings.Contains(line, "firstlight.reset="+r.ID)):
			all[name] = r.ID[:1]
		case strings.Contains(line, "firstlight.reset="):
			all[name] = "stops"
		default:
			all[name] = "platform"
		}
	}
	return all
}

func has(files map[string]string, name string) bool { _, ok := files[name]; return ok }

func requestIn(files map[string]string) string {
	for name, text := range files {
		if strings.HasSuffix(name, "/firstlight/reset.json") || strings.HasSuffix(name, "/firstlight.reset.cred") {
			return text
		}
	}
	return ""
}

// walk takes steps one by one, and calls check with the files after each, also as they are if
// only some of a step that changes several files was done.
func walk(t *testing.T, root *rootfs.Root, steps []step, check func(at string, files map[string]string)) {
	t.Helper()
	dir := root.HostPath("/")
	before := filesOf(t, dir)
	check("before", before)
	for i, do := range steps {
		testkit.NoError(t, do(root))
		after := filesOf(t, dir)
		check(fmt.Sprintf("step %d", i), after)
		var changed []string
		for name := range after {
			if has(before, name) && before[name] != after[name] {
				changed = append(changed, name)
			}
		}
		if len(changed) > 1 {
			for _, name := range changed {
				part := map[string]string{}
				for n, text := range after {
					part[n] = text
				}
				part[name] = before[name]
				check(fmt.Sprintf("step %d without %s", i, name), part)
			}
		}
		before = after
	}
}

// A power cut after any write leaves the machine as it was, or a reset that is pending as a
// whole: with its entries all or none, or some of each.
func TestAResetIsPendingAsAWholeOrNotAtAll(t *testing.T) {
	for name, files := range machines {
		t.Run(name, func(t *testing.T) {
			way, err := wayOf(name)
			testkit.NoError(t, err)
			root := tree(t, files)
			only := func(wants ...string) func(at string, files map[string]string) {
				return func(at string, files map[string]string) {
					t.Helper()
					for boot, got := range boots(name, files) {
						if !strings.Contains(strings.Join(wants, " "), got) {
							t.Errorf("%s: %s boots %q, want one of %q", at, boot, got, wants)
						}
					}
				}
			}
			is := func(what, want string, files map[string]string) {
				t.Helper()
				for boot, got := range boots(name, files) {
					if got != want {
						t.Errorf("%s: %s boots %q, want %q", what, boot, got, want)
					}
				}
			}
			dir := root.HostPath("/")
			asWas := filesOf(t, dir)
			clean := func(what string) {
				t.Helper()
				testkit.Equal(t, what, filesOf(t, dir), asWas)
				if way.HasRequest(root) {
					t.Errorf("%s: there is a request", what)
				}
				if root.Exists("/boot/firstlight") || root.Exists("/efi/firstlight") {
					t.Errorf("%s: the directory of the request is left", what)
				}
			}

			steps, err := way.resetSteps(root, request(t, 'a'))
			testkit.NoError(t, err)
			walk(t, root, steps, only("old", "a"))
			is("armed", "a", filesOf(t, dir))
			if !way.HasRequest(root) {
				t.Error("the request is not found")
			}
			pending, err := way.Pending(root)
			testkit.NoError(t, err)
			if pending == nil || !pending.Armed || pending.ID[0] != 'a' {
				t.Fatalf("got %+v, want the request", pending)
			}
			if stat, err := os.Stat(pending.File); err != nil || stat.Mode().Perm() != 0o600 {
				t.Errorf("the request has the mode %v, %v", stat.Mode(), err)
			}

			// Another one takes its place.
			steps, err = way.cancelSteps(root)
			testkit.NoError(t, err)
			walk(t, root, steps, only("old", "a"))
			is("cancelled", "old", filesOf(t, dir))
			clean("cancelled")
			testkit.NoError(t, way.ArmReset(root, request(t, 'a')))
			testkit.NoError(t, way.ArmReset(root, request(t, 'b')))
			is("armed again", "b", filesOf(t, dir))

			// A first boot that is armed by hand has no request.
			testkit.NoError(t, way.Arm(root))
			is("armed by hand", "platform", filesOf(t, dir))
			if pending, err := way.Pending(root); pending != nil || err != nil {
				t.Errorf("got %+v, %v, want no request", pending, err)
			}
			if name == "machine-id" {
				return // nobody but systemd ends it
			}
			testkit.NoError(t, way.Disarm(root))
			clean("disarmed")
		})
	}
}

// At the end of the first boot the mark goes first.
func TestTheEndOfAResetLeavesNothingOfIt(t *testing.T) {
	for name, files := range machines {
		t.Run(name, func(t *testing.T) {
			way, err := wayOf(name)
			testkit.NoError(t, err)
			root := tree(t, files)
			asWas := filesOf(t, root.HostPath("/"))
			testkit.NoError(t, way.ArmReset(root, request(t, 'a')))
			if name == "machine-id" { // systemd has given it one
				putBack(t, root.HostPath("/"), map[string]string{"etc/machine-id": oldMachine})
			}
			steps, err := way.disarmSteps(root)
			testkit.NoError(t, err)
			walk(t, root, steps, func(at string, files map[string]string) {
				for boot, got := range boots(name, files) {
					if got != "old" && got != "a" {
						t.Errorf("%s: %s boots %q", at, boot, got)
					}
				}
			})
			testkit.Equal(t, "what is left", filesOf(t, root.HostPath("/")), asWas)
			testkit.NoError(t, way.Disarm(root))
		})
	}
}

func TestWhatAnInterruptedWriteLeavesGoes(t *testing.T) {
	way, err := wayOf("boot-file")
	testkit.NoError(t, err)
	root := tree(t, map[string]string{"boot/grub2/grub.cfg": grubConfig, "boot/firstlight/.firstlight-0123456789": "half"})
	if !rootfs.IsTempName(".firstlight-0123456789") {
		t.Fatal("this is no temporary name")
	}
	testkit.NoError(t, way.Disarm(root))
	testkit.Equal(t, "files", filesOf(t, root.HostPath("/")), map[string]string{"boot/grub2/grub.cfg": grubConfig})
}

func TestBootLoadersThatCannotBeToldOfAReset(t *testing.T) {
	for name, c := range map[string]struct {
		way   string
		files map[string]string
		want  string
	}{
		"GRUB without the snippet": {"boot-file", map[string]string{"boot/grub2/grub.cfg": "linux /vmlinuz ignition.firstboot\n", "boot/grub2/fonts": ""},
			"the next boot learns of a reset by a kernel argument, which GRUB takes from $ignition_network_kcmdline of ignition.firstboot: none of {}/boot/grub2/*.cfg has that variable"},
		"no GRUB": {"boot-file", map[string]string{"boot/vmlinuz": ""}, "this system does not mark its first boot by boot-file: there is no {}/boot/grub*"},
		"no entries": {"root-file", map[string]string{"boot/grub2/grub.cfg": grubConfig},
			"the next boot learns of a reset by a kernel argument, and there are no boot loader entries: looked for loader/entries/*.conf in /boot, /efi, /boot/efi"},
		"unified kernel images alone": {"machine-id", map[string]string{"efi/EFI/Linux/os.efi": ""},
			"the next boot learns of a reset by a kernel argument, and there are no boot loader entries: looked for loader/entries/*.conf in /boot, /efi, /boot/efi; {}/efi/EFI/Linux has unified kernel images, whose arguments are signed"},
		"unified kernel images beside entries": {"efi-variable", map[string]string{"sys/firmware/efi/efivars/Boot0000": "", "efi/EFI/Linux/os.efi": "", "boot/loader/entries/a.conf": entry},
			"the next boot learns of a reset by a kernel argument, and {}/efi/EFI/Linux has unified kernel images beside the entries in {}/boot: their arguments are signed, so that one of them would begin a first boot without the request"},
	} {
		way, err := wayOf(c.way)
		testkit.NoError(t, err)
		root := tree(t, c.files)
		dir := strings.TrimSuffix(root.HostPath("/"), "/")
		before := filesOf(t, dir)
		want := strings.ReplaceAll(c.want, "{}", dir)
		_, place := way.Place(root)
		for what, err := range map[string]error{"place": place, "arm": way.ArmReset(root, request(t, 'a'))} {
			if err == nil || err.Error() != want {
				t.Errorf("%s, %s: got %v, want %s", name, what, err, want)
			}
		}
		testkit.Equal(t, name, filesOf(t, dir), before)
	}
}

func TestARequestThatNoBootTakes(t *testing.T) {
	way, err := wayOf("root-file")
	testkit.NoError(t, err)
	root := tree(t, machines["root-file"])
	text, err := request(t, 'a').Text()
	testkit.NoError(t, err)
	for name, text := range map[string]string{"without a mark": string(text), "broken": "{"} {
		putBack(t, root.HostPath("/"), map[string]string{"boot/firstlight/reset.json": text})
		p, err := way.Pending(root)
		if text == "{" {
			testkit.ErrorContains(t, name, err, root.HostPath("/boot/firstlight/reset.json")+": the request is not JSON")
		} else if err != nil || p == nil || p.Armed {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
		testkit.NoError(t, way.Arm(root))
		if root.Exists("/boot/firstlight") {
			t.Errorf("%s: arming has left it", name)
		}
		testkit.NoError(t, way.Disarm(root))
	}
}

// The settings of the entries' way name the argument that is the mark.
func TestTheFirstArgumentOfASettingIsTheMark(t *testing.T) {
	settings, err := distribution.Parse("FIRST_BOOT=loader-entry\nFIRSTBOOT_ARGUMENTS=first.boot ignition.firstboot\n", "distribution.conf")
	testkit.NoError(t, err)
	way, err := Of(settings)
	testkit.NoError(t, err)
	root := tree(t, machines["loader-entry"])
	testkit.NoError(t, way.ArmReset(root, request(t, 'a')))
	got := filesOf(t, root.HostPath("/"))["efi/loader/entries/a.conf"]
	testkit.Equal(t, "entry", got, "title A\noptions root=LABEL=root quiet firstlight.reset="+strings.Repeat("a", 32)+" first.boot\n")
}
