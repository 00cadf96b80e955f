package dropin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// installed is what make install leaves below a directory, with an agent that is a
// script.
func installed(t *testing.T, agent string) string {
	t.Helper()
	dir := t.TempDir()
	module := filepath.Join(dir, "usr/lib/dracut/modules.d/30ignition")
	testkit.NoError(t, os.CopyFS(module, os.DirFS("../../dracut/30ignition")))
	testkit.NoError(t, os.CopyFS(filepath.Join(dir, "usr/share/firstlight/initramfs"), os.DirFS("../../initramfs")))
	testkit.NoError(t, os.WriteFile(filepath.Join(module, "ignition"), []byte(agent), 0o755))
	return dir
}

func TestMkosiScriptInstallsTheModule(t *testing.T) {
	t.Parallel()
	root := installed(t, "agent")
	testkit.NoError(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	script := exec.Command("bash", filepath.Join(root, "usr/share/firstlight/initramfs/mkosi/mkosi.postinst"))
	script.Env = append(os.Environ(), "BUILDROOT="+root)
	run(t, script)
	testkit.Equal(t, "agent", testkit.ReadFile(t, filepath.Join(root, "usr/bin/ignition")), "agent")
	const units = "usr/lib/systemd/system/"
	for _, file := range []string{units + "ignition-disks.service", units + "ignition-complete.target.requires/ignition-disks.service",
		units + "ignition-diskful.target.requires/ignition-remount-sysroot.service", "usr/lib/systemd/system-generators/ignition-generator",
		"usr/sbin/ignition-kargs-helper", "usr/lib/udev/rules.d/99-xx-ignition-systemd-cryptsetup.rules"} {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Error(err)
		}
	}
	for link, want := range map[string]string{"init": "usr/lib/systemd/systemd", "etc/initrd-release": "../usr/lib/os-release"} {
		got, err := os.Readlink(filepath.Join(root, link))
		testkit.NoError(t, err)
		testkit.Equal(t, link, got, want)
	}
}

// The functions of mkinitcpio that our install hook calls, by its manual page: they
// print what they would add. Like it, they rely on the program install.
const mkinitcpio = `
add_file() { command -V install | grep -q function && exit 1; echo "file ${2:-$1} ${3:-}"; }
add_binary() { echo "binary ${2:-$1}"; }
add_module() { echo "module $1"; }
add_all_modules() { echo "modules $1"; }
add_runscript() { echo "runscript ${BASH_SOURCE[1]##*/}"; }
. "$1"
help > /dev/null
build
`

func TestMkinitcpioInstallHookAddsTheAgent(t *testing.T) {
	t.Parallel()
	share := filepath.Join(installed(t, "agent"), "usr/share/firstlight/initramfs")
	script := exec.Command("bash", "-eu", "-c", mkinitcpio, "mkinitcpio", filepath.Join(share, "mkinitcpio/install/firstlight"))
	script.Env = append(os.Environ(), "FIRSTLIGHT_SHARE="+share)
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testkit.Contains(t, "what it adds", string(out), "file /usr/bin/ignition 755\n", "file /usr/lib/firstlight/functions \n", "runscript firstlight\n",
		"/mkfs.ext4\n", "module qemu_fw_cfg?\n", "module btrfs?\n", "modules /char/tpm/\n")
}

// The functions of mkinitcpio's init, with a shell that corrects the config.
const mkinitcpioInit = `
err() { echo "error: $1"; }
launch_interactive_shell() { echo shell; touch $dir/corrected; }
udevadm() { :; }
modprobe() { :; }
mount() { echo "mount $*"; }
rwopt=ro
. $dir/hook
run_hook
run_latehook
`

// recorder is an agent that prints what it is asked for, and passes its files stage at
// the second time only.
const recorder = `#!/bin/sh
[ "$*" != --setting=FIRSTBOOT_ARGUMENTS ] || { echo ignition.firstboot; exit; }
echo "$*"
case $* in
*--stage=fetch-offline) touch $dir/neednet ;;
*--stage=files) [ -e $dir/corrected ] || { echo the report > $dir/report.txt; exit 1; } ;;
esac
`

// inDirectory has a script use files of a directory in the place of the initramfs's.
func inDirectory(t *testing.T, dir, name, text string) {
	t.Helper()
	text = strings.NewReplacer("/usr/lib/firstlight/functions", "$dir/functions", "/usr/bin/ignition", "$dir/agent",
		"/proc/cmdline", "$dir/cmdline", "/run/ignition/", "$dir/").Replace(text)
	testkit.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
}

func TestMkinitcpioHookRunsTheStagesAroundTheMount(t *testing.T) {
	t.Parallel()
	for cmdline, want := range map[string]string{
		"quiet ignition.platform.id=qemu":                       "",
		"ignition.firstboot=0 ignition.platform.id=qemu":        "",
		"ignition.firstboot ignition.platform.id=qemu rw quiet": stagesOf("qemu", "fetch-offline", "fetch", "kargs", "disks") + "mount -o remount,rw /new_root\n" + stagesOf("qemu", "mount", "files") + "error: the report\nshell\n" + stagesOf("qemu", "files", "umount") + "mount -o remount,ro /new_root\n",
	} {
		dir := t.TempDir()
		inDirectory(t, dir, "functions", testkit.ReadFile(t, "../../initramfs/functions"))
		inDirectory(t, dir, "hook", testkit.ReadFile(t, "../../initramfs/mkinitcpio/hooks/firstlight"))
		inDirectory(t, dir, "agent", recorder)
		testkit.WriteFile(t, filepath.Join(dir, "cmdline"), cmdline+"\n")
		init := exec.Command("sh", "-c", mkinitcpioInit)
		init.Env = append(os.Environ(), "dir="+dir)
		out, err := init.CombinedOutput()
		testkit.NoError(t, err)
		testkit.Equal(t, cmdline, string(out), want)
	}
}

// stagesOf is what recorder prints.
func stagesOf(platform string, stages ...string) string {
	var b strings.Builder
	for _, stage := range stages {
		b.WriteString("--platform=" + platform + " --root=/new_root --stage=" + stage + "\n")
	}
	return b.String()
}
