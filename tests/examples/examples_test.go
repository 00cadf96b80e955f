// Package examples tries the configs of examples/: each is valid, can be applied to empty
// disks, and makes the machine that it describes. Programs that an example fetches are built
// when they are needed, by its script.
package examples

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/format"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/firstboot"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var all = flag.Bool("examples.all", false, "boot all examples that need nothing but disks, and not just one")

const dir = "../../examples"

// booted are the examples that need nothing but disks. Others need more than that, and
// minutes: their boots have the build tag soak. The machines have neither podman nor a
// network manager.
var booted = []string{"raid1", "swap", "first-user", "static-network"}

// read returns an example as the boot reads it, and its text in JSON.
func read(t *testing.T, name string) (*config.Config, string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, name, "config.*"))
	testkit.NoError(t, err)
	if len(files) != 1 {
		t.Fatalf("%s has the configs %q", name, files)
	}
	text := []byte(testkit.ReadFile(t, files[0]))
	if strings.HasSuffix(files[0], ".bu") {
		translated, problems, err := butane.Translate(text, files[0], butane.Options{})
		if err != nil || len(problems) > 0 {
			t.Fatalf("%s: %v %v", files[0], err, problems)
		}
		text = translated.JSON
	}
	cfg, problems, err := config.Parse(text, files[0])
	if err != nil || len(problems) > 0 {
		t.Fatalf("%s: %v %v", files[0], err, problems)
	}
	return cfg, string(text)
}

func names(t *testing.T) (names []string) {
	entries, err := os.ReadDir(dir)
	testkit.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// several are the examples with configs of several machines.
var several = []string{"cluster", "one-base"}

// nodes are the machines of the example of a cluster.
var nodes = []string{"node1", "node2", "node3", "node4", "node5"}

// clusterConfigs makes the configs of the cluster as its page says, with firstlightctl, in
// a directory, after what all have was edited.
func clusterConfigs(t *testing.T, program string, edit func(common string) string) string {
	t.Helper()
	copied := t.TempDir()
	testkit.NoError(t, os.CopyFS(copied, os.DirFS(filepath.Join(dir, "cluster"))))
	common := filepath.Join(copied, "common.bu")
	testkit.WriteFile(t, common, edit(testkit.ReadFile(t, common)))
	made := filepath.Join(copied, "made")
	command := exec.Command(filepath.Join(copied, "configs"), made)
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("making the configs of the cluster: %v\n%s", err, out)
	}
	return made
}

// firstlightctl builds the program.
func firstlightctl(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestMachinesOfTheClusterDifferInWhatTheyAre(t *testing.T) {
	program := firstlightctl(t)
	made := clusterConfigs(t, program, func(common string) string { return common })
	for i, name := range nodes {
		file := filepath.Join(made, name+".ign")
		out, err := exec.Command(program, "validate", "--strict", "--merged", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		testkit.Contains(t, name, string(out), "nats.service", "/etc/nats/ca.crt", "/etc/nats/node.key", "data:,"+name, fmt.Sprintf("10.77.0.1%d", i+1))
		certificate, err := tls.LoadX509KeyPair(filepath.Join(made, name+".crt"), filepath.Join(made, name+".key"))
		testkit.NoError(t, err)
		testkit.NoError(t, certificate.Leaf.VerifyHostname(fmt.Sprintf("10.77.0.1%d", i+1)))
	}
}

func TestExamplesAreValidAndExplained(t *testing.T) {
	for _, name := range names(t) {
		if !slices.Contains(several, name) {
			read(t, name)
		}
		if text := testkit.ReadFile(t, filepath.Join(dir, name, "README.md")); !strings.HasPrefix(text, "# ") {
			t.Errorf("README.md of %s has no title", name)
		}
		if index := testkit.ReadFile(t, filepath.Join(dir, "README.md")); !strings.Contains(index, "("+name+"/)") {
			t.Errorf("examples/README.md does not name %s", name)
		}
	}
}

// Whoever copies one can format it without a change of other lines.
func TestExamplesAreFormatted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.bu"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		text := testkit.ReadFile(t, file)
		formatted, err := format.Config([]byte(text), file)
		testkit.NoError(t, err)
		if string(formatted) != text {
			t.Errorf("%s is not formatted; run firstlightctl fmt --write %[1]s", file)
		}
	}
}

var images = sync.OnceValues(func() (*vm.Images, error) { return vm.Build() })

func TestExamplesMakeTheMachineThatTheyDescribe(t *testing.T) {
	img, err := images()
	testkit.NoError(t, err)
	for i, name := range booted {
		if !slices.Contains(names(t), name) {
			t.Errorf("there is no example %s", name)
		}
		if i > 0 && !*all {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cfg, text := read(t, name)
			dir := t.TempDir()
			o := vm.Options{Images: img, Config: text, Arguments: vm.FirstBoot("qemu")}
			o.Root, err = vm.NewRoot(img, dir)
			testkit.NoError(t, err)
			for _, disk := range []string{"vdb", "vdc"} {
				image, err := vm.NewDisk(dir, disk, 1024)
				testkit.NoError(t, err)
				o.Disks = append(o.Disks, image)
			}
			res := vm.Boot(t, o)
			if res.Initramfs {
				t.Fatalf("the boot was stopped:\n%s", res.Report)
			}
			for _, difference := range firstboot.Compare(cfg, res.Machine) {
				t.Error(difference)
			}
		})
	}
}
