package bootloader

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/files/rootfs"
)

func TestArgumentsOfAnEntry(t *testing.T) {
	for name, c := range map[string]struct {
		entry           string
		exist, notExist []string
		want            string
	}{
		"one is added":                 {"title A\noptions root=/dev/vda1\nlinux /a\n", []string{"quiet"}, nil, "title A\noptions root=/dev/vda1 quiet\nlinux /a\n"},
		"one is there":                 {"options a quiet b\n", []string{"quiet"}, nil, "options a quiet b\n"},
		"another value is another":     {"options console=tty0\n", []string{"console=ttyS0"}, nil, "options console=tty0 console=ttyS0\n"},
		"each once":                    {"options a\n", []string{"b", "b"}, nil, "options a b\n"},
		"one is removed, wherever":     {"options quiet a\noptions quiet\n", nil, []string{"quiet"}, "options a\noptions \n"},
		"only whole words":             {"options console=ttyS0,115200\n", nil, []string{"console=ttyS0", "console"}, "options console=ttyS0,115200\n"},
		"there in another line":        {"options a\noptions b\n", []string{"a"}, nil, "options a\noptions b\n"},
		"the last line gets it":        {"options a\noptions b\nversion 1\n", []string{"c"}, nil, "options a\noptions b c\nversion 1\n"},
		"no line of arguments":         {"title A\nlinux /a\n", []string{"c"}, nil, "title A\nlinux /a\noptions c\n"},
		"nothing to add without one":   {"title A\nlinux /a", nil, []string{"c"}, "title A\nlinux /a"},
		"tabs and a carriage return":   {"options\ta b\r\nlinux /a\r\n", []string{"c"}, nil, "options\ta b c\nlinux /a\r\n"},
		"a key that begins alike":      {"options-x a\n", nil, []string{"a"}, "options-x a\n"},
		"between quotes":               {`options dyndbg="file a.c +p" quiet` + "\n", []string{`dyndbg="file a.c +p"`}, []string{"a.c"}, `options dyndbg="file a.c +p" quiet` + "\n"},
		"two words of one item":        {"options a\n", []string{"b c"}, nil, "options a b c\n"},
		"replaced":                     {"options mitigations=auto,nosmt a\n", []string{"mitigations=off"}, []string{"mitigations=auto,nosmt"}, "options a mitigations=off\n"},
		"comments are left alone":      {"# options a\noptions b\n", nil, []string{"a"}, "# options a\noptions b\n"},
		"spaces stay where nothing is": {"options a   b\n", []string{"a"}, nil, "options a   b\n"},
	} {
		a := Arguments{Exist: c.exist, NotExist: c.notExist}
		got := a.changeEntry(c.entry, "")
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if again := a.changeEntry(got, ""); again != got {
			t.Errorf("%s: a second time: got %q, want no change of %q", name, again, got)
		}
	}
}

