package distributions_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/firstboot"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

const generator = "../../dracut/30ignition/ignition-generator"

// likeOpenSUSE is a distribution's generator: it is installed below /etc by our name,
// and so replaces ours, which it sources. By what ours defines it finds out the
// platform where no kernel argument says it, and has units of its own started.
const likeOpenSUSE = `#!/bin/bash
. "$MODULE/ignition-generator"
[ -n "$OPTIONAL" ] && echo unset variables are empty
if cmdline_bool ignition.firstboot 0 && ! cmdline_bool rd.nonetwork; then
    add_requires suse-network.service ignition-complete.target
fi
mkdir -p "${UNIT_DIR}/ignition-mount.service.d"
echo "[Service]" > "${UNIT_DIR}/ignition-mount.service.d/suse.conf"
. "$IGNITION_RUN_DIR/ignition.env"
if [ -z "$PLATFORM_ID" ]; then
    echo "PLATFORM_ID=$(cmdline_arg suse.platform qemu)" > "$IGNITION_RUN_DIR/ignition.env"
fi
echo "$#: $*" > "$IGNITION_RUN_DIR/arguments"
`

// runs runs a generator by a shell with a kernel command line, and gives the links and files that
// it has made, and the environment of the stages.
func runs(t *testing.T, shell, script, cmdline string, env ...string) (made []string, stages string) {
	t.Helper()
	dir := t.TempDir()
	units := filepath.Join(dir, "units")
	testkit.WriteFile(t, filepath.Join(dir, "cmdline"), cmdline+"\n")
	module, err := filepath.Abs(filepath.Dir(generator))
	testkit.NoError(t, err)
	c := exec.Command(shell, script, units, units, units)
	c.Env = append(os.Environ(), append(env, "IGNITION_RUN_DIR="+dir, "IGNITION_KERNEL_CMDLINE_PATH="+filepath.Join(dir, "cmdline"), "MODULE="+module)...)
	if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s%s", err, out, testkit.ReadFile(t, "/dev/kmsg"))
	}
	if script != generator {
		testkit.Equal(t, "arguments after sourcing", testkit.ReadFile(t, filepath.Join(dir, "arguments")), "3: "+strings.Repeat(units+" ", 2)+units+"\n")
	}
	err = filepath.WalkDir(units, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		at, _ := filepath.Rel(units, name)
		if target, err := os.Readlink(name); err == nil {
			at += " -> " + target
		}
		made = append(made, at)
		return nil
	})
	testkit.NoError(t, err)
	slices.Sort(made)
	return made, testkit.ReadFile(t, filepath.Join(dir, "ignition.env"))
}

var (
	firstBoot = []string{"ignition-complete.target.requires/ignition-diskful.target -> ../ignition-diskful.target", "initrd.target.requires/ignition-complete.target -> ../ignition-complete.target"}
	laterBoot = []string{"ignition-subsequent.target.requires/ignition-diskful-subsequent.target -> ../ignition-diskful-subsequent.target", "initrd.target.requires/ignition-subsequent.target -> ../ignition-subsequent.target"}
)

func TestGenerator(t *testing.T) {
	for _, tc := range []struct {
		cmdline  string
		boot     []string
		platform string
	}{
		{"ignition.firstboot ignition.platform.id=metal", firstBoot, "metal"},
		{"ignition.firstboot=1 ignition.platform.id=metal ignition.platform.id=aws", firstBoot, "aws"},
		{"quiet ignition.platform.id=qemu", laterBoot, "qemu"},
		{"ignition.firstboot=0 x=*", laterBoot, ""},
		{"ignition.firstboot=no", laterBoot, ""},
		{"ignition.firstboot=off", laterBoot, ""},
		{"ignition.firstboot=", laterBoot, ""},
		{"ignition.firstboot.not=1", laterBoot, ""},
	} {
		made, stages := runs(t, "sh", generator, tc.cmdline)
		testkit.Equal(t, tc.cmdline, made, tc.boot)
		testkit.Equal(t, tc.cmdline, stages, "PLATFORM_ID="+tc.platform+"\n")
	}
}

func TestLiveSystemHasNoDisk(t *testing.T) {
	bin := t.TempDir()
	testkit.WriteFile(t, filepath.Join(bin, "is-live-image"), "#!/bin/sh\n")
	testkit.NoError(t, os.Chmod(filepath.Join(bin, "is-live-image"), 0o755))
	made, _ := runs(t, "sh", generator, "ignition.firstboot", "PATH="+bin+":"+os.Getenv("PATH"))
	testkit.Equal(t, "links", made, firstBoot[1:])
}

func TestGeneratorOfADistributionSourcesOurs(t *testing.T) {
	script := filepath.Join(filepath.Dir(sandbox.Agent()), "suse")
	testkit.WriteFile(t, script, likeOpenSUSE)
	for _, tc := range []struct {
		cmdline  string
		want     []string
		platform string
	}{
		{"ignition.firstboot", slices.Concat([]string{"ignition-complete.target.requires/suse-network.service -> ../suse-network.service", "ignition-mount.service.d/suse.conf"}, firstBoot), "qemu"},
		{"ignition.firstboot rd.nonetwork suse.platform=vmware", slices.Concat([]string{"ignition-mount.service.d/suse.conf"}, firstBoot), "vmware"},
		{"ignition.platform.id=metal suse.platform=vmware", slices.Concat([]string{"ignition-mount.service.d/suse.conf"}, laterBoot), "metal"},
	} {
		slices.Sort(tc.want)
		made, stages := runs(t, "bash", script, tc.cmdline)
		testkit.Equal(t, tc.cmdline, made, tc.want)
		testkit.Equal(t, tc.cmdline, stages, "PLATFORM_ID="+tc.platform+"\n")
	}
}

