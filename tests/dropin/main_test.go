// Package dropin has the tests of the agent in the initramfs of others: made with
// the package of the reference, by other programs than dracut, or unpacked by the
// kernel from an overlay.
package dropin

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// built are the programs and the overlay, as make makes them.
var built struct {
	programs
	overlay string
}

type programs struct{ dir string }

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

func TestMain(m *testing.M) {
	status, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "firstlight-dropin-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	built.dir, built.overlay = dir, filepath.Join(dir, "firstlight-overlay-amd64.cpio")
	for _, c := range [][]string{
		{"make", "-s", "-C", "../..", "overlay", "BIN=" + dir},
		{"go", "build", "-o", built.path("treeinit"), "./treeinit"},
	} {
		cmd := exec.Command(c[0], c[1:]...)
		// This may be running below a make of its own, with its own ideas.
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKEOVERRIDES=", "GOARCH=amd64", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%v: %w\n%s", c, err, out)
		}
	}
	return m.Run(), nil
}

// run runs a program that must succeed.
func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
