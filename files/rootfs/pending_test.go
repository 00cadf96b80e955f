package rootfs

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestPendingFileIsOpenOnlyWhileItIsUsed(t *testing.T) {
	w := newTree(t)
	r := open(t, w.root)
	before := descriptors(t)
	f := r.PendingFile("/etc", "f")
	if f.Exists() || f.Size() != 0 {
		t.Error("it exists before anything is written")
	}
	for _, text := range []string{"one ", "two ", "three"} {
		_, err := io.WriteString(f, text)
		testkit.NoError(t, err)
	}
	testkit.NoError(t, f.Truncate(8))
	_, err := io.WriteString(f, "3")
	testkit.NoError(t, err)
	if f.Size() != 9 {
		t.Errorf("it has %d bytes, want 9", f.Size())
	}
	var text bytes.Buffer
	testkit.NoError(t, f.CopyTo(&text))
	if text.String() != "one two 3" {
		t.Errorf("it holds %q", text.String())
	}
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors are open, want %d", got, before)
	}
	taken, err := f.Take()
	testkit.NoError(t, err)
	etc, err := r.OpenDir("/etc")
	testkit.NoError(t, err)
	testkit.NoError(t, taken.Commit(etc, "f", Options{Mode: 0o600}, func(w io.Writer) error { _, err := io.WriteString(w, "!"); return err }))
	etc.Close()
	w.wantText("etc/f", "one two 3!")
	f.Discard() // it is not ours any more
	w.wantText("etc/f", "one two 3!")
	if got := descriptors(t); got != before {
		t.Errorf("%d descriptors are open in the end, want %d", got, before)
	}
}

func TestPendingFileWithoutContents(t *testing.T) {
	w := newTree(t)
	r := open(t, w.root)
	f := r.PendingFile("/etc", "f")
	testkit.NoError(t, f.Truncate(0))
	testkit.NoError(t, f.CopyTo(io.Discard))
	f.Discard()
	taken, err := f.Take()
	testkit.NoError(t, err)
	etc, err := r.OpenDir("/etc")
	testkit.NoError(t, err)
	defer etc.Close()
	testkit.NoError(t, taken.Commit(etc, "f", Options{}, func(io.Writer) error { return nil }))
	w.wantText("etc/f", "")
}

// Somebody who puts a file of her own there gets nothing.
func TestPendingFileThatWasReplaced(t *testing.T) {
	w := newTree(t)
	f := open(t, w.root).PendingFile("/etc", "f")
	_, err := io.WriteString(f, "text")
	testkit.NoError(t, err)
	at := w.root + "/etc/" + f.name
	testkit.NoError(t, os.Rename(at, at+"-away"))
	testkit.NoError(t, os.WriteFile(at, nil, 0o666))
	_, writeErr := io.WriteString(f, "more")
	_, takeErr := f.Take()
	for doing, err := range map[string]error{"write": writeErr, "take": takeErr, "copy": f.CopyTo(io.Discard), "truncate": f.Truncate(0)} {
		if err == nil || !strings.Contains(err.Error(), "another file") {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if text, err := os.ReadFile(at); err != nil || len(text) > 0 {
		t.Errorf("the other file holds %q, %v", text, err)
	}
}

// descriptors counts those of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	testkit.NoError(t, err)
	return len(names)
}
