package distributions_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// An image is a distribution's image, with a machine that boots it.
type image struct {
	*testing.T
	dir      string
	platform string
	env      []string
}

// newImage is an image with a profile.
func newImage(t *testing.T, profile string) *image {
	t.Helper()
	i := &image{T: t, dir: t.TempDir(), platform: "file"}
	i.write("image/distribution.conf", testkit.ReadFile(t, "../../distribution/"+profile+".conf"))
	i.write("root/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	i.write("root/etc/shadow", "root:*:19000:0:99999:7:::\n")
	i.write("root/etc/group", "root:x:0:\n")
	i.write("root/etc/gshadow", "root:*::\n")
	i.write("root/etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n")
	i.write("cmdline", "quiet\n")
	i.env = append(os.Environ(), "IGNITION_SYSTEM_CONFIG_DIR="+i.path("image"), "IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+i.path("none"),
		"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+i.path("none"), "IGNITION_KERNEL_CMDLINE_PATH="+i.path("cmdline"), "IGNITION_CONFIG_FILE="+i.path("user-data"))
	return i
}

func (i *image) path(name string) string { return filepath.Join(i.dir, name) }

func (i *image) write(name, text string) {
	i.Helper()
	testkit.WriteFile(i.T, i.path(name), text)
}

func (i *image) read(name string) string {
	i.Helper()
	return testkit.ReadFile(i.T, i.path(name))
}

// stage runs a stage as Flatcar does: behind a wrapper, with the log on standard output.
func (i *image) stage(name string) (said string, err error) {
	c := exec.Command("sh", "-c", `exec "$@"`, "ignition", sandbox.Agent(), "--root="+i.path("root"), "--platform="+i.platform, "--stage="+name, "--log-to-stdout",
		"--config-cache="+i.path("run/ignition.json"), "--state-file="+i.path("run/ignition/state"), "--neednet="+i.path("run/ignition/neednet"))
	c.Env = i.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// boot runs the stages of a first boot, and gives what they have said.
func (i *image) boot() string {
	i.Helper()
	var all strings.Builder
	for _, name := range []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"} {
		said, err := i.stage(name)
		all.WriteString(said)
		if err != nil {
			i.Fatalf("%s: %v\n%s", name, err, &all)
		}
	}
	return all.String()
}

const version = `"ignition": {"version": "3.4.0"}`

// fileConfig is a config that writes a file.
func fileConfig(path, source string) string {
	return `{` + version + `, "storage": {"files": [{"path": "` + path + `", "contents": {"source": "` + source + `"}}]}}`
}

func TestFlatcarByPXE(t *testing.T) {
	for _, argument := range []string{"flatcar.config.url", "coreos.config.url", "ignition.config.url"} {
		i := newImage(t, "flatcar")
		i.write("cmdline", "flatcar.first_boot=1 "+argument+"=oem:///pxe.ign\n")
		i.write("image/distribution.conf", strings.Replace(i.read("image/distribution.conf"), "OEM_DIRECTORY=", "OEM_DIRECTORY="+i.dir, 1))
		i.write("oem/pxe.ign", fileConfig("/usr/share/oem/grub.cfg", "oem:///sub/grub.cfg"))
		i.write("oem/sub/grub.cfg", "set x\n")
		i.boot()
		testkit.Equal(t, argument, i.read("root/oem/grub.cfg"), "set x\n")
	}
}

func TestUserDataOfOthersIsLeftToThem(t *testing.T) {
	for name, text := range map[string]string{
		"cloud-config": "#cloud-config\nhostname: x\n", "script": "#!/bin/sh\necho\n",
		"MIME": "Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x\n",
	} {
		i := newImage(t, "flatcar")
		i.write("user-data", text)
		said := i.boot()
		testkit.Contains(t, name, said, "which this image leaves to another program", "there is no user config")
		testkit.Contains(t, name, i.read("root/etc/.ignition-result.json"), `"userConfigProvided": false`)
		// Other distributions stop the boot, and so does what the image itself has.
		i.write("image/user.ign", text)
		if said, err := i.stage("fetch-offline"); err == nil {
			t.Errorf("%s: a config of the image is passed over\n%s", name, said)
		}
		i = newImage(t, "microos")
		i.write("user-data", text)
		if said, err := i.stage("fetch-offline"); err == nil {
			t.Errorf("%s: it is passed over\n%s", name, said)
		}
	}
}

func TestNodeOfClusterAPIOnFlatcar(t *testing.T) {
	i := newImage(t, "flatcar")
	i.write("user-data", `{"ignition": {"version": "2.3.0"}, "storage": {"files": [{"filesystem": "root", "path": "/etc/kubeadm.yml", "mode": 384, "contents": {"source": "data:,x"}}]}}`)
	i.boot()
	testkit.Equal(t, "kubeadm.yml", i.read("root/etc/kubeadm.yml"), "x")
}

// The image of a container has the settings in itself.
func TestAppliedToATree(t *testing.T) {
	i := newImage(t, "microos")
	i.write("tree/usr/lib/ignition/distribution.conf", testkit.ReadFile(t, "../../distribution/flatcar.conf"))
	i.write("user-data", `{"ignition": {"version": "2.3.0"}, "storage": {"files": [{"filesystem": "root", "path": "/usr/share/oem/x", "mode": 384, "contents": {"source": "data:,x"}}]}}`)
	apply := func() error {
		c := exec.Command(sandbox.Agent(), i.path("user-data"), "--root", i.path("tree"))
		c.Args[0] = "ignition-apply"
		c.Env = i.env
		return c.Run()
	}
	testkit.NoError(t, apply())
	testkit.Equal(t, "moved file", i.read("tree/oem/x"), "x")
	i.write("tree/usr/lib/ignition/distribution.conf", "SPEC=2\n")
	if apply() == nil {
		t.Error("a typo is passed over")
	}
}

func TestPlacesOfADistribution(t *testing.T) {
	i := newImage(t, "microos")
	i.write("image/distribution.conf", "RESULT_FILE=/var/etc/result.json\nKARGS_HELPER="+i.path("helper")+"\n")
	i.write("helper", "#!/bin/sh\necho \"$@\" > "+i.path("arguments")+"\n")
	testkit.NoError(t, os.Chmod(i.path("helper"), 0o755))
	i.write("user-data", `{`+version+`, "kernelArguments": {"shouldExist": ["a"]}}`)
	i.boot()
	testkit.Contains(t, "result", i.read("root/var/etc/result.json"), `"userConfigProvided": true`)
	testkit.Equal(t, "arguments", i.read("arguments"), "--should-exist a\n")
	if _, err := os.Lstat(i.path("root/etc/.ignition-result.json")); err == nil {
		t.Error("there is a result file at its usual place, too")
	}
}

func TestKeysAreFilesOrFragments(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for profile, at := range map[string]string{"microos": "authorized_keys", "flatcar": "authorized_keys.d/ignition"} {
		i := newImage(t, profile)
		i.write("user-data", `{`+version+`, "passwd": {"users": [{"name": "root", "sshAuthorizedKeys": ["`+key+`"]}]}}`)
		i.boot()
		testkit.Contains(t, profile, i.read("root/root/.ssh/"+at), key)
		// The environment precedes it.
		other := newImage(t, profile)
		other.write("user-data", i.read("user-data"))
		other.env = append(other.env, "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT="+map[string]string{"microos": "true", "flatcar": "false"}[profile])
		other.boot()
		if _, err := os.Stat(other.path("root/root/.ssh/" + at)); err == nil {
			t.Errorf("%s: the environment counts for nothing", profile)
		}
	}
}

func TestATypoStopsTheBootBeforeAnythingIsTouched(t *testing.T) {
	i := newImage(t, "flatcar")
	i.write("image/distribution.conf", "SPEC2=translate\nFIRSTBOOT_ARGUMENT=flatcar.first_boot\n")
	i.write("user-data", fileConfig("/etc/x", "data:,x"))
	said, err := i.stage("fetch-offline")
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 4 {
		t.Errorf("got %v", err)
	}
	report := strings.Join(strings.Fields(strings.ReplaceAll(said, "|", " ")), " ")
	testkit.Contains(t, "report", report, "distribution.conf, line 2", `there is no setting "FIRSTBOOT_ARGUMENT"; there are FIRST_BOOT, FIRSTBOOT_ARGUMENTS,`)
	if _, err := os.Stat(i.path("run/ignition.json")); err == nil {
		t.Error("there is a config")
	}
}

func TestScriptsAskForSettings(t *testing.T) {
	i := newImage(t, "flatcar")
	ask := func(name string) string {
		c := exec.Command(sandbox.Agent(), "--setting="+name)
		c.Env = i.env
		out, _ := c.Output()
		return string(out)
	}
	testkit.Equal(t, "set", ask("FOREIGN_USER_DATA"), "pass\n")
	testkit.Equal(t, "not set", ask("CONSOLES"), "report\n")
	testkit.Equal(t, "unknown", ask("CONSOLE"), "")
}

func TestFilesOfOursAreBelowOneDirectory(t *testing.T) {
	i := newImage(t, "microos")
	i.write("user-data", fileConfig("/etc/x", "data:,x"))
	i.boot()
	inRun, err := os.ReadDir(i.path("run"))
	testkit.NoError(t, err)
	var names []string
	for _, e := range inRun {
		names = append(names, e.Name())
	}
	testkit.Equal(t, "files in /run", names, []string{"ignition", "ignition.json"})
}
