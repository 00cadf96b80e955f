package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadFileNeverWaits(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	os.WriteFile(at("file"), []byte("12345"), 0o600)
	os.Mkdir(at("directory"), 0o700)
	if err := unix.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Symlink("pipe", at("link"))
	for _, c := range []struct {
		name       string
		limit      int64
		want, fail string
	}{
		{at("file"), 5, "12345", ""},
		{at("file"), 4, "", "it has 5 bytes, at most 4 are possible"},
		{"/proc/self/status", 4, "", "more than 4 bytes"},
		{"/dev/null", 4, "", ""},
		{"/dev/zero", 4, "", "no regular file"},
		{at("directory"), 4, "", "no regular file"},
		{at("pipe"), 4, "", "no regular file"},
		{at("link"), 4, "", "no regular file"},
		{at("missing"), 4, "", "no such file"},
	} {
		got, err := ReadFile(c.name, c.limit)
		if string(got) != c.want || (err == nil) != (c.fail == "") {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), c.fail) || !strings.Contains(err.Error(), c.name)) {
			t.Errorf("%s: got %v, want %q and the name", c.name, err, c.fail)
		}
	}
}

func TestWriteFileReplacesAsAWhole(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "sub", "state")
	for _, want := range []string{"first", "second"} {
		if err := WriteFile(name, []byte(want), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		info, _ := os.Stat(name)
		if err != nil || string(got) != want || info.Mode() != 0o640 {
			t.Errorf("got %q, %v, mode %v", got, err, info.Mode())
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(name)); len(left) != 1 {
		t.Errorf("there are %v", left)
	}
}

func TestFailedWriteFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "state")
	os.MkdirAll(filepath.Join(name, "in the way"), 0o755)
	if err := WriteFile(name, []byte("x"), 0o600); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("there are %v", left)
	}
}
