// Package crash cuts the power of whole machines during their first boot, with all
// that their disks have in their write caches, and looks whether the next boot makes
// the same machine of them.
//
// One first boot runs undisturbed while its writes and flushes are recorded. Of these the
// disks are made as a cut after any of them leaves them, and booted.
package crash

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

//go:embed testdata/machine.ign
var machineConfig string

var (
	cuts       = flag.Int("crash.cuts", 2, "power cuts at random moments")
	inLab      = flag.Int("crash.lab", 4, "more of them, after which the machine boots in the lab")
	seed       = flag.Uint64("crash.seed", 11, "of the random moments")
	boundaries = flag.Bool("crash.boundaries", false, "cut at the end of each operation, too")
)

// A machine is what is booted, and booted again.
type machine struct {
	images     *vm.Images
	root, disk *vm.VolatileDisk
}

func newMachine(images *vm.Images) (machine, error) {
	root, err := vm.OpenVolatileDisk(images.Root)
	return machine{images, root, vm.NewVolatileDisk(768 << 20)}, err
}

// boot boots the machine to its end. If each is not nil it gets the lines of the agent's
// log, which have to go to the console for that: a slow device under emulation.
func (m machine) boot(ctx context.Context, dir string, each func(line string)) (*vm.Result, error) {
	o := vm.Options{Images: m.images, VolatileRoot: m.root, VolatileDisks: []*vm.VolatileDisk{m.disk}, Config: machineConfig, Arguments: vm.FirstBoot("qemu")}
	if each != nil {
		o.Arguments += " systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info systemd.log_level=notice"
		o.Console = (&agentLines{each: each}).read
	}
	return vm.Start(ctx, o, dir)
}

// agentLines finds the lines of the agent's log on a console.
type agentLines struct {
	each func(line string)
	rest []byte
}

var agentLine = regexp.MustCompile(`ignition\[\d+\]: (.*)`)

func (a *agentLines) read(text []byte) {
	a.rest = append(a.rest, text...)
	for {
		line, rest, ok := bytes.Cut(a.rest, []byte("\n"))
		if !ok {
			return
		}
		a.rest = rest
		if m := agentLine.FindSubmatch(line); m != nil {
			a.each(strings.TrimSpace(string(m[1])))
		}
	}
}

// A firstBoot is one that nothing disturbed.
type firstBoot struct {
	err       error
	images    *vm.Images
	recording *vm.Recording
	log       []logLine
	became    []string
}

// A logLine is a line of the agent's log, and how many writes and flushes there were
// before it.
type logLine struct {
	text  string
	steps int
}

// recorded is the first boot of all tests.
var recorded = sync.OnceValue(func() (b firstBoot) {
	dir, err := os.MkdirTemp("", "firstlight-crash-")
	if err != nil {
		return firstBoot{err: err}
	}
	defer os.RemoveAll(dir)
	if b.images, b.err = vm.Build(); b.err != nil {
		return b
	}
	m, err := newMachine(b.images)
	if err != nil {
		return firstBoot{err: err}
	}
	b.recording = vm.Record(m.root, m.disk)
	res, err := m.boot(context.Background(), dir, func(line string) { b.log = append(b.log, logLine{line, b.recording.Steps()}) })
	if err != nil || res.Initramfs {
		return firstBoot{err: fmt.Errorf("the machine that nothing disturbs does not come up: %v\n%v", err, b.log)}
	}
	b.became = become(res.Machine)
	return b
})

// A moment is when the power is lost: after some writes and flushes.
type moment struct {
	steps int
	where string // in the agent's log
}

// provisioned is when the agent has done its last stage, and the boot goes on in the root.
func (b firstBoot) provisioned() (steps int) {
	for _, line := range b.log {
		if strings.HasSuffix(line.text, "umount: Ignition finished successfully") {
			return line.steps
		}
	}
	return 0
}

