package system

import (
	"os"
	"path/filepath"
	"testing"
)

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
