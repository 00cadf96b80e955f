package uefi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

// credential is the mark of a first boot, on the ESP.
const credential = "loader/credentials/ignition.firstboot.cred"

// config has the machine end its first boot before it reports. It may have more units and
// members.
func config(units, members string) string {
	return `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/done", "contents": {"source": "data:,done"}}]},
		"systemd": {"units": [{"name": "ignition-firstboot-end.service", "enabled": true},
			{"name": "report.service", "dropins": [{"name": "end.conf", "contents": "[Unit]\nAfter=ignition-firstboot-end.service\n"}]}` + units + `]}` + members + `}`
}

// ran are the stages that ran, in order.
func ran(t *testing.T, m *vmreport.Machine) (names []string) {
	t.Helper()
	for line := range strings.Lines(m.Stages) {
		var s report.Stage
		testkit.NoError(t, json.Unmarshal([]byte(line), &s))
		names = append(names, s.Stage)
	}
	return names
}

var allStages = []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"}

// unified makes a machine with a unified kernel image, whose first boot is by a
// credential. Others are files of the ESP besides.
func unified(t *testing.T, others ...map[string]string) vm.Options {
	t.Helper()
	p := built()
	testkit.NoError(t, p.err)
	const s = settings("FIRST_BOOT=credential\nKARGS_HELPER=firstlight-kargs\n")
	image := filepath.Join(t.TempDir(), "debian.efi")
	testkit.NoError(t, vm.UnifiedImage(image, p.kernel, s.initramfs(t, p), vm.KernelArguments("ignition.platform.id=qemu")))
	files := map[string]string{"EFI/Linux/debian.efi": image, credential: "1\n"}
	for _, more := range others {
		maps.Copy(files, more)
	}
	o := newMachine(t, p, s, files)
	o.Config = config("", "")
	return o
}

// sealedOnESP encrypts credentials for the ESP, as systemd-stub hands on what anybody may
// have put there. They are by their names.
func sealedOnESP(t *testing.T, credentials map[string]string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, text := range credentials {
		plain, sealed := filepath.Join(t.TempDir(), name), filepath.Join(t.TempDir(), name)
		testkit.WriteFile(t, plain, text)
		run(t, "systemd-creds", "encrypt", "--with-key=tpm2-absent", "--name="+name, plain, sealed)
		files["loader/credentials/"+name+".cred"] = sealed
	}
	return files
}

// secretConfig is config with secrets: a file that is encrypted to an identity, and one that
// is a credential.
func secretConfig(t *testing.T, to *age.X25519Identity) string {
	t.Helper()
	var encrypted bytes.Buffer
	w, err := age.Encrypt(&encrypted, to.Recipient())
	testkit.NoError(t, err)
	_, err = io.WriteString(w, "by age\n")
	testkit.NoError(t, errors.Join(err, w.Close()))
	files := fmt.Sprintf(`, {"path": "/etc/by-age", "mode": 384, "contents": {"source": %q}}, {"path": "/etc/by-name", "mode": 384, "contents": {"source": "credential:web.key"}}]`,
		"age:data:;base64,"+base64.StdEncoding.EncodeToString(encrypted.Bytes()))
	text := strings.Replace(config("", ""), `"3.4.0"`, `"3.6.0+firstlight.1"`, 1)
	return strings.Replace(text, "]", files, 1)
}

// ownOfABoot are files whose contents each boot has its own of.
var ownOfABoot = []string{"/etc/machine-id", "/etc/.ignition-result.json", "/etc/.provisioning-ledger.json"}

// become is what a machine has become, by its files.
func become(m *vmreport.Machine) (lines []string) {
	for name, f := range m.Lasting() {
		if slices.Contains(ownOfABoot, name) {
			f.Text = ""
		}
		lines = append(lines, fmt.Sprintf("%s: %v, owner %d:%d, %q", name, f.Mode, f.UID, f.GID, f.Text))
	}
	slices.Sort(lines)
	return lines
}

