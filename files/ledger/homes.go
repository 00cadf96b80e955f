package ledger

import (
	"cmp"
	"path"

	"github.com/firstlight-os/firstlight/files/rootfs"
)

// A HomeChange is what a program of shadow-utils does to a home or a mailbox: a new one
// has only To, one that goes with its user only From. Both are resolved paths.
type HomeChange struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Of one that moves: its inode, which it keeps unless it goes to another filesystem;
	// how many nodes it had when that began, 0 until then; and whether that has ended
	// and was a copy.
	Inode  uint64 `json:"inode,omitempty"`
	Nodes  int    `json:"nodes,omitempty"`
	Copied bool   `json:"copied,omitempty"`
}

func (c HomeChange) moves() bool { return c.From != "" && c.To != "" }

// A Tree is what UndoHomes changes: the root, or a view of it.
type Tree interface {
	Lstat(name string) (*rootfs.Stat, error)
	Count(name string) (nodes int, err error)
	Remove(name string) error
	Move(from, to string) error
}

// ChangeHome records a change that will be made, once.
func (l *Ledger) ChangeHome(c HomeChange) {
	for _, o := range l.Homes {
		if o.From == c.From && o.To == c.To {
			return
		}
	}
	l.Homes = append(l.Homes, c)
}

// UndoHomes takes back what an interrupted run did to homes, as the users are to be
// made, changed and deleted again: new ones go, and moved ones go back. What was to go,
// goes: if the user's home is gone, what is there now is ours.
//
// A home that was copied to another filesystem, and of which the original is no longer
// whole, cannot go back. It stays, and so do the changes before it, which are complete.
// They are returned.
func (l *Ledger) UndoHomes(t Tree) (stay []HomeChange, err error) {
	if !l.Interrupted() || l.Accounts == nil {
		return nil, nil
	}
	for i := len(l.Homes) - 1; i >= 0; i-- {
		c := l.Homes[i]
		switch {
		case c.moves():
			stays, err := l.undoMove(t, c)
			if err != nil || stays {
				return l.Homes[:i+1], err
			}
		case !l.inPlaceOfMoved(i):
			if err := t.Remove(cmp.Or(c.From, c.To)); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// inPlaceOfMoved reports whether a new home is where another has been, or still is if it
// has not moved yet. The new one goes when the other comes back.
func (l *Ledger) inPlaceOfMoved(i int) bool {
	for _, m := range l.Homes[:i] {
		if m.moves() && rootfs.Within(l.Homes[i].To, m.From) {
			return true
		}
	}
	return false
}

// undoMove moves a home back if it was moved. What is in its place then was made since.
func (l *Ledger) undoMove(t Tree, m HomeChange) (stays bool, err error) {
	there, err := t.Lstat(m.To)
	if err != nil || there == nil || m.Nodes == 0 {
		return false, err
	}
	// The one that was there before, and has moved itself, may be back.
	for _, other := range l.Homes {
		back, err := other.isAt(t, there)
		switch {
		case err != nil:
			return false, err
		case back && other != m:
			return false, nil
		case back:
			if err := t.Remove(m.From); err != nil {
				return false, err
			}
			return false, t.Move(m.To, m.From)
		}
	}
	if !m.Copied {
		left, err := t.Count(m.From)
		if err != nil {
			return false, err
		}
		if left >= m.Nodes { // usermod removes only what it has copied whole
			return false, t.Remove(m.To)
		}
	}
	return true, t.Remove(m.From)
}

// isAt reports whether a node is the home that moves itself, not a copy of it.
func (c HomeChange) isAt(t Tree, found *rootfs.Stat) (bool, error) {
	if !c.moves() || c.Inode != found.Ino {
		return false, nil
	}
	dir, err := t.Lstat(path.Dir(c.From))
	return dir == nil || dir.Dev == found.Dev, err
}

// StartMove records, before it is done, that the home moves that is recorded to go to a
// path.
func (l *Ledger) StartMove(r *rootfs.Root, to string) (err error) {
	m := l.moveTo(to)
	if m.Nodes, err = r.Count(m.From); err != nil {
		return err
	}
	return l.Write(r)
}

// EndMove records that it has moved, if it was copied: later changes can make its old
// place look as if it had not.
func (l *Ledger) EndMove(r *rootfs.Root, to string) error {
	m := l.moveTo(to)
	there, err := r.Lstat(to)
	if err != nil || there == nil {
		return err
	}
	moved, err := m.isAt(r, there)
	if err != nil || moved {
		return err
	}
	m.Copied = true
	return l.Write(r)
}

func (l *Ledger) moveTo(to string) *HomeChange {
	for i := range l.Homes {
		if m := &l.Homes[i]; m.moves() && m.To == to {
			return m
		}
	}
	return new(HomeChange)
}
