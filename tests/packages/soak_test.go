//go:build soak

package packages

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/firstboot"
	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestTheDebIsInstalledUsedUpgradedAndRemoved(t *testing.T) {
	tree, err := vm.DebianTree()
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/chroot.sh")
	if err != nil {
		t.Fatal(err)
	}
	// The overlay's layers are on a filesystem of their own: an overlay cannot be on another.
	images := t.TempDir()
	said := output(t, t.TempDir(), nil, "unshare", "-m", "sh", "-euc", `
		mount -t tmpfs tmpfs .
		cd "$PWD"
		mkdir upper work root
		mount -t overlay -o "lowerdir=$1,upperdir=$PWD/upper,workdir=$PWD/work" overlay root
		for dir in proc sys dev; do mount --rbind /$dir root/$dir; done
		mount -t tmpfs tmpfs root/run
		mount -t tmpfs tmpfs root/tmp
		mkdir root/old root/new root/images
		mount --bind "$5" root/images
		cp "$2"/*.deb root/old
		cp "$3"/*.deb root/new
		cp "$4" root/tmp/life.sh
		exec chroot root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C bash /tmp/life.sh`,
		"sh", tree, dist(t, version), dist(t, "2.99.0"), script, images)
	if !strings.HasSuffix(said, "\ndone\n") {
		t.Errorf("it did not come to its end:\n%s", said)
	}
	for _, maker := range []string{"dracut", "initramfs-tools"} {
		t.Run("first boot by "+maker, func(t *testing.T) {
			bootOnce(t, filepath.Join(images, maker))
		})
	}
}

// bootOnce has an initramfs provision a machine, whose console is no shell if that
// does not work.
func bootOnce(t *testing.T, initramfs string) {
	img, err := vm.BuildMachine()
	testkit.NoError(t, err)
	img.Initramfs = initramfs
	root, err := vm.NewRoot(img, t.TempDir())
	testkit.NoError(t, err)
	disk, err := vm.NewDisk(t.TempDir(), "disk1", 768)
	testkit.NoError(t, err)
	text := testkit.ReadFile(t, "../dropin/testdata/machine.ign")
	cfg, problems, err := config.Parse([]byte(text), "config")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", len(problems), 0)
	res := vm.Boot(t, vm.Options{Images: img, Root: root, Disks: []string{disk}, Config: text,
		Arguments: vm.FirstBoot("qemu") + " rd.shell=0 rd.emergency=poweroff"})
	testkit.Equal(t, "differences", firstboot.Compare(cfg, res.Machine), nil)
	for _, stage := range []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"} {
		testkit.Contains(t, "stages", res.Stages, `"stage":"`+stage+`"`)
	}
}

// A clone, no network, twice in different surroundings: and the source builds without the
// modules that are in the cache.
func TestAReleaseNeedsNoNetworkAndIsTheSameTwice(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "a", "clone")
	output(t, top, nil, "git", "clone", "-q", ".", clone)
	first, second := t.TempDir(), t.TempDir()
	offline := []string{"GOPROXY=off", "GOFLAGS=", "ARCHES=amd64", "SYSTEMS=windows"}
	output(t, clone, append(offline, "DIST="+first, "TZ=Asia/Tokyo"), "unshare", "-n", "make", "dist")
	output(t, clone, append(offline, "DIST="+second, "GOCACHE="+t.TempDir()), "unshare", "-n", "sh", "-c", "umask 077; nice make dist")
	output(t, top, nil, "diff", "-r", first, second)

	// Between releases versions grow with time, so that packages are upgraded.
	for _, name := range []string{"firstlight_*~pre2*_amd64.deb", "firstlight-[0-9]*~pre2*.x86_64.rpm", "firstlight_*_pre2*_x86_64.apk", "firstlight-[0-9]*pre2*-x86_64.pkg.tar.zst"} {
		if found, err := filepath.Glob(filepath.Join(first, name)); err != nil || len(found) != 1 {
			t.Errorf("%s: %q, %v", name, found, err)
		}
	}
	testkit.Contains(t, "what pacman compares", output(t, first, nil, "sh", "-c", "tar --zstd -xOf firstlight-0*.zst .PKGINFO"), "pkgver = "+strings.TrimSpace(output(t, top, nil, "cat", "VERSION"))+"pre2")

	output(t, second, nil, "sh", "-c", "mkdir src && tar --strip-components=1 -C src -xzf firstlight-*.tar.gz")
	source := filepath.Join(second, "src")
	seconds := strings.TrimSpace(output(t, clone, nil, "git", "log", "-1", "--format=%ct"))
	output(t, source, []string{"GOPROXY=off", "GOFLAGS=", "GOMODCACHE=" + t.TempDir(), "SOURCE_DATE_EPOCH=" + seconds}, "unshare", "-n", "make", "all", "man")
	for _, program := range []string{"firstlight", "firstlightctl"} {
		built, err := os.ReadFile(filepath.Join(source, "bin", program))
		if err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(first, program+"-*-linux-amd64"))
		if err != nil || len(names) != 1 {
			t.Fatalf("%q, %v", names, err)
		}
		if released, err := os.ReadFile(names[0]); err != nil || !bytes.Equal(built, released) {
			t.Errorf("%s is another one than that of the release, %v", program, err)
		}
	}
}

func TestPositionIndependentProgramsWithDebugInformation(t *testing.T) {
	bin := t.TempDir()
	output(t, top, []string{"GOFLAGS=-buildmode=pie"}, "make", "all", "STRIP=", "BIN="+bin)
	for _, program := range []string{"firstlight", "firstlightctl"} {
		output(t, bin, nil, "./"+program, "--version")
		f, err := elf.Open(filepath.Join(bin, program))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Type != elf.ET_DYN || f.Section(".note.gnu.build-id") == nil {
			t.Errorf("%s: type %v, build ID %v", program, f.Type, f.Section(".note.gnu.build-id"))
		}
		if _, err := f.DWARF(); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// What the Containerfile runs, in a tree of the commit.
func TestTheContainersProgramsAreBuiltAndStandAlone(t *testing.T) {
	tree, out := t.TempDir(), t.TempDir()
	output(t, top, nil, "sh", "-c", `git archive HEAD | tar -x -C "$1"`, "sh", tree)
	recipe, err := os.ReadFile(filepath.Join(tree, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	_, command, found := strings.Cut(string(recipe), "\nRUN ")
	command, _, ended := strings.Cut(command, "\n")
	if !found || !ended {
		t.Fatalf("no RUN in\n%s", recipe)
	}
	output(t, tree, []string{"VERSION=" + version}, "sh", "-c", strings.Replace(command, "/out", out, 1))
	for _, line := range strings.Split(string(recipe), "\n") {
		program, is := strings.CutPrefix(line, `ENTRYPOINT ["`)
		if program = strings.TrimSuffix(program, `"]`); !is {
			continue
		}
		// As in the container: there is nothing else.
		if got := output(t, out, nil, "chroot", out, program, "--version"); !strings.Contains(got, version) {
			t.Errorf("%s: got %q", program, got)
		}
	}
}