// One first boot is recorded, with secrets by credentials of the ESP. The second one is of the disk that it has left, the others of
// what a power cut leaves of it around the removal of the mark: while the firmware finds
// the mark that is a first boot, and else the machine is provisioned. Only some are
// booted.
func TestUnifiedImageIsProvisionedOnceByACredential(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	testkit.NoError(t, err)
	o := unified(t, sealedOnESP(t, map[string]string{"firstlight.age": identity.String() + "\n", "web.key": "by name\n"}))
	o.Config = secretConfig(t, identity)
	disk, err := vm.OpenVolatileDisk(o.Root)
	testkit.NoError(t, err)
	recording := vm.Record(disk)
	o.VolatileRoot = disk
	first := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, first.Machine), allStages)
	testkit.Equal(t, "file", first.Files["/etc/done"].Text, "done")
	for name, want := range map[string]string{"/etc/by-age": "by age\n", "/etc/by-name": "by name\n"} {
		testkit.Equal(t, name, fmt.Sprintf("%o %s", first.Files[name].Mode, first.Files[name].Text), "600 "+want)
	}
	if isMarked(t, imageOf(t, disk)) {
		t.Error("the first boot has not ended")
	}
	if t.Failed() {
		return
	}
	steps, want := recording.Steps(), become(first.Machine)
	t.Run("SecondBoot", func(t *testing.T) { nextBoot(t, o, disk, nil, want) })
	random := rand.New(rand.NewPCG(*seed, 0))
	from, to := around(recording.Writes(disk, espStart, espStart+espSize), steps)
	t.Logf("seed %d; of %d writes and flushes those from %d to %d are tried", *seed, steps, from, to)
	ends := map[end]int{}
	for i := range *cuts * looksPerBoot {
		at := from + random.IntN(to-from+1)
		t.Run(fmt.Sprintf("PowerCut%dAfterStep%d", i, at), func(t *testing.T) {
			disk := recording.CutPower(at, rand.New(rand.NewPCG(*seed, uint64(i)+1)))[0]
			var stages []string
			file := imageOf(t, disk)
			isSound(t, file)
			marked := isMarked(t, file)
			if marked {
				stages = allStages
			} else {
				isProvisioned(t, file)
			}
			booted := i%looksPerBoot == 0
			if booted {
				nextBoot(t, o, disk, stages, want)
			}
			if !t.Failed() {
				ends[end{marked, booted}]++
			}
		})
	}
	for _, booted := range []bool{true, false} {
		t.Logf("disks after power cuts, booted %t: %d make another first boot, %d are provisioned", booted, ends[end{true, booted}], ends[end{false, booted}])
	}
}

// An end is what a power cut has left: another first boot, or a machine that is
// provisioned. What is wrong has none.
type end struct{ marked, booted bool }

// looksPerBoot is how many disks are looked at for each that is booted, which takes
// minutes.
const looksPerBoot = 10

// around are the first and the last of some steps, with a few of what is written to the
// root before and after, but none behind the end.
func around(steps []int, end int) (from, to int) {
	const more = 4
	steps = slices.DeleteFunc(steps, func(step int) bool { return step >= end })
	return max(steps[0]-more, 0), min(steps[len(steps)-1]+more, end)
}

// nextBoot boots a disk. These stages run, and the machine is the same as another one.
func nextBoot(t *testing.T, o vm.Options, disk *vm.VolatileDisk, stages, want []string) {
	t.Helper()
	o.VolatileRoot = disk
	res := vm.Boot(t, o)
	testkit.Equal(t, "stages", ran(t, res.Machine), stages)
	testkit.Equal(t, "what the machine has become", become(res.Machine), want)
	if isMarked(t, imageOf(t, disk)) {
		t.Error("the first boot has not ended")
	}
}

// imageOf makes a file of a disk.
func imageOf(t *testing.T, disk *vm.VolatileDisk) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.img")
	testkit.NoError(t, disk.WriteFile(file))
	return file
}

// isMarked reports whether the ESP of a disk has the mark.
func isMarked(t *testing.T, file string) bool {
	t.Helper()
	_, err := onESP(t, file, credential)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("neither marked nor unmarked: %v", err)
	}
	return err == nil
}

// isProvisioned looks at the root filesystem of a disk, as the kernel does after a power cut.
func isProvisioned(t *testing.T, file string) {
	t.Helper()
	root := partition(t, file, rootStart, rootSize)
	// It exits with 1 where it has replayed the journal.
	out, err := exec.Command("e2fsck", "-p", root).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Errorf("the root filesystem: %v\n%s", err, out)
	}
	for name, want := range map[string]string{"/etc/done": "done", "/etc/.ignition-result.json": "provisioningBootID"} {
		if got := run(t, "debugfs", "-R", "cat "+name, root); !strings.Contains(got, want) {
			t.Errorf("the mark of the first boot has gone before the machine was provisioned: %s has %q", name, got)
		}
	}
}
