// Package crash cuts the power of whole machines during their first boot, with all
// that their disks have in their write caches, and looks whether the next boot makes
// the same machine of them.
package crash

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

//go:embed testdata/machine.ign
var machineConfig string

var (
	cuts       = flag.Int("crash.cuts", 2, "power cuts at random moments")
	seed       = flag.Uint64("crash.seed", 11, "of the random moments")
	boundaries = flag.Bool("crash.boundaries", false, "cut at the beginning and the end of each operation, too")
)

// A cut is when the power is lost: after a line of the agent's log, counted from 1, and
// some time. Lines are where a busy host is as far as an idle one.
type cut struct {
	line  int
	delay time.Duration
}

// A trial is one machine.
type trial struct {
	images *vm.Images
	root   *vm.VolatileDisk
	disk   *vm.VolatileDisk
	random *rand.Rand
}

func newTrial(images *vm.Images, seed uint64) (*trial, error) {
	root, err := vm.OpenVolatileDisk(images.Root)
	return &trial{images, root, vm.NewVolatileDisk(768 << 20), rand.New(rand.NewPCG(seed, 0))}, err
}

// boot boots the machine, until its end or until the cut, and returns the agent's log.
func (m *trial) boot(t *testing.T, at *cut) (res *vm.Result, log []string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := &agentLines{each: func(n int) {
		if at != nil && n == at.line {
			time.AfterFunc(at.delay, cancel)
		}
	}}
	res, err = vm.Start(ctx, vm.Options{Images: m.images, VolatileRoot: m.root, VolatileDisks: []*vm.VolatileDisk{m.disk}, Config: machineConfig,
		Arguments: vm.FirstBoot("qemu") + " systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info",
		Console:   lines.read}, t.TempDir())
	if ctx.Err() != nil {
		m.root.CutPower(m.random)
		m.disk.CutPower(m.random)
		return nil, lines.all(), nil
	}
	return res, lines.all(), err
}

// agentLines are the lines of the agent's log on a console.
type agentLines struct {
	each func(n int)

	mu    sync.Mutex
	rest  []byte
	lines []string
}

var agentLine = regexp.MustCompile(`ignition\[\d+\]: (.*)`)

func (a *agentLines) read(text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rest = append(a.rest, text...)
	for {
		line, rest, ok := bytes.Cut(a.rest, []byte("\n"))
		if !ok {
			return
		}
		a.rest = rest
		if m := agentLine.FindSubmatch(line); m != nil {
			a.lines = append(a.lines, strings.TrimSpace(string(m[1])))
			a.each(len(a.lines))
		}
	}
}

func (a *agentLines) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.lines)
}

func TestMachinesThatLoseTheirPowerBecomeTheSame(t *testing.T) {
	images, err := vm.Build()
	if err != nil {
		t.Fatal(err)
	}
	m, err := newTrial(images, *seed)
	if err != nil {
		t.Fatal(err)
	}
	undisturbed, log, err := m.boot(t, nil)
	if err != nil || undisturbed.Initramfs {
		t.Fatalf("the machine that nothing disturbs does not come up: %v\n%s", err, strings.Join(log, "\n"))
	}
	want := become(undisturbed.Machine)
	var tried, converged, refused, wrong int
	for i, at := range moments(log) {
		name := fmt.Sprintf("%d cut %v after %q", i, at.delay, log[at.line-1])
		t.Run(name, func(t *testing.T) {
			tried++
			switch verdict := try(t, images, *seed+uint64(i)+1, at, want); verdict {
			case "":
				converged++
			default:
				wrong++
				t.Error(verdict)
			}
		})
	}
	t.Logf("tried %d, converged %d, refused with reason %d, wrong %d", tried, converged, refused, wrong)
}

// moments chooses when to cut, of the log of a boot that was not disturbed.
func moments(log []string) (all []cut) {
	random := rand.New(rand.NewPCG(*seed, 1))
	for range *cuts {
		all = append(all, cut{1 + random.IntN(len(log)), time.Duration(random.IntN(1000)) * time.Millisecond})
	}
	for i, line := range log {
		if *boundaries && (strings.Contains(line, "[started]") || strings.Contains(line, "[finished]")) {
			all = append(all, cut{line: i + 1})
		}
	}
	return all
}

// try cuts the power of a new machine, boots it again, and returns what is wrong with
// what it has become.
func try(t *testing.T, images *vm.Images, seed uint64, at cut, want []string) string {
	t.Helper()
	m, err := newTrial(images, seed)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.boot(t, &at); err != nil {
		t.Fatal(err)
	}
	res, log, err := m.boot(t, nil)
	if err != nil {
		return fmt.Sprintf("the next boot: %v", err)
	}
	if res.Initramfs {
		return fmt.Sprintf("the next boot fails:\n%s\nafter\n%s", res.Report, strings.Join(log, "\n"))
	}
	return differences(want, become(res.Machine))
}

// ownOfABoot are paths whose contents each boot has its own of. Those with a dash at the
// end are copies that shadow-utils makes before each change.
var ownOfABoot = []string{"/etc/machine-id", "/etc/.updated", "/etc/.ignition-result.json", "/etc/.provisioning-ledger.json",
	"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// become is what a machine has become, without what is random, in sorted lines.
func become(m *vmreport.Machine) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for name, f := range m.Files {
		text := anyUUID.ReplaceAllString(f.Text, "UUID")
		if slices.Contains(ownOfABoot, name) {
			text = ""
		}
		add("%s: %v, owner %d:%d, %q", name, f.Mode, f.UID, f.GID, text)
	}
	for at, mount := range m.Mounts {
		if strings.HasPrefix(at, "/srv") || strings.HasPrefix(at, "/var/") {
			add("mounted at %s: %s", at, mount.Type)
		}
	}
	for device, table := range m.Disks {
		for _, p := range table.Partitions {
			add("%s: %d+%d %s %s", device, p.Start, p.Size, p.Type, p.Name)
		}
	}
	for device, values := range m.Filesystems {
		add("%s holds %s %q", device, values["TYPE"], values["LABEL"])
	}
	add("enabled: %v", m.Enabled)
	slices.Sort(lines)
	return lines
}

// differences are the lines that one has and the other has not.
func differences(want, got []string) string {
	var b strings.Builder
	has := func(lines []string) map[string]bool {
		set := map[string]bool{}
		for _, l := range lines {
			set[l] = true
		}
		return set
	}
	wanted, found := has(want), has(got)
	for _, l := range slices.Sorted(maps.Keys(wanted)) {
		if !found[l] {
			fmt.Fprintf(&b, "missing: %s\n", l)
		}
	}
	for _, l := range slices.Sorted(maps.Keys(found)) {
		if !wanted[l] {
			fmt.Fprintf(&b, "new:     %s\n", l)
		}
	}
	return b.String()
}
