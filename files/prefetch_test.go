package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
)

// A store is a Fetcher of https URLs whose contents are their paths.
type store struct {
	mu      sync.Mutex
	fetches map[string]int
	// before, if there is one, is called before anything is written.
	before func(source string, w io.Writer) error
}

func (s *store) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	path, remote := strings.CutPrefix(*r.Source, "https://host")
	if !remote {
		return dataFetcher{}.Fetch(ctx, r, w)
	}
	s.mu.Lock()
	if s.fetches == nil {
		s.fetches = map[string]int{}
	}
	s.fetches[path]++
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(*r.Source, w); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, path)
	return err
}

func withStore(t *testing.T) (*fixture, *store) {
	w, s := newFixture(t), new(store)
	w.Fetch = s
	return w, s
}

func TestContentsAreFetchedAllAtOnceAndWrittenInOrder(t *testing.T) {
	w, s := withStore(t)
	const n = 50
	var files []string
	var all sync.WaitGroup
	all.Add(n)
	for i := range n {
		files = append(files, fmt.Sprintf(`{"path": "/new/%d", "contents": {"source": "https://host/%d"}}`, i, i))
	}
	// None goes on before all have begun: one after another would wait for ever.
	s.before = func(string, io.Writer) error { all.Done(); all.Wait(); return nil }
	w.mustApply(`"storage": {"files": [` + strings.Join(files, ",") + `]}`)
	last := -1
	for i := range n {
		w.wantText(fmt.Sprintf("new/%d", i), fmt.Sprintf("/%d", i))
		w.wantMode(fmt.Sprintf("new/%d", i), 0o644)
		at := strings.Index(w.log.String(), fmt.Sprintf("[finished] writing file /new/%d ", i))
		if at < last {
			t.Errorf("file %d was written too early", i)
		}
		last = at
	}
}

func TestOneResourceIsFetchedOnceForAllItsUses(t *testing.T) {
	w, s := withStore(t)
	w.write("old", "was here; ")
	w.mustApply(`"storage": {"files": [
		{"path": "/a", "contents": {"source": "https://host/x"}},
		{"path": "/deep/b", "mode": 384, "contents": {"source": "https://host/x"}, "append": [{"source": "data:,+"}, {"source": "https://host/x"}]},
		{"path": "/old", "append": [{"source": "https://host/x"}]},
		{"path": "/c", "contents": {"source": "https://host/x", "httpHeaders": [{"name": "A", "value": "1"}]}},
		{"path": "/d", "contents": {"source": "https://host/x", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}]}`)
	for name, text := range map[string]string{"a": "/x", "deep/b": "/x+/x", "old": "was here; /x", "c": "/x", "d": "/x"} {
		w.wantText(name, text)
	}
	w.wantMode("deep/b", 0o600)
	if s.fetches["/x"] != 3 {
		t.Errorf("%d fetches, want 3: other headers or another hash are another resource", s.fetches["/x"])
	}
}

func TestDownloadsAreReadableByOthersOnlyWhenComplete(t *testing.T) {
	w, s := withStore(t)
	w.mkdir("dir")
	w.write("dir/f", "old")
	s.before = func(_ string, to io.Writer) error {
		io.WriteString(to, "x")
		temps, _ := filepath.Glob(w.path("dir/.firstlight-*"))
		if len(temps) != 1 {
			t.Fatalf("while it is fetched there are %q", temps)
		}
		info, err := os.Stat(temps[0])
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("while it is fetched it has mode %v, %v", info.Mode(), err)
		}
		w.wantText("dir/f", "old")
		return nil
	}
	w.mustApply(`"storage": {"files": [{"path": "/dir/f", "overwrite": true, "mode": 493, "contents": {"source": "https://host/new"}}]}`)
	w.wantText("dir/f", "x/new")
	w.wantMode("dir/f", 0o755)
}

// What is below a directory that is replaced cannot be fetched into it.
func TestContentsForAReplacedDirectory(t *testing.T) {
	w, _ := withStore(t)
	w.write("opt/app/old", "x")
	w.mustApply(`"storage": {"directories": [{"path": "/opt/app", "overwrite": true}],
		"files": [{"path": "/opt/app/sub/f", "contents": {"source": "https://host/new"}}]}`)
	w.wantText("opt/app/sub/f", "/new")
	if w.exists("opt/app/old") {
		t.Error("the directory was not replaced")
	}
}

func TestFailedDownloadEndsTheWaitForOthers(t *testing.T) {
	w, s := withStore(t)
	w.write("old", "old")
	s.before = func(source string, to io.Writer) error {
		if strings.HasSuffix(source, "/broken") {
			io.WriteString(to, "half")
			return errors.New("404")
		}
		return nil
	}
	slow := make(chan struct{})
	w.Fetch = fetcher(func(ctx context.Context, r config.Resource, to io.Writer) error {
		if strings.HasSuffix(*r.Source, "/slow") {
			<-ctx.Done()
			close(slow)
			return ctx.Err()
		}
		return s.Fetch(ctx, r, to)
	})
	err := w.apply(`"storage": {"files": [
		{"path": "/slow", "contents": {"source": "https://host/slow"}},
		{"path": "/old", "overwrite": true, "contents": {"source": "https://host/broken"}}]}`)
	if err == nil || !strings.Contains(err.Error(), "writing file /slow: another download has failed meanwhile: 404") {
		t.Error(err)
	}
	<-slow // the other one was told to end
	w.wantText("old", "old")
	if w.exists("slow") {
		t.Error("there is half a file")
	}
}

type fetcher func(context.Context, config.Resource, io.Writer) error

func (f fetcher) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	return f(ctx, r, w)
}

func TestProgressNamesTheDownloadItWaitsFor(t *testing.T) {
	w, s := withStore(t)
	started, reported := make(chan struct{}), make(chan struct{})
	s.before = func(source string, to io.Writer) error {
		if strings.Contains(source, "/slow") {
			io.WriteString(to, strings.Repeat("x", 500_000))
			close(started)
			<-reported
		}
		return nil
	}
	ds := newPrefetcher(w.Tree)
	for _, source := range []string{"https://host/1", "https://host/slow?token=secret", "https://host/2"} {
		ds.add("/f", "/", config.Resource{Source: &source})
	}
	r, err := rootfs.Open(w.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ds.start(t.Context(), r)
	<-started
	<-ds.all[0].done
	<-ds.all[2].done
	if got, want := ds.progress(10*time.Second), "fetching files: 2 of 3 are here, 0.5 MB, 0.05 MB/s; waiting for https://host/slow?... (10s so far)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	close(reported)
	<-ds.all[1].done
	if got := ds.progress(time.Second); got != "" {
		t.Errorf("after all is done: %s", got)
	}
	ds.close()
	filepath.WalkDir(w.Root, func(name string, e fs.DirEntry, _ error) error {
		if !e.IsDir() {
			t.Errorf("%s is left, though nobody wanted it", name)
		}
		return nil
	})
}

// The ledger may be what there is no room for.
func TestNoRoomBeforeAnyDownloadHasBegun(t *testing.T) {
	w, _ := withStore(t)
	p := newPrefetcher(w.Tree)
	source := "https://host/x"
	p.add("/f", "/", config.Resource{Source: &source})
	if p.makeRoom(t.Context()) {
		t.Error("there was something to remove")
	}
	p.close()
}
