package firstboot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
)

// systemWith makes the root of a system with files, or directories whose names end
// with a slash.
func systemWith(t *testing.T, names ...string) (fs *rootfs.Root, root string) {
	t.Helper()
	root = t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := rootfs.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fs.Close)
	return fs, root
}

// wayOf is how systems of a distribution mark their first boot that has this setting.
func wayOf(name string) (Way, error) {
	settings, err := distribution.Parse("FIRST_BOOT="+name+"\n", "distribution.conf")
	if err != nil {
		return Way{}, err
	}
	return Of(settings)
}

func TestFirstBootsAreArmedAndEnd(t *testing.T) {
	for name, c := range map[string]struct {
		have []string
		file string
	}{
		"boot-file":    {[]string{"boot/grub2/"}, "boot/ignition.firstboot"},
		"credential":   {[]string{"efi/", "boot/EFI/"}, "boot/loader/credentials/ignition.firstboot.cred"},
		"efi-variable": {[]string{"sys/firmware/efi/efivars/"}, "sys/firmware/efi/efivars/FirstlightFirstBoot-5f3c1f0e-94b4-4c3a-9a55-6d1a4f9e5b7b"},
		"root-file":    {[]string{"etc/"}, "etc/ignition.firstboot"},
	} {
		t.Run(name, func(t *testing.T) {
			way, err := wayOf(name)
			if err != nil {
				t.Fatal(err)
			}
			root, _ := systemWith(t, c.have...)
			check := func(what string, want bool, err error) {
				t.Helper()
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				armed, seen, err := way.Armed(root)
				if armed != want || err != nil || !strings.Contains(seen, c.file) {
					t.Errorf("%s: got %v, %q, %v, want %v and %s", what, armed, seen, err, want, c.file)
				}
			}
			check("before", false, nil)
			check("armed", true, way.Arm(root))
			check("armed twice", true, way.Arm(root))
			check("disarmed", false, way.Disarm(root))
			check("disarmed twice", false, way.Disarm(root))
		})
	}
}

