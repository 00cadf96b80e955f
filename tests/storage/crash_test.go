package storage

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The disks stage is killed after each of its steps and at random moments when
// there is time (make soak); otherwise after some of them.
var (
	every  = flag.Int("storage.every", 3, "kill after each so manyth step")
	rounds = flag.Int("storage.kills", 0, "kills at random moments")
)

// disks are given to go on with what a machine has left that lost its power.
var disks = flag.String("storage.disks", "", "two disks, with a comma between, instead of empty ones")

// everything has partitions, an array, an encrypted volume whose key nobody
// knows yet, and five filesystems.
func everything(one, two string) string {
	return fmt.Sprintf(`{"ignition": {"version": "3.5.0"}, "storage": {
	"disks": [
		{"device": %q, "wipeTable": true, "partitions": [
			{"label": "esp", "sizeMiB": 40, "number": 1, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},
			{"label": "mirror-1", "sizeMiB": 128}, {"label": "swap", "sizeMiB": 32}]},
		{"device": %q, "wipeTable": true, "partitions": [
			{"label": "mirror-2", "sizeMiB": 128}, {"label": "vault", "sizeMiB": 64}, {"label": "scratch"}]}],
	"raid": [{"name": "mirror", "level": "raid1", "devices": ["/dev/disk/by-partlabel/mirror-1", "/dev/disk/by-partlabel/mirror-2"], "options": ["--assume-clean"]}],
	"luks": [
		{"name": "secret", "device": "/dev/md/mirror", "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]},
		{"name": "vault", "device": "/dev/disk/by-partlabel/vault", "keyFile": {"source": "data:,open%%20sesame"}, "options": ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]}],
	"filesystems": [
		{"device": "/dev/disk/by-partlabel/esp", "format": "vfat", "label": "ESP", "path": "/boot/efi"},
		{"device": "/dev/disk/by-partlabel/swap", "format": "swap", "label": "swap"},
		{"device": "/dev/disk/by-id/dm-name-secret", "format": "ext4", "label": "secret", "path": "/var/secret"},
		{"device": "/dev/mapper/vault", "format": "ext4", "label": "vault", "path": "/var/vault"},
		{"device": "/dev/disk/by-partlabel/scratch", "format": "btrfs", "label": "scratch", "path": "/var"}]}}`, one, two)
}

// fingerprint is what other programs say of the two disks, without what is random.
func fingerprint(t testing.TB, one, two string) string {
	t.Helper()
	var b strings.Builder
	for _, disk := range []string{one, two} {
		table := tableOf(t, disk)
		for _, p := range table.Partitions {
			fmt.Fprintf(&b, "%d+%d %s %s\n", p.Start, p.Size, p.Type, p.Name)
		}
	}
	shown := shell(t, `mdadm --detail /dev/md/mirror | grep -E 'Version|Level|Array Size|Devices :|State :' | sed 's/active/clean/'
		mdadm --detail /dev/md/mirror | grep -c 'active sync'
		for dev in /dev/md/mirror /dev/disk/by-partlabel/vault; do
			cryptsetup isLuks --type luks2 $dev
			cryptsetup luksDump $dev | grep -E '^Label|^Subsystem|^  [0-9]+: (luks2|clevis)|^Tokens'
		done
		for name in secret vault; do cryptsetup status $name | grep -E 'type|cipher|keysize'; done`)
	b.WriteString(shown + "\n")
	for _, dev := range []string{"disk/by-partlabel/esp", "disk/by-partlabel/swap", "mapper/secret", "mapper/vault", "disk/by-partlabel/scratch"} {
		fmt.Fprintf(&b, "%s %s %s\n", dev, blkid(t, "/dev/"+dev, "TYPE"), blkid(t, "/dev/"+dev, "LABEL"))
	}
	shell(t, "e2fsck -fn /dev/mapper/secret; e2fsck -fn /dev/mapper/vault; fsck.fat -n /dev/disk/by-partlabel/esp; btrfs check /dev/disk/by-partlabel/scratch")
	return b.String()
}

// kill runs a stage in a process group of its own and kills all of it, helper
// programs included, when enough says so. It returns how many steps the log had
// shown by then.
func (b *boot) kill(stage string, enough func(steps int) bool) (steps int) {
	b.t.Helper()
	cmd := b.command(stage)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for open := true; open; {
		select {
		case line, more := <-lines:
			open = more
			if isStep(line) {
				steps++
			}
		case <-tick.C:
		}
		if open && enough(steps) {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			enough = func(int) bool { return false }
		}
	}
	cmd.Wait()
	return steps
}

// isStep reports whether a line of the log is the end of an operation, after which the next
// one begins.
func isStep(line string) bool { return strings.Contains(line, "[finished]") }

