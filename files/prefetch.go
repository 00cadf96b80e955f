package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A prefetcher downloads contents that come over the network before their
// operation, as many at once as the Fetcher allows, each into a temp file on the
// filesystem where it is wanted. What the config wants is still done in the
// config's order; a file whose contents have not arrived yet waits for them.
//
// Where there is no room for all of them beside what they will replace, those that
// do not fit are downloaded when it is their turn.
type prefetcher struct {
	fetcher  Fetcher
	log      *report.Logger
	all      []*download
	bySource map[string]*download
	started  bool

	stop    context.CancelFunc
	running sync.WaitGroup
	failed  context.Context         // ends with the first failure, which is its cause
	fail    context.CancelCauseFunc // ends it
}

// A download is a resource on its way to this machine. The same one is fetched
// once, however many files it is for.
type download struct {
	resource config.Resource
	dir      string // that the temp file is created in, a resolved path
	name     string // of the file that it is for, for messages
	uses     int    // that are still to come
	temp     *rootfs.PendingFile
	unpacked *unpacking // of an archive, in place of temp
	done     chan struct{}
	// Once it is done:
	size    int64 // in bytes
	err     error
	isThere bool // if not, the next use fetches it again
}

func newPrefetcher(t *Tree) *prefetcher {
	p := &prefetcher{fetcher: t.Fetch, log: t.Log, bySource: map[string]*download{}, stop: func() {}}
	p.failed, p.fail = context.WithCancelCause(context.Background())
	return p
}

// resourceKey differs for resources that may not be the same bytes.
func resourceKey(r config.Resource) string {
	key := fmt.Sprintf("%q %q %q", config.ValueOr(r.Source, ""), config.ValueOr(r.Compression, ""), config.ValueOr(r.Verification.Hash, ""))
	for _, h := range r.HTTPHeaders {
		key += fmt.Sprintf(" %q: %q", h.Name, config.ValueOr(h.Value, ""))
	}
	return key
}

func isRemote(r config.Resource) bool { return config.IsRemote(config.ValueOr(r.Source, "")) }

// add plans downloads for a file; dir is on the filesystem that the file will
// be on.
func (p *prefetcher) add(name, dir string, resources ...config.Resource) {
	for _, r := range resources {
		if !isRemote(r) {
			continue
		}
		key := resourceKey(r)
		d := p.bySource[key]
		if d == nil {
			d = &download{resource: r, dir: dir, name: path.Base(name), done: make(chan struct{})}
			p.bySource[key], p.all = d, append(p.all, d)
		}
		d.uses++
	}
}

// addArchive plans the download of an archive, which is unpacked as it comes.
func (p *prefetcher) addArchive(r config.Resource, dir string, u *unpacking) *download {
	d := &download{resource: r, dir: dir, unpacked: u, done: make(chan struct{}), uses: 1}
	p.all = append(p.all, d)
	return d
}

// A destination is where a download is written to.
type destination interface {
	io.Writer
	Size() int64
	Exists() bool
	Discard()
}

// to is nil before the downloads are started.
func (d *download) to() destination {
	switch {
	case d.unpacked != nil:
		return d.unpacked
	case d.temp != nil:
		return d.temp
	}
	return nil
}

// tempDirs are the directories in which temp files are created.
func (p *prefetcher) tempDirs() []string {
	dirs := make([]string, len(p.all))
	for i, d := range p.all {
		dirs[i] = d.dir
	}
	return dirs
}

// start begins the downloads. They end with ctx, or when they are closed.
func (p *prefetcher) start(ctx context.Context, r *rootfs.Root) {
	ctx, p.stop = context.WithCancel(ctx)
	for _, d := range p.all {
		if d.unpacked == nil {
			d.temp = r.PendingFile(d.dir, d.name)
		}
	}
	p.started = true
	for _, d := range p.all {
		p.running.Go(func() {
			p.download(ctx, d)
			d.size = d.to().Size()
			err := d.err // then it is that of whoever waits, who may fetch it again
			close(d.done)
			switch {
			case isFull(err):
				p.log.Info(fmt.Sprintf("there is no room yet for %s: it is fetched when it is its turn", fetch.Redact(*d.resource.Source)))
			case err != nil:
				p.fail(err)
			}
		})
	}
	p.running.Go(func() { p.logProgress(ctx, time.Now()) })
}

