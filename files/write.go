package files

import (
	"context"
	"path"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// planWrite plans a file that replaces whatever exists at its path.
func (p *planner) planWrite(origin config.Origin, doing, name string, text []byte, mode uint32) {
	p.planWriteOf(origin, doing, name, func(context.Context) ([]byte, error) { return text, nil }, mode)
}

// planWriteOf is planWrite for a text that is read when the file is written.
func (p *planner) planWriteOf(origin config.Origin, doing, name string, read func(context.Context) ([]byte, error), mode uint32) {
	p.changes(origin, doing, name)
	if at, err := p.resolve(name); err == nil && at.found != nil {
		p.checkPinned(origin, doing, at.path, true)
	}
	p.add(origin, doing, func(ctx context.Context) error {
		text, err := read(ctx)
		if err != nil {
			return err
		}
		return p.root.WriteFile(name, text, rootfs.Options{Mode: mode, Replace: true})
	})
}

// changes records that a path gets a new node: it needs a label, and its
// filesystem a sync. If it cannot get one, that is a conflict.
func (p *planner) changes(origin config.Origin, doing, name string) {
	dir := path.Dir(name)
	if !p.unsealed[dir] {
		p.unsealed[dir] = p.checkSealed(origin, doing, dir)
	}
	p.needsLabel(name)
	p.changedDirs[dir] = true
}

// A lineFile is one that has lines of the config among those of others.
type lineFile struct {
	name     string
	mode     uint32 // of a new one
	keepMode bool   // of one that exists
	// unfinished reports whether what is there is from an interrupted run alone. After a
	// power cut it can have other bytes than were written, as new files are synced at the end.
	unfinished bool
}

// lookAtLines finds out whether a file that is about to get lines is unfinished. A file of the
// config is not: this run writes it before.
func (p *planner) lookAtLines(f *lineFile) {
	at, err := p.resolve(f.name)
	switch {
	case err != nil || at.found == nil:
	case p.earlier == nil:
		p.ledger.RecordExisting(f.name, at.found)
	default:
		f.unfinished = p.byPath[at.path] == nil && p.earlier.Interrupted() && p.earlier.Made(f.name, at.found)
	}
}

// rewriteLines changes the lines of a file, links followed, which keeps its owner; it is
// created if it does not exist. A last line that was left open is ended.
func (p *planner) rewriteLines(f lineFile, change func(lines []string) []string) error {
	at, err := p.root.Resolve(f.name)
	if err != nil {
		return err
	}
	old, err := p.root.ReadFile(at)
	if err != nil {
		return err
	}
	st, err := p.root.Lstat(at)
	if err != nil {
		return err
	}
	if f.unfinished {
		old, st = nil, nil
	}
	var lines []string
	if len(old) > 0 {
		lines = strings.Split(strings.TrimSuffix(string(old), "\n"), "\n")
	}
	text := strings.Join(change(lines), "\n") + "\n"
	if st != nil && text == string(old) {
		return nil
	}
	// A new one has nothing that could be lost.
	options := rootfs.Options{Mode: f.mode, Replace: true, Sync: st != nil}
	if st != nil {
		options.Owner = rootfs.OwnedBy(int(st.Uid), int(st.Gid))
		if f.keepMode {
			options.Mode = st.Mode & 0o7777
		}
	}
	return p.root.WriteFile(at, []byte(text), options)
}
