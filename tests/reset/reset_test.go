package reset

import (
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var (
	cuts = flag.Int("reset.cuts", 4, "power cuts while the machine is reset, of each kind of mount")
	seed = flag.Uint64("reset.seed", 19, "of their moments")
)

// largeText is a file that takes more than one write.
var largeText = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcdef", 8192)))

// One machine is reset undisturbed, and once more after each of some moments at which a power
// cut has ended that. Where each change of a directory is on the disk at once there is a moment
// for each node that goes.
func TestResetKeepsWhatItShallAndNothingElse(t *testing.T) {
	m := newMachine(t)
	shell(t, "modprobe nbd max_part=0 nbds_max=1; udevadm settle")
	disk := vm.NewVolatileDisk(96 << 20)
	detach, err := disk.Attach(device)
	testkit.NoError(t, err)
	uuid := m.makeRoot(device)
	testkit.NoError(t, detach())
	m.image = filepath.Join(m.dir, "root.img")
	testkit.NoError(t, disk.WriteFile(m.image))
	m.request(newConfig, uuid)
	for _, options := range []string{"defaults", "dirsync"} {
		t.Run(options, func(t *testing.T) { m.in(t).cutPower(t, options) })
	}
}

func (m *machine) cutPower(t *testing.T, options string) {
	disk, err := vm.OpenVolatileDisk(m.image)
	testkit.NoError(t, err)
	recording := vm.Record(disk)
	want := m.volatile(disk, options)
	m.check(want)
	for path, contents := range map[string]string{"/etc/of-the-reset": "new", "/etc/machine-id": machineID + "\n", "/var/lib/app/added": "beside what is kept"} {
		testkit.Equal(t, path, want[path].contents, digest(contents))
	}
	if _, there := want["/etc/of-the-platform"]; there {
		t.Error("the machine has taken the config of its platform")
	}
	if t.Failed() {
		return
	}
	steps := recording.Steps()
	random := rand.New(rand.NewPCG(*seed, 0))
	moments := random.Perm(steps)
	moments = moments[:min(*cuts, steps)]
	for _, at := range moments {
		t.Run(fmt.Sprintf("cut after step %d", at), func(t *testing.T) {
			again := m.in(t)
			got := again.volatile(recording.CutPower(at, rand.New(rand.NewPCG(*seed, uint64(at))))[0], "defaults")
			again.check(got)
			for _, d := range differences(want, got) {
				t.Error(d)
			}
		})
	}
	t.Logf("seed %d: %d power cuts in %d writes and flushes, %d nodes before the reset, %d after it, %d bytes kept", *seed, len(moments), steps, len(m.before), len(want), m.keptBytes())
}

// in is the machine in a part of a test.
func (m *machine) in(t testing.TB) *machine {
	again := *m
	again.t = t
	return &again
}

// check looks for bytes that are lost, and for others that are left.
func (m *machine) check(after map[string]node) {
	m.t.Helper()
	for _, l := range lost(m.before, after) {
		m.t.Errorf("lost: %s", l)
	}
	for _, l := range left(m.before, after) {
		m.t.Errorf("left: %s", l)
	}
}
