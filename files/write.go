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

// rewriteLines changes lines of a file, links followed, which keeps its owner, and its
// mode if keepMode is set; it is created if it does not exist. A last line that was
// left open is ended.
func (p *planner) rewriteLines(name string, mode uint32, keepMode bool, change func(lines []string) []string) error {
	at, err := p.root.Resolve(name)
	if err != nil {
		return err
	}
	old, err := p.root.ReadFile(at)
	if err != nil {
		return err
	}
	var lines []string
	if len(old) > 0 {
		lines = strings.Split(strings.TrimSuffix(string(old), "\n"), "\n")
	}
	text := strings.Join(change(lines), "\n") + "\n"
	if text == string(old) {
		return nil
	}
	st, err := p.root.Lstat(at)
	if err != nil {
		return err
	}
	// A new one has nothing that could be lost.
	options := rootfs.Options{Mode: mode, Replace: true, Sync: st != nil}
	if st != nil {
		options.Owner = rootfs.OwnedBy(int(st.Uid), int(st.Gid))
		if keepMode {
			options.Mode = st.Mode & 0o7777
		}
	}
	return p.root.WriteFile(at, []byte(text), options)
}