// reboot loses what a machine loses when its power fails: /run, arrays and
// mappings. Pages that were not written stay, which a machine does not grant.
func (b *boot) reboot(config string, disks ...string) *boot {
	b.t.Helper()
	for _, disk := range disks {
		tearDown(b.t, disk)
	}
	return newBoot(b.t, config)
}

// TestEverythingIsMade shows the log as it comes, for those who cut the power at
// some line of it, and what the machine has become.
func TestEverythingIsMade(t *testing.T) {
	var one, two string
	if *disks != "" {
		one, two, _ = strings.Cut(*disks, ",")
	} else {
		one, two = newDisk(t, 512), newDisk(t, 512)
	}
	cmd := newBoot(t, everything(one, two)).command("disks")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(fingerprint(t, one, two)) {
		fmt.Print("machine: ", line)
	}
}

func TestKilledAnywhereTheNextRunMakesTheSameMachine(t *testing.T) {
	killAnywhere(t, *every, func(t testing.TB) (one, two, config string) {
		one, two = newDisk(t, 512), newDisk(t, 512)
		return one, two, everything(one, two)
	})
}

// Disks that were empty are not, after some steps.
func TestChosenDisksAreTheSameForTheNextRunWhereverOneWasKilled(t *testing.T) {
	one, two := resolved(t, "/dev/disk/by-id/virtio-disk1"), resolved(t, "/dev/disk/by-id/virtio-disk2")
	const names = `"firstlight": {"disks": [
		{"as": "one", "match": {"empty": true, "size": "> 100MB"}, "pick": "smallest"},
		{"as": "two", "match": {"empty": true, "size": "> 100MB"}, "pick": "largest"}]}, "storage"`
	config := strings.NewReplacer(`"3.5.0"`, `"3.6.0+firstlight.1"`, `"storage"`, names).Replace(everything("/dev/firstlight/one", "/dev/firstlight/two"))
	killAnywhere(t, 2**every, func(t testing.TB) (string, string, string) {
		empty(t, one, two)
		shell(t, "rm -rf /dev/firstlight")
		return one, two, config
	})
}

// empty takes away all that is on disks. Udev may assemble an array again from the members
// of the one that was just stopped.
func empty(t testing.TB, disks ...string) {
	t.Helper()
	for range 300 {
		done := true
		for _, disk := range disks {
			tearDown(t, disk)
			_, err := try("blkdiscard", "-z", disk)
			done = done && err == nil
		}
		if done {
			shell(t, "udevadm settle; for d in "+strings.Join(disks, " ")+"; do blockdev --rereadpt $d; done; udevadm settle")
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("the disks are still in use:\n%s", run(t, "lsblk"))
}

// resolved is the node of a device.
func resolved(t testing.TB, path string) string {
	t.Helper()
	node, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// killAnywhere kills the disks stage after each so manyth step. The machine has two disks.
func killAnywhere(t *testing.T, every int, machine func(t testing.TB) (one, two, config string)) {
	var want string
	var steps int
	var took time.Duration
	t.Run("undisturbed", func(t *testing.T) {
		one, two, config := machine(t)
		b := newBoot(t, config)
		started := time.Now()
		log := b.must("disks")
		took = time.Since(started)
		for line := range strings.Lines(log) {
			if isStep(line) {
				steps++
			}
		}
		want = fingerprint(t, one, two)
		t.Logf("%d steps in %v:\n%s", steps, took, want)
		b.must("mount")
		b.must("umount")
	})
	if steps < 10 {
		t.Fatalf("only %d steps", steps)
	}
	kills := map[string]func(int) bool{}
	var names []string
	for i := 1; i < steps; i += every {
		name := fmt.Sprintf("after step %d", i)
		names = append(names, name)
		kills[name] = func(n int) bool { return n >= i }
	}
	for range *rounds {
		after := rand.N(took)
		name := fmt.Sprintf("after %v", after)
		names = append(names, name)
		var begun time.Time
		kills[name] = func(int) bool {
			if begun.IsZero() {
				begun = time.Now()
			}
			return time.Since(begun) > after
		}
	}
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			one, two, config := machine(t)
			b := newBoot(t, config)
			seen := b.kill("disks", kills[name])
			if i%2 == 0 {
				b = b.reboot(config, one, two)
			} else {
				b = newBoot(t, config)
			}
			if o := b.stage("disks"); o.err != nil {
				t.Fatalf("killed after %d steps, the next run ends with %v:\n%s\n%s", seen, o.err, o.box, o.log)
			}
			if got := fingerprint(t, one, two); got != want {
				t.Errorf("killed after %d steps, the next run makes\n%s\ninstead of\n%s", seen, got, want)
			}
			b.must("mount")
			b.must("umount")
		})
	}
}
