package canary

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files are those below some directories, and which of them may hold canaries, by
// name and mode.
type Files struct {
	Birds
	Dirs    []string
	MayHold func(name string, mode fs.FileMode) bool
}

// Look reads all files.
func (f Files) Look(t testing.TB) {
	t.Helper()
	for name, found := range f.found() {
		t.Errorf("%s holds %s", name, found)
	}
}

// found describes the canaries of files that should have none.
func (f Files) found() map[string]string {
	all := map[string]string{}
	for _, dir := range f.Dirs {
		filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return nil // it has gone
			}
			info, err := e.Info()
			if err != nil {
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return nil
			}
			if places := f.In(text); len(places) > 0 && !f.MayHold(name, info.Mode()) {
				all[name] = fmt.Sprintf("(mode %v) the canaries %q", info.Mode(), places)
			}
			return nil
		})
	}
	return all
}

// Watch reads all files again and again until it is stopped.
func (f Files) Watch(t testing.TB) (stop func()) {
	done, ended := make(chan struct{}), make(chan map[string]string)
	go func() {
		all := map[string]string{}
		for {
			for name, found := range f.found() {
				all[name] = found
			}
			select {
			case <-done:
				ended <- all
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() {
		t.Helper()
		close(done)
		for name, found := range <-ended {
			t.Errorf("for a while %s held %s", name, found)
		}
	}
}
