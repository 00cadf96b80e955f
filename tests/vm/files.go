package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// WithFiles returns images whose initramfs has more files, in an archive that follows.
// Generators are executable.
func WithFiles(t testing.TB, img *Images, files map[string]string) *Images {
	t.Helper()
	tree := t.TempDir()
	for name, text := range files {
		testkit.WriteFile(t, filepath.Join(tree, name), text)
		if strings.Contains(name, "generators/") {
			testkit.NoError(t, os.Chmod(filepath.Join(tree, name), 0o755))
		}
	}
	pack := exec.Command("sh", "-c", "find . | cpio --quiet -o -H newc")
	pack.Dir = tree
	archive, err := pack.Output()
	testkit.NoError(t, err)
	image := []byte(testkit.ReadFile(t, img.Initramfs))
	changed := *img
	changed.Initramfs = filepath.Join(t.TempDir(), "initramfs")
	archive = append(make([]byte, 4096), archive...) // an LZ4 image ends at zeros
	testkit.NoError(t, os.WriteFile(changed.Initramfs, append(image, initramfs.Append(len(image), archive)...), 0o600))
	return &changed
}