func TestEntriesOfTheBootLoaderMarkTheFirstBoot(t *testing.T) {
	settings, err := distribution.Parse("FIRST_BOOT=loader-entry\nFIRSTBOOT_ARGUMENTS=first.boot ignition.firstboot\n", "distribution.conf")
	if err != nil {
		t.Fatal(err)
	}
	way, err := Of(settings)
	if err != nil {
		t.Fatal(err)
	}
	root, dir := systemWith(t, "efi/EFI/", "boot/loader/entries/")
	entries := map[string]string{"a.conf": "title A\noptions quiet first.boot ignition.firstboot=1\n", "b.conf": "linux /b\n"}
	for name, text := range entries {
		if err := os.WriteFile(filepath.Join(dir, "boot/loader/entries", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want bool, wantSeen, a, b string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		armed, seen, err := way.Armed(root)
		if armed != want || seen != strings.ReplaceAll(wantSeen, "{}", dir+"/boot/loader/entries") || err != nil {
			t.Errorf("%s: got %v, %q, %v", what, armed, seen, err)
		}
		for name, want := range map[string]string{"a.conf": a, "b.conf": b} {
			if got, err := os.ReadFile(filepath.Join(dir, "boot/loader/entries", name)); string(got) != want || err != nil {
				t.Errorf("%s: %s has %q, %v, want %q", what, name, got, err, want)
			}
		}
	}
	const names, plain = "first.boot or ignition.firstboot", "title A\noptions quiet\n"
	check("as it was", true, names+" is in {}/a.conf", entries["a.conf"], entries["b.conf"], nil)
	check("disarmed", false, "no entry in {} has "+names, plain, "linux /b\n", way.Disarm(root))
	check("disarmed twice", false, "no entry in {} has "+names, plain, "linux /b\n", way.Disarm(root))
	check("armed", true, names+" is in {}/a.conf, {}/b.conf", "title A\noptions quiet first.boot\n", "linux /b\noptions first.boot\n", way.Arm(root))
	check("disarmed again", false, "no entry in {} has "+names, plain, "linux /b\noptions \n", way.Disarm(root))
}

func TestTheMachineIDOfSystemd(t *testing.T) {
	way, err := wayOf("machine-id")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"": true, "uninitialized\n": true, "0123456789abcdef0123456789abcdef\n": false} {
		root, dir := systemWith(t, "etc/")
		file := filepath.Join(dir, "etc/machine-id")
		if armed, _, err := way.Armed(root); !armed || err != nil {
			t.Errorf("absent: got %v, %v", armed, err)
		}
		if err := os.WriteFile(file, []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
		if armed, _, err := way.Armed(root); armed != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", text, armed, err, want)
		}
		if err := way.Disarm(root); (err != nil) != want {
			t.Errorf("%q: disarming: got %v", text, err)
		}
		if err := way.Arm(root); err != nil {
			t.Errorf("%q: arming: %v", text, err)
		}
		if armed, _, err := way.Armed(root); !armed || err != nil {
			t.Errorf("%q, armed: got %v, %v", text, armed, err)
		}
	}
}

func TestSystemsThatMarkTheirFirstBootInAnotherWay(t *testing.T) {
	for name, want := range map[string]string{
		"boot-file":    "there is no {}/boot/grub*",
		"credential":   "there is no {}/efi/EFI, {}/boot/efi/EFI, {}/boot/EFI",
		"efi-variable": "there is no {}/sys/firmware/efi/efivars",
		"loader-entry": "there is no {}/efi/loader, {}/boot/efi/loader, {}/boot/loader",
	} {
		way, err := wayOf(name)
		if err != nil {
			t.Fatal(err)
		}
		root, dir := systemWith(t, "boot/", "etc/", "efi/")
		want = "this system does not mark its first boot by " + name + ": " + strings.ReplaceAll(want, "{}", dir)
		_, _, status := way.Armed(root)
		for what, err := range map[string]error{"status": status, "arm": way.Arm(root), "disarm": way.Disarm(root)} {
			if err == nil || err.Error() != want {
				t.Errorf("%s of %s: got %v, want %s", what, name, err, want)
			}
		}
		if left, _ := filepath.Glob(dir + "/*/*"); left != nil {
			t.Errorf("%s: %q was made", name, left)
		}
	}
}

func TestLinksDoNotLeadOutOfTheRoot(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "ignition.firstboot"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root, dir := systemWith(t, "var/")
	if err := os.Symlink(outside, filepath.Join(dir, "etc")); err != nil {
		t.Fatal(err)
	}
	way, err := wayOf("root-file")
	if err != nil {
		t.Fatal(err)
	}
	if armed, seen, err := way.Armed(root); armed || err == nil {
		t.Errorf("got %v, %q, %v, want that there is no such directory", armed, seen, err)
	}
}

func TestTheMarkOfAnOSTreeIsInItsDeployment(t *testing.T) {
	const argument = "/ostree/boot.1/os/0123/0"
	root, dir := systemWith(t, "ostree/boot.1.1/os/0123/", "ostree/deploy/os/deploy/4567.0/etc/machine-id", "etc/ignition.firstboot")
	for name, target := range map[string]string{"ostree/boot.1": "boot.1.1", "ostree/boot.1.1/os/0123/0": "../../../../ostree/deploy/os/deploy/4567.0"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	deployment, err := Deployment(root, argument)
	if err != nil {
		t.Fatal(err)
	}
	defer deployment.Close()
	for name, want := range map[string]bool{"root-file": false, "machine-id": true} {
		way, err := wayOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if armed, seen, err := way.Armed(deployment); armed != want || err != nil || !strings.Contains(seen, "/deploy/4567.0/etc/") {
			t.Errorf("%s: got %v, %q, %v, want %v", name, armed, seen, err, want)
		}
	}
	const want = "looking for the deployment of the kernel argument ostree=/ostree/boot.0/os/0123/0: "
	if _, err := Deployment(root, "/ostree/boot.0/os/0123/0"); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s...", err, want)
	}
}

func TestWaysHaveNames(t *testing.T) {
	if way, err := Of(distribution.Settings{}); err != nil || way.Name != Ways[0].Name {
		t.Errorf("the default: got %q, %v", way.Name, err)
	}
	// Whatever can be set is there.
	_, err := wayOf("floppy")
	for _, w := range Ways {
		if err == nil || !strings.Contains(err.Error(), w.Name) {
			t.Errorf("%s is no setting: %v", w.Name, err)
		}
		if way, err := wayOf(w.Name); err != nil || way.Name != w.Name {
			t.Errorf("%s: got %q, %v", w.Name, way.Name, err)
		}
	}
	var names []string
	for _, w := range Ways {
		names = append(names, w.Name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(Ways) {
		t.Errorf("names twice: %q", names)
	}
}
