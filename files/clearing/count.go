package clearing

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// count looks at all that goes, and at what is kept.
func (l *looker) count(ctx context.Context) {
	stop := l.progress("looking at what the root has", func() string {
		return fmt.Sprintf("%s so far", system.Plural(int(l.seen.Load()), "file"))
	})
	defer stop()
	for _, r := range l.regions {
		if err := l.walk(ctx, r); err != nil {
			l.failed("looking at what the root has", err)
		}
	}
}

func (l *looker) walk(ctx context.Context, region string) error {
	part := &Part{Path: region}
	l.goes = append(l.goes, part)
	if l.stays.at(region).whole() {
		part = l.stays.at(region).part
	}
	return walkRegion(ctx, l, region, part, &counter{looker: l, single: region == etc}, true)
}

// walkRegion goes through a directory that is cleared.
func walkRegion(ctx context.Context, l *looker, region string, part *Part, v visitor, looksFirst bool) error {
	n := l.stays
	for _, c := range components(region) {
		if !n.whole() {
			n = n.grow(c)
		}
	}
	f, _, err := l.open(region)
	if err != nil {
		return err
	}
	fd, err := openDir(int(f.Fd()), ".")
	f.Close()
	if err != nil {
		return l.pathError("opening directory", region, err)
	}
	w := &walker{ctx: ctx, top: region, todo: v, looksFirst: looksFirst, buffer: make([]byte, batch)}
	return w.walk(fd, n, part)
}

// A counter is the visitor that looks.
type counter struct {
	*looker
	// single has all that goes be one part.
	single bool
}

func (c *counter) again(*frame) bool { return false }

func (c *counter) leave(*walker, *frame, *frame) error { return nil }

func (c *counter) enter(w *walker, f, sub *frame) (bool, error) {
	if f == nil {
		return !sub.stays.whole() || sub.stays.part.Reason != Image, nil
	}
	if sub.is.mount != w.mount {
		c.mounted(w, f, sub.name)
		return false, nil
	}
	sub.part = c.partOf(w, f, sub.name, sub.stays)
	if f.stays.whole() {
		sub.stays = f.stays
	}
	if sub.stays == nil {
		sub.part.directories++
	}
	return !sub.stays.whole() || sub.part.Reason != Image, nil
}

func (c *counter) leaf(w *walker, f *frame, name string, stays *node) (bool, error) {
	is, err := stat(f.fd, name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return false, nil
	case err != nil:
		return false, w.pathError("looking at", name, err)
	case is.is(unix.S_IFDIR):
		return true, nil
	case is.mount != w.mount:
		c.mounted(w, f, name)
		return false, nil
	}
	part := c.partOf(w, f, name, stays)
	part.Files++
	if is.is(unix.S_IFREG) {
		part.Bytes += is.size
	}
	c.seen.Add(1)
	return false, nil
}

// partOf is what an entry is counted to.
func (c *counter) partOf(w *walker, f *frame, name string, stays *node) *Part {
	switch {
	case f.stays.whole():
	case stays.whole():
		return stays.part
	case len(w.stack) == 1 && !c.single:
		part := &Part{Path: w.path(name)}
		c.goes = append(c.goes, part)
		return part
	}
	return f.part
}

// mounted has an entry stay on which something is mounted, and the directories around it.
func (c *counter) mounted(w *walker, f *frame, name string) {
	if f.stays.whole() || f.stays.child(name).whole() {
		return
	}
	n := w.stack[0].stays
	for i := range w.stack[1:] {
		n = n.grow(w.stack[i+1].name)
		w.stack[i+1].stays = n
	}
	n.grow(name).part = &Part{Path: w.path(name), Reason: Mounted}
}
