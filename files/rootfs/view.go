package rootfs

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// A View is a root as it will be after changes that programs will make and that
// have not been made yet: subtrees that are gone, new, moved or copied. Its methods
// take resolved paths where they do not say otherwise; nothing below the root is
// changed.
type View struct {
	root *Root
	// changed has, by path, the roots of those subtrees. What is below one is where
	// that was before, unless it is in here itself.
	changed map[string]place
}

// A place says where something that will be at another path is now. The zero value
// is nowhere: there will be nothing.
type place struct {
	path string // at which it is now
	made *Stat  // what will be made instead, empty
	// Of a copy: links whose targets begin with linksFrom will have linksTo there.
	linksFrom, linksTo string
}

// View returns the root as it is.
func (r *Root) View() *View { return &View{r, map[string]place{}} }

// Clone returns a view with the same changes, which is independent of v.
func (v *View) Clone() *View { return &View{v.root, maps.Clone(v.changed)} }

// Remove says that there will be nothing at a path. There is never an error: this and
// Move are Root's methods of these names.
func (v *View) Remove(name string) error {
	v.change(name, place{})
	return nil
}

// change says where all that will be at a path and below it is now.
func (v *View) change(name string, p place) {
	for _, below := range v.changesBelow(name) {
		delete(v.changed, below)
	}
	v.changed[name] = p
}

// Make says that there will be a new and empty node of a kind, S_IFREG or S_IFDIR,
// and the directories above it.
func (v *View) Make(name string, kind uint32) error {
	if err := v.makeParents(name); err != nil {
		return err
	}
	v.change(name, place{made: &Stat{Stat_t: unix.Stat_t{Mode: kind}, Future: true}})
	return nil
}

func (v *View) makeParents(name string) error {
	dir := path.Dir(name)
	if dir == name {
		return nil
	}
	there, err := v.Lstat(dir)
	if err != nil || there != nil {
		return err
	}
	return v.Make(dir, unix.S_IFDIR)
}

// Move says that what is at one path will be at another one, which is not below it,
// with the directories above that.
func (v *View) Move(from, to string) error {
	moved := map[string]place{}
	for _, below := range v.changesBelow(from) {
		moved[to+strings.TrimPrefix(below, from)] = v.changed[below]
	}
	moved[to] = v.place(from)
	v.change(from, place{})
	if err := v.makeParents(to); err != nil {
		return err
	}
	v.change(to, place{})
	maps.Copy(v.changed, moved)
	return nil
}

// Copy says that of what is in the root at one path now there will be a copy at
// another one, in which the links into the directory linksFrom lead into linksTo.
func (v *View) Copy(from, to, linksFrom, linksTo string) {
	v.change(to, place{path: from, linksFrom: linksFrom, linksTo: linksTo})
}

// changesBelow are the paths of the changes at a path and below it.
func (v *View) changesBelow(name string) (names []string) {
	for at := range v.changed {
		if Within(at, name) {
			names = append(names, at)
		}
	}
	return names
}

// changeAbove is the path of the change that decides about a path: at it, or next
// above it; "" if there is none.
func (v *View) changeAbove(name string) string {
	for ; ; name = path.Dir(name) {
		if _, changed := v.changed[name]; changed {
			return name
		}
		if name == "/" {
			return ""
		}
	}
}

// place is where what will be at a path is now.
func (v *View) place(name string) place {
	at := v.changeAbove(name)
	if at == "" {
		return place{path: name}
	}
	p := v.changed[at]
	if at == name {
		return p
	}
	p.made = nil
	if p.path != "" {
		p.path = path.Join(p.path, strings.TrimPrefix(name, at))
	}
	return p
}

// Lstat returns the node that will be at a path, nil if there will be none. Its
// last component is not followed.
func (v *View) Lstat(name string) (*Stat, error) {
	return v.look(v.place(name))
}

// Count is Root.Count for what will be at a path, as it is now.
func (v *View) Count(name string) (int, error) {
	p := v.place(name)
	if p.path == "" {
		return 0, nil
	}
	return v.root.Count(p.path)
}

func (v *View) look(p place) (*Stat, error) {
	if p.path == "" {
		return p.made, nil
	}
	st, err := v.root.Lstat(p.path)
	if st == nil || p.linksFrom == "" {
		return st, err
	}
	st.Future = true
	if rest, inside := strings.CutPrefix(st.Target, p.linksFrom); inside {
		st.Target = p.linksTo + rest
	}
	return st, err
}

// open opens what will be at a path where it is now, O_PATH. A directory that will
// be made has no descriptor, noDir.
func (v *View) open(p place) (int, *Stat, error) {
	st, err := v.look(p)
	if err != nil || st == nil || p.path == "" {
		return noDir, st, err
	}
	d, base, err := v.root.openParent(p.path)
	if err != nil {
		return noDir, nil, err
	}
	defer d.Close()
	fd, err := unix.Openat(d.fd, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	return fd, st, err
}

// LocateDir returns where the path of a directory, which need not be resolved, will
// lead, and the first part of that which will not exist, "" if all will. The error
// is ENOTDIR if there will be something other than a directory.
func (v *View) LocateDir(name string) (at, missing string, err error) {
	w := walker{root: v.root, view: v}
	defer w.close()
	err = w.walk(name)
	if w.nonDir != nil {
		return w.path(), "", fmt.Errorf("on the way there is %s, which is %v: %w", w.path(), w.nonDir, unix.ENOTDIR)
	}
	if err == nil && w.missing() {
		missing = w.firstMissing()
	}
	return w.path(), missing, err
}

// Locate returns where a path, which need not be resolved, will lead, its last
// component not followed, and the node that will be there, nil if there will be none.
func (v *View) Locate(name string) (at string, found *Stat, err error) {
	dir, base := split(name)
	if base == "." {
		found, err = v.Lstat("/")
		return "/", found, err
	}
	at, missing, err := v.LocateDir(dir)
	at = path.Join(at, base)
	if err == nil && missing == "" {
		found, err = v.Lstat(at)
	}
	return at, found, err
}

// Resolve returns where a path, which need not be resolved, will lead, the last
// component included. Components that will not exist are taken as they stand.
func (v *View) Resolve(name string) (string, error) {
	w := walker{root: v.root, view: v}
	defer w.close()
	if err := w.walk(name); err != nil {
		return "", v.root.pathError("resolving", name, err)
	}
	return w.path(), nil
}

// Unchanged returns the deepest directory at or above a path that exists already
// and will be the same then.
func (v *View) Unchanged(name string) (string, error) {
	for at := name; at != "/"; at = path.Dir(at) {
		if _, changed := v.changed[at]; changed {
			name = path.Dir(at)
		}
	}
	for ; name != "/"; name = path.Dir(name) {
		st, err := v.root.Lstat(name)
		if err != nil {
			return "", err
		}
		if st.IsDir() {
			break
		}
	}
	return name, nil
}
