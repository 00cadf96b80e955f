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
	p.changes(name)
	p.add(origin, doing, func(context.Context) error {
		return p.root.WriteFile(name, text, rootfs.Options{Mode: mode, Replace: true})
	})
}

// changes records that a path gets a new node: it needs a label, and its
// filesystem a sync.
func (p *planner) changes(name string) {
	p.needsLabel(name)
	p.changedDirs = append(p.changedDirs, path.Dir(name))
}

// rewriteLines changes lines of a file, links followed, which is created if it
// does not exist. A last line that was left open is ended.
func (p *planner) rewriteLines(name string, mode uint32, change func(lines []string) []string) error {
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
	return p.root.WriteFile(at, []byte(text), rootfs.Options{Mode: mode, Replace: true, Sync: true})
}
