package dropin

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

const otherAgent = "the other agent"

// layouts are trees of an initramfs: files, and links that end in -> and their target.
var layouts = map[string][]string{
	"merged /usr":           {"bin->usr/bin", "usr/bin/sh", "usr/bin/ignition"},
	"own /usr":              {"bin/sh", "usr/bin/ignition"},
	"/usr/bin is a link":    {"bin/ignition", "usr/bin->../bin"},
	"the agent is a link":   {"bin->usr/bin", "usr/bin/ignition->../libexec/agent", "usr/libexec/agent"},
	"/usr without an agent": {"bin->usr/bin", "usr/bin/sh"},
	"no /usr":               {"bin/sh"},
}

// compressors are the programs, and nothing for no compression.
var compressors = map[string][]string{
	"plain": nil,
	"gzip":  {"gzip", "-1"},
	"xz":    {"xz", "-1", "--check=crc32"},
	"zstd":  {"zstd", "-1"},
	"lz4":   {"lz4", "-l", "-1"},
}

// makeTree makes a layout below dir.
func makeTree(t *testing.T, dir string, layout []string) {
	t.Helper()
	testkit.NoError(t, os.MkdirAll(dir, 0o755))
	run(t, exec.Command("install", "-m", "0755", built.path("treeinit"), filepath.Join(dir, "init")))
	for _, node := range layout {
		name, target, link := strings.Cut(node, "->")
		path := filepath.Join(dir, name)
		if !link {
			testkit.WriteFile(t, path, otherAgent)
			continue
		}
		testkit.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		testkit.NoError(t, os.Symlink(target, path))
	}
}

// pack makes an initramfs of a tree.
func pack(t *testing.T, tree string, compressor []string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "initramfs.img")
	command := "find . | cpio --quiet -o -H newc"
	if compressor != nil {
		command += " | " + strings.Join(compressor, " ")
	}
	shell := exec.Command("sh", "-c", command+" > "+image)
	shell.Dir = tree
	run(t, shell)
	return image
}

// nodes are what treeinit has printed, by path. Without the directories that the
// kernel has made before it unpacks anything.
func nodes(t *testing.T, printed, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(printed) {
		node, ok := strings.CutPrefix(strings.TrimSpace(line), "node "+root+"/")
		if path, detail, _ := strings.Cut(node, " "); ok && path != "" && path != "dev" && path != "root" && path != "dev/console" {
			all[path] = detail
		}
	}
	if all["init"] == "" {
		t.Fatalf("there is no init in\n%s", printed)
	}
	return all
}

// unpacked is what the kernel makes of an image, and whether it has found fault.
func unpacked(t *testing.T, image string) (tree map[string]string, failed bool) {
	t.Helper()
	out, err := vm.RunInitramfs(t.Context(), image, t.TempDir())
	testkit.NoError(t, err)
	return nodes(t, out, ""), strings.Contains(out, "unpacking failed")
}

// with appends the overlay as people do: by firstlightctl, or by a boot loader,
// which aligns the second file.
var with = map[string]func(t *testing.T, image string){
	"firstlightctl": func(t *testing.T, image string) {
		run(t, exec.Command(built.path("firstlightctl"), "overlay", "append", image))
	},
	"boot loader": func(t *testing.T, image string) {
		text, overlay := testkit.ReadFile(t, image), testkit.ReadFile(t, built.overlay)
		testkit.WriteFile(t, image, text+strings.Repeat("\x00", (4-len(text)%4)%4)+overlay)
	},
}

func TestKernelUnpacksTheOverlayOverTheAgent(t *testing.T) {
	agent := fmt.Sprintf("-rwxr-xr-x %x", sha256.Sum256([]byte(testkit.ReadFile(t, built.path("firstlight")))))
	check := func(layout, compressor, how string) {
		t.Run(layout+", "+compressor+", "+how, func(t *testing.T) {
			t.Parallel()
			tree := filepath.Join(t.TempDir(), "tree")
			makeTree(t, tree, layouts[layout])
			printed, err := exec.Command(built.path("treeinit"), tree).Output()
			testkit.NoError(t, err)
			want := nodes(t, string(printed), tree)
			switch layout {
			case "no /usr":
			case "/usr/bin is a link":
				want["bin/ignition"] = agent
			default:
				want["usr/bin/ignition"] = agent
			}
			image := pack(t, tree, compressors[compressor])
			with[how](t, image)
			if got, failed := unpacked(t, image); failed || !maps.Equal(got, want) {
				t.Errorf("got %v, want %v; the kernel found fault: %v", got, want, failed)
			}
		})
	}
	for compressor := range compressors {
		check("merged /usr", compressor, "boot loader")
	}
	check("merged /usr", "lz4", "firstlightctl")
	for layout := range layouts {
		if layout != "merged /usr" {
			check(layout, "gzip", "boot loader")
		}
	}
}

// The zeros are not there for nothing.
func TestOverlayNeedsItsZerosAfterLZ4(t *testing.T) {
	t.Parallel()
	tree := filepath.Join(t.TempDir(), "tree")
	makeTree(t, tree, layouts["merged /usr"])
	image := pack(t, tree, compressors["lz4"])
	text, overlay := testkit.ReadFile(t, image), testkit.ReadFile(t, built.overlay)
	testkit.WriteFile(t, image, text+strings.Repeat("\x00", (4-len(text)%4)%4)+strings.TrimLeft(overlay, "\x00"))
	if _, failed := unpacked(t, image); !failed {
		t.Error("the kernel unpacks an overlay without zeros after LZ4: they can go")
	}
}

func TestMakeOverlayIsReproducible(t *testing.T) {
	again := filepath.Join(t.TempDir(), "again.cpio")
	run(t, exec.Command(built.path("firstlightctl"), "overlay", "write", again))
	testkit.Equal(t, "same overlay", testkit.ReadFile(t, again) == testkit.ReadFile(t, built.overlay), true)
}