// moments chooses when to cut, up to a last one. A disk is in another state after each
// write, so random moments are as likely after each of them.
func (b firstBoot) moments(cuts, last int, random *rand.Rand) (all []moment) {
	first := b.log[0].steps
	for range cuts {
		m := moment{steps: first + random.IntN(last-first)}
		for _, line := range b.log {
			if line.steps <= m.steps {
				m.where = fmt.Sprintf("somewhere after %q", line.text)
			}
		}
		all = append(all, m)
	}
	for _, line := range b.log {
		if !*boundaries || line.steps > last {
			break
		}
		if !strings.Contains(line.text, "[finished]") {
			continue
		}
		// Operations that write nothing leave the machine as it was.
		if n := len(all); n > cuts && all[n-1].steps == line.steps {
			all[n-1].where = fmt.Sprintf("at %q", line.text)
			continue
		}
		all = append(all, moment{line.steps, fmt.Sprintf("at %q", line.text)})
	}
	// A run that is interrupted has seen some of all.
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func TestMachinesThatLoseTheirPowerBecomeTheSame(t *testing.T) {
	first := recorded()
	testkit.NoError(t, first.err)
	first.cutAll(t, *cuts, first.recording.Steps(), 0, func(t *testing.T, disks []*vm.VolatileDisk) verdict {
		res, err := machine{first.images, disks[0], disks[1]}.boot(t.Context(), t.TempDir(), nil)
		if err != nil {
			t.Errorf("the next boot: %v", err)
			return wrong
		}
		return judge(t, res.Machine, first.became)
	})
}

// cutAll tries all moments up to a last one.
func (b firstBoot) cutAll(t *testing.T, cuts, last int, stream uint64, again func(*testing.T, []*vm.VolatileDisk) verdict) {
	steps := b.recording.Steps()
	t.Logf("seed %d, %d writes and flushes, %d of them since the agent started", *seed, steps, steps-b.log[0].steps)
	tried, ends := 0, map[verdict]int{}
	for i, at := range b.moments(cuts, last, rand.New(rand.NewPCG(*seed, stream))) {
		t.Run(fmt.Sprintf("%d after step %d", i, at.steps), func(t *testing.T) {
			tried++
			end := again(t, b.recording.CutPower(at.steps, rand.New(rand.NewPCG(*seed, uint64(i)+1))))
			ends[end]++
			t.Logf("%s: the power was cut %s", end, at.where)
		})
	}
	t.Logf("tried %d, converged %d, refused with reason %d, wrong %d", tried, ends[converged], ends[refused], ends[wrong])
}

// A verdict is how the boot after a power cut ends.
type verdict string

const (
	converged verdict = "converged"
	refused   verdict = "refused with reason"
	wrong     verdict = "wrong"
)

// refusals are the reasons that the manual gives for a boot that does not go on after a
// power cut. There are none.
var refusals []string

// judge looks at what a machine has become after a power cut.
func judge(t *testing.T, m *vmreport.Machine, want []string) verdict {
	t.Helper()
	if m.Initramfs && slices.ContainsFunc(refusals, func(reason string) bool { return strings.Contains(m.Report, reason) }) {
		return refused
	}
	if m.Initramfs {
		t.Errorf("the next boot fails:\n%s\n%s", m.Report, vm.Tail(m.Journal, 200))
		return wrong
	}
	if diff := differences(want, become(m)); diff != "" {
		t.Errorf("the machine became another:\n%s\n%s", diff, vm.Tail(m.Journal, 200))
		return wrong
	}
	return converged
}

// ownOfABoot are paths whose contents each boot has its own of. Those with a dash at the
// end are copies that shadow-utils makes before each change.
var ownOfABoot = []string{"/etc/machine-id", "/etc/.updated", "/etc/.ignition-result.json", "/etc/.provisioning-ledger.json",
	"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"}

var anyUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// become is what a machine has become, without what is random, in sorted lines.
func become(m *vmreport.Machine) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for name, f := range m.Lasting() {
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
