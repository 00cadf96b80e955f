package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// staged is a root with a tree that has some nodes and will be placed at /to.
func staged(t *testing.T) (*Root, string, *StagedTree) {
	t.Helper()
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	tree := r.StagedTree("/", "/to")
	a := Attributes{Mode: 0o644}
	for _, err := range []error{tree.File("d/f", a, 1, strings.NewReader("f")), tree.File("top", a, 3, strings.NewReader("top")), tree.Link("d/l", "../top", a),
		tree.HardLink("d/h", "top"), tree.Dir("empty", Attributes{Mode: 0o711}), tree.Seal(Attributes{Mode: 0o755})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r, dir, tree
}

// placing allows what it says, and records what it is told.
func placing(mayReplace bool, began *[]string) Placing {
	return Placing{MayReplace: func(*Stat) bool { return mayReplace }, Begin: func(dirs []string) error { *began = append(*began, dirs...); return nil }}
}

// below are the names of all nodes.
func below(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			t.Error(err)
		}
		if rel, _ := filepath.Rel(dir, name); rel != "." {
			all = append(all, rel)
		}
		return nil
	})
	return strings.Join(all, " ")
}

func TestStagedTreeIsPlacedAsAWhole(t *testing.T) {
	r, dir, tree := staged(t)
	if !tree.Exists() || tree.Size() != 4 {
		t.Errorf("it exists: %t, with %d bytes", tree.Exists(), tree.Size())
	}
	var began []string
	placed, err := tree.Place("/to", placing(false, &began))
	if err != nil || strings.Join(placed, " ") != "/to" || strings.Join(began, " ") != "/to" {
		t.Errorf("placed %v, began %v: %v", placed, began, err)
	}
	if got, want := below(t, dir), "to to/d to/d/f to/d/h to/d/l to/empty to/top"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	if files, bytes := r.temps.on(tree.dev); files != 0 || bytes != 0 || tree.Exists() {
		t.Errorf("%d temporary files of %d bytes are left", files, bytes)
	}
}

func TestStagedTreeIsAddedToADirectory(t *testing.T) {
	_, dir, tree := staged(t)
	must(t, os.MkdirAll(dir+"/to/d", 0o700))
	must(t, os.WriteFile(dir+"/to/d/f", []byte("old"), 0o600))
	must(t, os.WriteFile(dir+"/to/other", nil, 0o600))
	var began []string
	_, err := tree.Place("/to", placing(false, &began))
	var inTheWay InTheWayError
	if !errors.As(err, &inTheWay) || len(inTheWay) != 1 || inTheWay[0].Path != "/to/d/f" || began != nil {
		t.Fatalf("began %v: %v", began, err)
	}
	if got, want := below(t, dir), "to to/d to/d/f to/other"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	_, _, tree = stagedIn(t, dir)
	placed, err := tree.Place("/to", placing(true, &began))
	if err != nil || strings.Join(placed, " ") != "/to/d/f /to/d/l /to/new" || strings.Join(began, " ") != "/to/new" {
		t.Errorf("placed %v, began %v: %v", placed, began, err)
	}
	if got, want := below(t, dir), "to to/d to/d/f to/d/l to/new to/new/x to/other"; got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	if st, err := os.Stat(dir + "/to/d"); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("a directory that existed has become %v, %v", st, err)
	}
}

// stagedIn is another tree in a root.
func stagedIn(t *testing.T, dir string) (*Root, string, *StagedTree) {
	t.Helper()
	r, err := Open(dir)
	must(t, err)
	t.Cleanup(r.Close)
	tree := r.StagedTree("/to", "/to")
	a := Attributes{Mode: 0o644}
	must(t, errors.Join(tree.File("d/f", a, 3, strings.NewReader("new")), tree.Link("d/l", "f", a), tree.File("new/x", a, 0, strings.NewReader("")), tree.Seal(Attributes{Mode: 0o755})))
	return r, dir, tree
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStagedTreeFollowsNothing(t *testing.T) {
	outside := t.TempDir()
	_, dir, tree := staged(t)
	a := Attributes{Mode: 0o644}
	must(t, tree.Link("out", outside, a))
	for name, err := range map[string]error{
		"a file below a link":      tree.File("out/x", a, 0, strings.NewReader("")),
		"a link below a link":      tree.Link("out/x", "y", a),
		"a directory below a link": tree.Dir("out/x", a),
		"a directory over a link":  tree.Dir("out", a),
		"a hard link into a link":  tree.HardLink("h", "out/x"),
		"a hard link below a link": tree.HardLink("out/h", "top"),
		"a file over a directory":  tree.File("d", a, 0, strings.NewReader("")),
		"a file below a file":      tree.File("top/x", a, 0, strings.NewReader("")),
	} {
		if !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.EISDIR) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st, err := tree.Lstat("out/x"); st != nil || err != nil {
		t.Errorf("below a link there is %v, %v", st, err)
	}
	tree.Discard()
	if got := below(t, dir) + below(t, outside); got != "" {
		t.Errorf("%s is left", got)
	}
}

func TestStagedTreeDiscardsWhatDoesNotFit(t *testing.T) {
	_, dir, tree := staged(t)
	err := tree.File("huge", Attributes{}, 1<<60, strings.NewReader(""))
	var full *FullError
	if !errors.As(err, &full) || full.TempBytes != 4 {
		t.Errorf("a file that does not fit: %v", err)
	}
	tree.Discard()
	tree.Discard() // again is nothing
	if got := below(t, dir); got != "" {
		t.Errorf("%s is left", got)
	}
}
