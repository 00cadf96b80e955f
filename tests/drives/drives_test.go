package drives

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A boot is the agent on a platform, at a stage that gets the config.
type boot struct {
	log, cache, box string
	err             error
}

// start is startAt for the stage fetch-offline.
func start(t *testing.T, platform, cmdline string, flags ...string) boot {
	t.Helper()
	return startAt(t, "fetch-offline", platform, cmdline, flags...)
}

func startAt(t *testing.T, stage, platform, cmdline string, flags ...string) boot {
	t.Helper()
	return startOn(t, nil, stage, platform, cmdline, flags...)
}

// startOn calls functions when a text is in the agent's log.
func startOn(t *testing.T, on map[string]func(), stage, platform, cmdline string, flags ...string) boot {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cmdline"), []byte(cmdline+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/share/firstlight", append([]string{"--platform=" + platform, "--stage=" + stage, "--log-to-stdout", "--root=" + dir,
		"--config-cache=" + filepath.Join(dir, "ignition.json"), "--state-file=" + filepath.Join(dir, "state/state"), "--neednet=" + filepath.Join(dir, "neednet")}, flags...)...)
	cmd.Env = append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+filepath.Join(dir, "cmdline"))
	out := &testkit.Output{On: on}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	b := boot{log: out.String(), err: err}
	cache, _ := os.ReadFile(filepath.Join(dir, "ignition.json"))
	box, _ := os.ReadFile(filepath.Join(dir, "state/report.txt"))
	b.cache, b.box = string(cache), strings.Join(strings.Fields(strings.ReplaceAll(string(box), "|", " ")), " ")
	if mounts, err := os.ReadFile("/proc/mounts"); err != nil || strings.Contains(string(mounts), "ignition-config") {
		t.Errorf("%s has left a mount: %v\n%s", platform, err, mounts)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "ignition-config*")); left != nil {
		t.Errorf("%s has left %v", platform, left)
	}
	return b
}

// has checks that a boot ended with a config that creates a file of this name.
func (b boot) has(t *testing.T, name string) {
	t.Helper()
	if b.err != nil || !strings.Contains(b.cache, `"/`+name+`"`) {
		t.Fatalf("no config %s: %v, %s\n%s", name, b.err, b.cache, b.log)
	}
}

func shell(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("bash", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// attach makes a file a block device while the test runs.
func attach(t *testing.T, file string) string {
	t.Helper()
	dev := shell(t, "losetup --find --show "+file)
	t.Cleanup(func() { shell(t, "losetup --detach "+dev) })
	return dev
}

// tray opens the tray of a drive, or closes it.
func tray(t *testing.T, open bool) {
	t.Helper()
	const eject, closeTray, lock = 0x5309, 0x5319, 0x5329 // see <linux/cdrom.h>
	f, err := os.OpenFile(dvd, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	what := uint(closeTray)
	if open {
		what = eject
		unix.IoctlSetInt(int(f.Fd()), lock, 0)
	}
	if err := unix.IoctlSetInt(int(f.Fd()), what, 0); err != nil {
		t.Fatalf("moving the tray of %s: %v", dvd, err)
	}
}

func TestDVDIsMountedAndADiskIsNoDVD(t *testing.T) {
	if kind := shell(t, "blkid --probe --output value --match-tag TYPE /dev/disk/by-id/virtio-disk1"); kind != "udf" {
		t.Fatalf("the disk holds %s", kind)
	}
	start(t, "azurestack", "").has(t, "of-the-dvd")
}

func TestDiskIsNoDVD(t *testing.T) {
	tray(t, true)
	defer tray(t, false)
	b := start(t, "azurestack", "", "--fetch-timeout=12s")
	for _, want := range []string{"waiting for the DVD with ovf-env.xml", "it has not appeared within 12s", "sr0 (no medium)", "sr1 (no medium)", `(udf "rd_rdfe_stable")`} {
		if b.err == nil || !strings.Contains(strings.ReplaceAll(b.box, " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%q is not in: %v, %s", want, b.err, b.box)
		}
	}
	if !strings.Contains(b.log, "waiting for the DVD with ovf-env.xml, for 1") {
		t.Errorf("the wait is not told:\n%s", b.log)
	}
}

func TestDVDThatIsNotReadyIsWaitedFor(t *testing.T) {
	tray(t, true)
	closed := make(chan struct{})
	const waiting = "waiting for the DVD with ovf-env.xml"
	b := startOn(t, map[string]func(){waiting: func() { tray(t, false); close(closed) }}, "fetch-offline", "azurestack", "")
	b.has(t, "of-the-dvd")
	<-closed
}

func TestUDFIsFoundByItsLabel(t *testing.T) {
	attach(t, "/share/udf")
	start(t, "ibmcloud", "").has(t, "of-the-udf")
}

func TestLinksOnISO9660AreFollowed(t *testing.T) {
	attach(t, "/share/links")
	start(t, "ibmcloud", "").has(t, "of-the-link")
}

func TestDriveThatComesLaterWakesTheAgent(t *testing.T) {
	done := make(chan struct{})
	b := startOn(t, map[string]func(){"waiting for the drive": func() { attach(t, "/share/iso"); close(done) }}, "fetch-offline", "nutanix", "")
	b.has(t, "of-the-iso")
	<-done
}

func TestOtherFilesystemsAreReadByTheKernel(t *testing.T) {
	dir := t.TempDir()
	shell(t, "mkdir "+dir+"/tree; echo '"+config("of-ext4")+"' > "+dir+"/tree/c.ign; truncate -s 16M "+dir+"/disk; mkfs.ext4 -q -L mycfg -d "+dir+"/tree "+dir+"/disk")
	attach(t, filepath.Join(dir, "disk"))
	start(t, "metal", "ignition.config.device=mycfg ignition.config.path=/c.ign").has(t, "of-ext4")
	b := start(t, "metal", "ignition.config.device=mycfg ignition.config.path=/d.ign")
	if b.err == nil || !strings.Contains(b.box, `there is no /d.ign on the filesystem labelled "mycfg"`) {
		t.Errorf("got %v, %s", b.err, b.box)
	}
}

func TestBrokenUDFIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "udf")
	// The label stays; what the files are found by does not.
	shell(t, "cp /share/udf "+file+"; dd if=/dev/zero of="+file+" bs=2048 seek=257 count=400 conv=notrunc status=none")
	attach(t, file)
	b := start(t, "ibmcloud", "")
	if b.err == nil || !strings.Contains(b.box, "mounting /dev/loop") || !strings.Contains(b.box, "make the drive anew") ||
		!strings.Contains(b.log, "tried again after: reading user-data on loop") {
		t.Errorf("got %v, %s\n%s", b.err, b.box, b.log)
	}
}

func TestEmptyDriveSaysSo(t *testing.T) {
	b := start(t, "powervs", "", "--fetch-timeout=12s")
	if b.err == nil || !strings.Contains(b.box, filepath.Base(empty)+" (no medium)") {
		t.Errorf("got %v, %s", b.err, b.box)
	}
}
