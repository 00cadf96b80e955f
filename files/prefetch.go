package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Contents that come over the network are fetched ahead of their turn, as many
// at once as the Fetcher allows, each into a blank on the filesystem where it is
// wanted. What the config asks for is still done in the config's order; a file
// whose contents are not there yet waits for them.
type prefetcher struct {
	fetcher  Fetcher
	log      *report.Logger
	all      []*download
	bySource map[string]*download

	stop    context.CancelFunc
	running sync.WaitGroup
	dirs    map[string]*dir // of the blanks
	mu      sync.Mutex      // guards what follows, and the blanks until they are done
	failed  chan struct{}   // closed at the first failure
	failure error
}

// A download is a resource on its way to this machine. The same one is fetched
// once, however many files it is for.
type download struct {
	resource config.Resource
	dir      string // that the blank is made in, a resolved path
	name     string // of the file that it is for, for messages
	uses     int    // that have not had it yet
	done     chan struct{}
	temp     *tempFile
	consumed bool // the blank has become a file, or is gone
	// Once it is done:
	size int64
	err  error
}

func newPrefetcher(t *Tree) *prefetcher {
	return &prefetcher{fetcher: t.Fetch, log: t.Log, bySource: map[string]*download{}, dirs: map[string]*dir{},
		stop: func() {}, failed: make(chan struct{})}
}

// resourceKey tells resources apart that may not be the same bytes.
func resourceKey(r config.Resource) string {
	key := fmt.Sprintf("%q %q %q", config.ValueOr(r.Source, ""), config.ValueOr(r.Compression, ""), config.ValueOr(r.Verification.Hash, ""))
	for _, h := range r.HTTPHeaders {
		key += fmt.Sprintf(" %q: %q", h.Name, config.ValueOr(h.Value, ""))
	}
	return key
}

// want plans downloads for a file; dir is on the filesystem that the file will
// be on.
func (ds *prefetcher) add(name, dir string, resources ...config.Resource) {
	for _, r := range resources {
		if !config.IsRemote(config.ValueOr(r.Source, "")) {
			continue
		}
		key := resourceKey(r)
		d := ds.bySource[key]
		if d == nil {
			d = &download{resource: r, dir: dir, name: path.Base(name), done: make(chan struct{})}
			ds.bySource[key], ds.all = d, append(ds.all, d)
		}
		d.uses++
	}
}

// start begins the downloads. They end with ctx, or when they are closed.
func (ds *prefetcher) start(ctx context.Context, r *root) error {
	for _, d := range ds.all {
		if ds.dirs[d.dir] != nil {
			continue
		}
		in, err := r.openDir(d.dir)
		if err != nil {
			return err
		}
		ds.dirs[d.dir] = in
	}
	ctx, ds.stop = context.WithCancel(ctx)
	for _, d := range ds.all {
		ds.running.Go(func() { ds.run(ctx, d) })
	}
	ds.running.Go(func() { ds.logProgress(ctx, time.Now()) })
	return nil
}

// run fetches one resource into its blank, which is closed then.
func (ds *prefetcher) run(ctx context.Context, d *download) {
	defer close(d.done)
	b, err := ds.dirs[d.dir].createTemp(d.name)
	if err == nil {
		ds.mu.Lock()
		d.temp = b
		ds.mu.Unlock()
		err = errors.Join(ds.fetcher.Fetch(ctx, d.resource, b.file), b.file.Close())
		d.size = b.size()
	}
	if d.err = err; err == nil {
		return
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.failure == nil {
		ds.failure = err
		close(ds.failed)
	}
}

// await returns a resource's download when it is done, nil at once for what is
// not fetched ahead. It does not go on waiting when another one has failed.
func (ds *prefetcher) wait(ctx context.Context, r config.Resource) (*download, error) {
	if !config.IsRemote(config.ValueOr(r.Source, "")) {
		return nil, nil
	}
	d := ds.bySource[resourceKey(r)]
	select {
	case <-d.done:
	case <-ds.failed:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-d.done:
		return d, d.err
	default:
		return nil, fmt.Errorf("another download has failed meanwhile: %w", ds.failure)
	}
}

// adopt hands the blank over to the last of a download's users, opened at its
// end. The others get nil, and copy.
func (d *download) takeTemp() (*tempFile, error) {
	if d.uses > 1 {
		return nil, nil
	}
	b := d.temp
	fd, err := unix.Openat(b.dir.fd, b.name, unix.O_WRONLY|unix.O_APPEND|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, b.dir.pathError("opening", b.name, err)
	}
	d.uses, d.consumed = 0, true
	return &tempFile{b.dir, b.name, os.NewFile(uintptr(fd), b.file.Name())}, nil
}

// copyTo gives one user what was downloaded.
func (d *download) copyTo(w io.Writer) error {
	f, _, err := d.temp.dir.open(d.temp.name, unix.S_IFREG)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return err
	}
	if d.uses--; d.uses == 0 {
		d.temp.discard()
		d.consumed = true
	}
	return nil
}

// close ends what still runs, and takes away what nobody has used.
func (ds *prefetcher) close() {
	ds.stop()
	ds.running.Wait()
	for _, d := range ds.all {
		if d.temp != nil && !d.consumed {
			d.temp.discard()
		}
	}
	for _, in := range ds.dirs {
		in.close()
	}
}

// Who watches the console hears of downloads that take long.
const (
	firstProgress = 5 * time.Second
	progressPause = 10 * time.Second
)

func (ds *prefetcher) logProgress(ctx context.Context, began time.Time) {
	timer := time.NewTimer(firstProgress)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			text := ds.progress(now.Sub(began))
			if text == "" {
				return
			}
			ds.log.Warn(text)
			timer.Reset(progressPause)
		}
	}
}

// progress says how far the downloads are; nothing if all are done.
func (ds *prefetcher) progress(lasted time.Duration) string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var done, bytes int64
	waitsFor := ""
	for _, d := range ds.all {
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
		if d.temp != nil {
			bytes += d.temp.size()
		}
	}
	if waitsFor == "" {
		return ""
	}
	const mega = 1e6
	return fmt.Sprintf("fetching files: %d of %d are here, %.1f MB, %.2f MB/s; waiting for %s (%v so far)", done, len(ds.all),
		float64(bytes)/mega, float64(bytes)/mega/lasted.Seconds(), waitsFor, lasted.Round(time.Second))
}
