package vm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cacheDir is where built parts are kept between runs.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "firstlight")
	return dir, os.MkdirAll(dir, 0o755)
}

// lock keeps other processes from building while this one does.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// key is a short digest of the inputs that a part is built from.
func key(inputs ...string) string {
	h := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(h, "%d:%s", len(in), in)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// digest is a key over the files below a directory: names, modes, contents.
func digest(dir string) (string, error) {
	var inputs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		if d.Type()&fs.ModeSymlink != 0 {
			text, err = os.Readlink(path)
		} else {
			var b []byte
			b, err = os.ReadFile(path)
			text = string(b)
		}
		inputs = append(inputs, path[len(dir):], info.Mode().String(), text)
		return err
	})
	return key(inputs...), err
}

// root runs a program as root, by sudo if need be.
func root(name string, args ...string) error {
	if os.Getuid() != 0 {
		name, args = "sudo", append([]string{name}, args...)
	}
	return run(name, args...)
}

// run runs a program and shows its output only if it does not succeed.
func run(name string, args ...string) error {
	return output(exec.Command(name, args...))
}

func output(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, Tail(string(out), 30))
	}
	return nil
}

// longestRun is how long tests may run that use a part of the cache.
const longestRun = 10 * time.Hour

// prune keeps the parts whose names begin with prefix that were used last: a few, and
// all that a test may be using yet.
func prune(dir, prefix string, keep int) {
	names, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
	used := func(name string) time.Time {
		info, err := os.Stat(name)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	sort.Slice(names, func(i, j int) bool { return used(names[i]).After(used(names[j])) })
	for _, old := range names[min(keep, len(names)):] {
		if time.Since(used(old)) > longestRun {
			os.Remove(old)
		}
	}
}

// repository is the top of the source tree.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("this is not run inside the source tree")
}