// download fetches one resource into its temp file.
func (p *prefetcher) download(ctx context.Context, d *download) {
	d.err = p.fetcher.Fetch(ctx, d.resource, d.to())
	if d.unpacked != nil {
		d.err = d.unpacked.finish(d.err)
	}
	d.isThere = d.err == nil
	if !d.isThere {
		d.to().Discard()
	}
}

// isFull reports whether an error is that a filesystem has no room.
func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// makeRoom waits for all downloads and removes what nobody has used so far, which is
// then fetched when it is its turn. It reports whether there was anything.
func (p *prefetcher) makeRoom(ctx context.Context) (removed bool) {
	if !p.started {
		return false
	}
	for _, d := range p.all {
		select {
		case <-d.done:
		case <-p.failed.Done():
			return false
		case <-ctx.Done():
			return false
		}
		removed = removed || d.to().Exists()
		d.to().Discard()
		d.isThere = false
	}
	return removed
}

// wait returns a resource's download when it is done, nil at once for what is
// not prefetched. It does not go on waiting when another one has failed.
func (p *prefetcher) wait(ctx context.Context, r config.Resource) (*download, error) {
	if !isRemote(r) {
		return nil, nil
	}
	d := p.bySource[resourceKey(r)]
	if err := p.arrive(ctx, d); err != nil {
		return nil, err
	}
	return d, nil
}

// arrive waits for a download, which begins anew where there was no room for it before.
func (p *prefetcher) arrive(ctx context.Context, d *download) error {
	select {
	case <-d.done:
	case <-p.failed.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-d.done:
	default:
		return fmt.Errorf("another download has failed meanwhile: %w", context.Cause(p.failed))
	}
	if !d.isThere && (d.err == nil || isFull(d.err)) {
		p.download(ctx, d)
	}
	return d.err
}

// writeAll writes resources one after another. One without a source is empty.
func (p *prefetcher) writeAll(ctx context.Context, w io.Writer, resources []config.Resource) error {
	for _, r := range resources {
		if !config.NonZero(r.Source) {
			continue
		}
		d, err := p.wait(ctx, r)
		switch {
		case err != nil:
		case d != nil:
			err = d.use(func() error { return d.temp.CopyTo(w) })
		default:
			err = p.fetcher.Fetch(ctx, r, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeTemp hands the temp file over to the only use that is left of a download,
// opened at its end.
func (d *download) takeTemp() (temp *rootfs.TempFile, err error) {
	err = d.use(func() error {
		temp, err = d.temp.Take()
		return err
	})
	return temp, err
}

// use lets one of its uses have what was downloaded.
func (d *download) use(do func() error) error {
	if err := do(); err != nil {
		return err
	}
	if d.uses--; d.uses <= 0 {
		d.temp.Discard()
		d.isThere = false
	}
	return nil
}

// close ends what still runs, and removes what nobody has used.
func (p *prefetcher) close() {
	p.stop()
	p.running.Wait()
	p.fail(nil) // releases the context
	for _, d := range p.all {
		if d.to() != nil {
			d.to().Discard()
		}
	}
}

// Downloads that take long are reported to the console.
const (
	firstProgress = 5 * time.Second
	progressPause = 10 * time.Second
)

func (p *prefetcher) logProgress(ctx context.Context, began time.Time) {
	for pause := firstProgress; ; pause = progressPause {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		text := p.progress(time.Since(began))
		if text == "" {
			return
		}
		p.log.Warn(text)
	}
}

// progress says how far the downloads are; nothing if all are done.
func (p *prefetcher) progress(lasted time.Duration) string {
	var done, bytes int64
	waitsFor := ""
	for _, d := range p.all {
		select {
		case <-d.done:
			done++
			bytes += d.size
			continue
		default:
		}
		if waitsFor == "" {
			waitsFor = fetch.Redact(*d.resource.Source)
		}
		bytes += d.to().Size()
	}
	if waitsFor == "" {
		return ""
	}
	const mega = 1e6
	return fmt.Sprintf("fetching files: %d of %d are here, %.1f MB, %.2f MB/s; waiting for %s (%v so far)", done, len(p.all),
		float64(bytes)/mega, float64(bytes)/mega/lasted.Seconds(), waitsFor, lasted.Round(time.Second))
}