func TestArgumentsOfANameAreRemovedWhateverTheirValue(t *testing.T) {
	a := Arguments{NotNamed: []string{"console", "quiet"}, Exist: []string{"a"}}
	for entry, want := range map[string]string{
		"options console=ttyS0,115200 b quiet console\n": "options b a\n",
		"options a consoles=1 x.console=2\n":             "options a consoles=1 x.console=2\n",
	} {
		if got := a.changeEntry(entry, ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// block is an environment block of 1024 bytes.
func block(lines string) string {
	text := grubenvHeader + lines
	return text + strings.Repeat("#", 1024-len(text))
}

// bootFilesystem makes a tree of files.
func bootFilesystem(t *testing.T, files map[string]string) (*rootfs.Root, string) {
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	root, err := rootfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(root.Close)
	return root, dir
}

func TestArgumentsOfAFilesystem(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		a       Arguments
		changed []string
		want    map[string]string
	}{
		"all entries": {
			map[string]string{"loader/entries/a.conf": "options a\n", "loader/entries/b.conf": "options b\n", "loader/entries/c.txt": "options c\n", "loader/loader.conf": "options d\n"},
			Arguments{Exist: []string{"a"}},
			[]string{"/loader/entries/b.conf"},
			map[string]string{"loader/entries/b.conf": "options b a\n", "loader/entries/c.txt": "options c\n", "loader/loader.conf": "options d\n"},
		},
		"in the root filesystem": {
			map[string]string{"boot/loader/entries/a.conf": "options a\n"},
			Arguments{Exist: []string{"b"}, NotExist: []string{"a"}},
			[]string{"/boot/loader/entries/a.conf"},
			map[string]string{"boot/loader/entries/a.conf": "options b\n"},
		},
		"shared by GRUB's environment": {
			map[string]string{"loader/entries/a.conf": "options root=/dev/vda $kernelopts\n", "grub2/grubenv": block("saved_entry=x\nkernelopts=quiet a\\\\b ro\nboot_success=0\n")},
			Arguments{Exist: []string{"ro", "new", `a\b`}, NotExist: []string{"quiet"}},
			[]string{"/loader/entries/a.conf", "/grub2/grubenv"},
			map[string]string{"loader/entries/a.conf": "options root=/dev/vda $kernelopts new\n", "grub2/grubenv": block("saved_entry=x\nkernelopts=a\\\\b ro\nboot_success=0\n")},
		},
		"an environment that no entry uses": {
			map[string]string{"loader/entries/a.conf": "options a\n", "grub2/grubenv": block("kernelopts=quiet\n")},
			Arguments{NotExist: []string{"quiet"}},
			nil,
			map[string]string{"grub2/grubenv": block("kernelopts=quiet\n")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, dir := bootFilesystem(t, c.files)
			changed, err := SetArguments(root, c.a)
			if err != nil || !slices.Equal(changed, c.changed) {
				t.Fatalf("got %q, %v, want %q", changed, err, c.changed)
			}
			for name, want := range c.want {
				got, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || string(got) != want {
					t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
				}
				if info, _ := os.Stat(filepath.Join(dir, name)); info.Mode().Perm() != 0o640 {
					t.Errorf("%s: got mode %o, want that of before", name, info.Mode().Perm())
				}
			}
			if changed, err := SetArguments(root, c.a); err != nil || changed != nil {
				t.Errorf("a second time: got %q, %v, want no change", changed, err)
			}
		})
	}
}

func TestALinkedDirectoryOfEntries(t *testing.T) {
	root, dir := bootFilesystem(t, map[string]string{"loader.1/entries/a.conf": "options a\n"}) // as OSTree has it
	if err := os.Symlink("loader.1", filepath.Join(dir, "loader")); err != nil {
		t.Fatal(err)
	}
	changed, err := SetArguments(root, Arguments{Exist: []string{"b"}})
	if want := []string{"/loader.1/entries/a.conf"}; err != nil || !slices.Equal(changed, want) {
		t.Errorf("got %q, %v, want %q", changed, err, want)
	}
}

func TestNothingIsChangedIfSomethingIsWrong(t *testing.T) {
	files := map[string]string{
		"loader/entries/a.conf": "options $kernelopts\n",
		"grub2/grubenv":         grubenvHeader + "kernelopts=a b\n", // without any room
		"loader/entries/b.conf": strings.Repeat("#", maxFile+1),
	}
	root, dir := bootFilesystem(t, files)
	changed, err := SetArguments(root, Arguments{Exist: []string{"c"}})
	if err == nil || changed != nil {
		t.Errorf("got %q, %v, want an error and no change", changed, err)
	}
	for name, want := range files {
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s was changed to %q", name, got)
		}
	}
}

func TestArgumentsThatTheKernelDoesNotTake(t *testing.T) {
	root, _ := bootFilesystem(t, map[string]string{"loader/entries/a.conf": "options a\n"})
	for argument, want := range map[string]string{
		`dyndbg="file a.c`: `dyndbg="file a.c has an odd number of double quotes`,
		"a\nlinux /evil":   "has control characters",
	} {
		for _, a := range []Arguments{{Exist: []string{argument}}, {NotExist: []string{argument}}} {
			if changed, err := SetArguments(root, a); err == nil || !strings.Contains(err.Error(), want) || changed != nil {
				t.Errorf("%+v: got %q, %v, want %q", a, changed, err, want)
			}
		}
	}
}

func TestAFilesystemWithoutEntries(t *testing.T) {
	root, _ := bootFilesystem(t, map[string]string{"grub/grub.cfg": "linux /vmlinuz quiet\n"})
	if _, err := SetArguments(root, Arguments{Exist: []string{"b"}}); !errors.Is(err, ErrNoEntries) {
		t.Errorf("got %v, want %v", err, ErrNoEntries)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("title A\noptions root=/dev/vda1 quiet\n", "kernelopts=a", "b", "quiet")
	f.Fuzz(func(t *testing.T, entry, env, exist, notExist string) {
		a := Arguments{Exist: []string{exist}, NotExist: []string{notExist}}
		if a.check() != nil || strings.Contains(entry, `"`) {
			return
		}
		changed := a.changeEntry(entry, "")
		for _, w := range words(exist) {
			if !slices.Contains(words(notExist), w) && a.missing(joined(changed)) != nil {
				t.Fatalf("%q is missing in %q, which was %q", w, changed, entry)
			}
		}
		if grubenv(env).value() != "" {
			if set, err := grubenv(env).set(""); err == nil && len(set) != len(env) {
				t.Fatalf("%q became %q, of another size", env, set)
			}
		}
	})
}

// joined are all arguments of an entry.
func joined(entry string) string {
	all := ""
	for line := range strings.SplitSeq(entry, "\n") {
		if value, ok := options(line); ok {
			all += " " + value
		}
	}
	return all
}