// A distribution has kernel arguments of its own for the first boot.
func TestFirstBootBySettings(t *testing.T) {
	bin := t.TempDir()
	testkit.NoError(t, os.Symlink(sandbox.Agent(), filepath.Join(bin, "ignition")))
	testkit.WriteFile(t, filepath.Join(bin, "distribution.conf"), testkit.ReadFile(t, "../../distribution/flatcar.conf"))
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "IGNITION_SYSTEM_CONFIG_DIR=" + bin}
	for cmdline, want := range map[string][]string{
		"flatcar.first_boot=detected": firstBoot,
		"coreos.first_boot":           firstBoot,
		"ignition.firstboot=1":        firstBoot,
		"flatcar.first_boot=0":        laterBoot,
		"quiet":                       laterBoot,
	} {
		made, _ := runs(t, "sh", generator, cmdline, env...)
		testkit.Equal(t, cmdline, made, want)
	}
	// The first stage says what is wrong.
	testkit.WriteFile(t, filepath.Join(bin, "distribution.conf"), "FIRSTBOOT_ARGUMENT=flatcar.first_boot\n")
	made, _ := runs(t, "sh", generator, "flatcar.first_boot", env...)
	testkit.Equal(t, "with a typo", made, firstBoot)
}

// Where the network is to be configured, the stage that does that runs before what brings it
// up, in a first boot.
func TestTheNetworkIsConfiguredBeforeItIsUp(t *testing.T) {
	const dropIn = "ignition-fetch-offline.service.d/network.conf"
	bin := t.TempDir()
	testkit.NoError(t, os.Symlink(sandbox.Agent(), filepath.Join(bin, "ignition")))
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "IGNITION_SYSTEM_CONFIG_DIR=" + bin}
	for _, tc := range []struct {
		settings, cmdline string
		want              []string
	}{
		{"NETWORK=networkd", "ignition.firstboot", slices.Concat([]string{dropIn}, firstBoot)},
		{"NETWORK=networkmanager", "ignition.firstboot", slices.Concat([]string{dropIn}, firstBoot)},
		{"NETWORK=networkd", "quiet", laterBoot},
		{"NETWORK=dracut", "ignition.firstboot", firstBoot}, // its hooks come after
		{"NETWORK=none", "ignition.firstboot", firstBoot},
		{"SPEC2=refuse", "ignition.firstboot", firstBoot},
		{"NETWORK=nothing", "ignition.firstboot", firstBoot}, // the first stage says what is wrong
	} {
		testkit.WriteFile(t, filepath.Join(bin, "distribution.conf"), tc.settings+"\n")
		slices.Sort(tc.want)
		made, _ := runs(t, "sh", generator, tc.cmdline, env...)
		testkit.Equal(t, tc.settings, made, tc.want)
	}
}

// How a machine marks its first boot is a setting, too. Where only the root filesystem
// tells, a unit finds out.
func TestFirstBootByItsMark(t *testing.T) {
	unknown := slices.Concat(firstBoot[:1], []string{"ignition-subsequent.target.requires/ignition-diskful-subsequent.target -> ../ignition-diskful-subsequent.target",
		"initrd.target.requires/ignition-firstboot.service -> ../ignition-firstboot.service"})
	slices.Sort(unknown)
	bin, root := t.TempDir(), t.TempDir()
	testkit.NoError(t, os.Symlink(sandbox.Agent(), filepath.Join(bin, "ignition")))
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "IGNITION_SYSTEM_CONFIG_DIR=" + bin, "IGNITION_MARK_ROOT=" + root}
	for _, way := range firstboot.Ways {
		testkit.WriteFile(t, filepath.Join(bin, "distribution.conf"), "FIRST_BOOT="+way.Name+"\n")
		made, _ := runs(t, "sh", generator, "ignition.firstboot", env...)
		testkit.Equal(t, way.Name+" with the kernel argument", made, firstBoot)
		want := laterBoot
		if way.InRoot() {
			want = unknown
		}
		made, _ = runs(t, "sh", generator, "quiet", env...)
		testkit.Equal(t, way.Name+" without a mark", made, want)
	}
	for way, mark := range map[string]string{
		"credential":   ".extra/global_credentials/ignition.firstboot.cred",
		"efi-variable": "sys/firmware/efi/efivars/" + firstboot.Variable,
	} {
		testkit.WriteFile(t, filepath.Join(bin, "distribution.conf"), "FIRST_BOOT="+way+"\n")
		testkit.WriteFile(t, filepath.Join(root, mark), "")
		made, _ := runs(t, "sh", generator, "quiet", env...)
		testkit.Equal(t, way+" with its mark", made, firstBoot)
	}
}
