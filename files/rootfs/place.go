package rootfs

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// A Placing says how a StagedTree gets to its place.
type Placing struct {
	// MayReplace reports whether a file or a link that exists may be replaced by one of
	// the tree.
	MayReplace func(found *Stat) bool
	// Begin is called before the first change, with the paths of new directories.
	Begin func(dirs []string) error
}

// An InTheWay is what keeps a node of a StagedTree from its place.
type InTheWay struct {
	Path string // where the node should be
	Want *Stat  // the node
	Why  string // "there already is a file of 3 bytes"
	Hint string
}

// An InTheWayError has all that keep a StagedTree from its place, which is unchanged.
type InTheWayError []InTheWay

func (e InTheWayError) Error() string {
	const shown = 5
	var texts []string
	for i, w := range e {
		if i == shown {
			texts = append(texts, fmt.Sprintf("and %d more", len(e)-shown))
			break
		}
		texts = append(texts, fmt.Sprintf("%s: %s", w.Path, w.Why))
	}
	return strings.Join(texts, "\n")
}

// Place moves the tree to a directory, with the directories above it. If that exists, what
// is in the tree is added to what is there: a directory that exists stays as it is. It looks
// at all of them before it changes the first. It returns the paths of what is new.
func (t *StagedTree) Place(to string, p Placing) (placed []string, err error) {
	defer t.Discard()
	found, err := t.root.OpenDir(to)
	if errors.Is(err, unix.ENOENT) {
		return t.placeWhole(to, p)
	}
	if err != nil {
		return nil, err
	}
	defer found.Close()
	m := &mover{tree: t, placing: p, replaced: map[string]bool{}}
	if err := m.look(t.top, found); err != nil {
		return nil, err
	}
	if len(m.inTheWay) > 0 {
		return nil, m.inTheWay
	}
	if err := p.Begin(m.dirs); err != nil {
		return nil, err
	}
	return m.placed, m.move(t.top, found)
}

// placeWhole renames the tree to a directory that does not exist.
func (t *StagedTree) placeWhole(to string, p Placing) (placed []string, err error) {
	if err := p.Begin([]string{to}); err != nil {
		return nil, err
	}
	from, err := t.root.OpenDir(t.dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	err = t.root.InParent(to, func(d *Dir, base string) error { return d.renameNew(from, t.name, base) })
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.top.Close()
	t.forget()
	return []string{to}, nil
}

// A mover moves what is in a directory of a tree into one that exists.
type mover struct {
	tree         *StagedTree
	placing      Placing
	inTheWay     InTheWayError
	placed, dirs []string
	// replaced are the paths of what may be replaced. It is not asked for again, as a node
	// changes when another one of its names is.
	replaced map[string]bool
}

// look finds what is in the way, and what will be new.
func (m *mover) look(from, to *Dir) error {
	names, err := from.readNames()
	if err != nil {
		return err
	}
	if pin, err := to.seal(); err != nil {
		return err
	} else if pin != nil && len(names) > 0 {
		m.inTheWay = append(m.inTheWay, InTheWay{Path: pin.Path, Why: pin.Why, Hint: pin.Hint})
		return nil
	}
	for _, name := range names {
		want, err := from.Lstat(name)
		if err != nil {
			return err
		}
		found, err := to.Lstat(name)
		if err != nil {
			return err
		}
		if err := m.lookAt(from, to, name, want, found); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) lookAt(from, to *Dir, name string, want, found *Stat) error {
	at := path.Join(to.path, name)
	switch {
	case found == nil:
	case want.IsDir() && found.IsDir():
		return m.lookInside(from, to, name)
	case want.IsDir() || found.IsDir():
		m.inTheWay = append(m.inTheWay, InTheWay{at, want, fmt.Sprintf("there already is %v, and the archive has %v", found, want), ""})
		return nil
	case !m.placing.MayReplace(found):
		m.inTheWay = append(m.inTheWay, InTheWay{at, want, fmt.Sprintf("there already is %v", found), ""})
		return nil
	default:
		pin, err := to.pinAt(name, false)
		if err != nil {
			return err
		}
		if pin != nil {
			m.inTheWay = append(m.inTheWay, InTheWay{at, want, "what is there cannot be replaced: " + pin.Why, pin.Hint})
			return nil
		}
		m.replaced[at] = true
	}
	m.placed = append(m.placed, at)
	if want.IsDir() {
		m.dirs = append(m.dirs, at)
	}
	return nil
}

// lookInside looks at a directory that exists. If it is on another filesystem, or subvolume,
// nothing can be moved to it.
func (m *mover) lookInside(from, to *Dir, name string) error {
	sub, inside, err := openBoth(from, to, name)
	if err != nil {
		return err
	}
	defer sub.Close()
	defer inside.Close()
	mounted, err := inside.isMountPoint(to)
	if err != nil {
		return err
	}
	st, err := fstat(inside.fd)
	if err != nil {
		return err
	}
	if mounted || st.Dev != m.tree.dev {
		why := "a subvolume begins there"
		if mounted {
			why = "another filesystem is mounted there"
		}
		names, err := sub.readNames()
		if err == nil && len(names) > 0 {
			m.inTheWay = append(m.inTheWay, InTheWay{Path: inside.path, Why: why, Hint: "unpack what is for it from an archive of its own, with this path"})
		}
		return err
	}
	return m.look(sub, inside)
}

func openBoth(from, to *Dir, name string) (sub, inside *Dir, err error) {
	if sub, err = from.openDir(name); err != nil {
		return nil, nil, err
	}
	if inside, err = to.openDir(name); err != nil {
		sub.Close()
	}
	return sub, inside, err
}

// move does what look has found to be possible.
func (m *mover) move(from, to *Dir) error {
	names, err := from.readNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		want, err := from.Lstat(name)
		if err != nil {
			return err
		}
		found, err := to.Lstat(name)
		switch {
		case err != nil:
		case found == nil:
			err = to.renameNew(from, name, name)
		case want.IsDir() && found.IsDir():
			err = m.moveInside(from, to, name)
		case want.IsDir() || found.IsDir() || !m.replaced[path.Join(to.path, name)]:
			err = to.pathError("creating", name, errReplaced)
		default:
			err = m.replace(from, to, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replace puts a node in the place of one that is no directory, in one step.
func (m *mover) replace(from, to *Dir, name string) error {
	defer to.root.Forget()
	if err := unix.Renameat(from.fd, name, to.fd, name); err != nil {
		return to.pathError("replacing", name, err)
	}
	return nil
}

func (m *mover) moveInside(from, to *Dir, name string) error {
	sub, inside, err := openBoth(from, to, name)
	if err != nil {
		return err
	}
	defer sub.Close()
	defer inside.Close()
	return m.move(sub, inside)
}
