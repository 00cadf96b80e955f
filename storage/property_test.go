package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Random tables meet random configs. A case is made from its seed alone; that
// of a failure is printed, and "-storage.seed=N -storage.cases=1" repeats it.
var (
	firstSeed = flag.Int64("storage.seed", 1, "the seed of the first random case")
	cases     = flag.Int("storage.cases", 3000, "how many random cases")
)

// A randomCase is a disk and what a config wants of it.
type randomCase struct {
	disk  testDisk
	wipe  bool
	specs []testSpec
}

func (c randomCase) config(device string) (*config.Config, error) {
	specs := c.specs
	if specs == nil {
		specs = []testSpec{}
	}
	parts, err := json.Marshal(specs)
	if err != nil {
		return nil, err
	}
	cfg, _, err := config.Parse(fmt.Appendf(nil, `{"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": %q, "wipeTable": %t, "partitions": %s}]}}`,
		device, c.wipe, parts), "config")
	return cfg, err
}

func (c randomCase) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "before: %v\nconfig: wipeTable %t", c.disk, c.wipe)
	for _, w := range c.specs {
		fmt.Fprintf(&b, "\n    %v", w)
	}
	e := expect(c.disk, c.wipe, c.specs)
	if e.refused != "" {
		return fmt.Sprintf("%s\nexpected: refused, %s", b.String(), e.refused)
	}
	return fmt.Sprintf("%s\nexpected: %v", b.String(), e.disk)
}

func TestRandomTablesAndConfigs(t *testing.T) {
	rigs := make([]*caseRunner, 2*runtime.GOMAXPROCS(0))
	for i := range rigs {
		rigs[i] = newCaseRunner(t)
	}
	errs := each(context.Background(), len(rigs), func(_ context.Context, i int) error {
		for n := i; n < *cases; n += len(rigs) {
			if err := rigs[i].trySeed(*firstSeed+int64(n), n%50 == 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range rigs {
		for outcome, n := range r.counts {
			counts[outcome] += n
		}
	}
	t.Logf("%d cases: %v", *cases, counts)
	for _, outcome := range []string{"refused", "idle", "changed", "wiped"} {
		if *cases >= 1000 && counts[outcome] < *cases/20 {
			t.Errorf("only %d of %d cases were %s: the generator has lost its balance", counts[outcome], *cases, outcome)
		}
	}
}

// trySeed makes the case of a seed. If it fails, a small one like it is printed.
func (r *caseRunner) trySeed(seed int64, judge bool) error {
	c := generate(rand.New(rand.NewSource(seed)))
	outcome, err := r.try(c, judge)
	if err == nil {
		r.counts[outcome]++
		return nil
	}
	c = r.shrink(c)
	_, smallest := r.try(c, judge)
	return fmt.Errorf("seed %d (-storage.seed=%d -storage.cases=1): %w\nthe smallest case like it: %v\n%v\nplan: %s\nafter: %s",
		seed, seed, err, smallest, c, r.plan, r.after())
}

// The machinery above has to be able to fail.
func TestWrongOutcomesOfRandomCasesAreNoticed(t *testing.T) {
	number, size := 1, 3
	c := randomCase{disk: testDisk{Sector: 512, Sectors: 32768, Slots: 128, First: 34, GUID: guidOf(1),
		Entries: []testEntry{{Number: 4, Start: 2048, Size: 2048, Type: linuxData, GUID: guidOf(2), Name: "kept", Attributes: 1}}},
		specs: []testSpec{{Number: &number, SizeMiB: &size}}}
	for name, spoil := range map[string]func(f *errWriter){
		"a byte of a partition":   func(f *errWriter) { f.at(2048*512+1, []byte{1, 2, 3}) },
		"a byte behind them":      func(f *errWriter) { f.at(30000*512, []byte{1}) },
		"the backup":              func(f *errWriter) { f.at(32767*512+60, []byte{1}) },
		"the protective MBR":      func(f *errWriter) { f.at(510, []byte{0}) },
		"an attribute, correctly": func(f *errWriter) { d := c.disk; d.Entries[0].Attributes = 2; d.writeTable(f) },
		"nothing done, correctly": func(f *errWriter) { c.disk.writeTable(f) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newCaseRunner(t)
			c.disk.Entries = []testEntry{c.disk.Entries[0]}
			c.disk.Entries[0].Attributes = 1
			r.spoil = func() error { w := &errWriter{f: r.file}; spoil(w); return w.err }
			if outcome, err := r.try(c, false); err == nil {
				t.Errorf("%s", outcome)
			}
			r.spoil = nil
			if outcome, err := r.try(c, true); err != nil || outcome != "changed" {
				t.Errorf("%s, %v", outcome, err)
			}
		})
	}
}

// A caseRunner runs cases, one after the other on the same file.
type caseRunner struct {
	*testMachine
	file   *os.File
	plan   string       // of the last case
	disk   testDisk     // of the last case
	spoil  func() error // called after the plan was carried out
	counts map[string]int
}

func newCaseRunner(t *testing.T) *caseRunner {
	t.Helper()
	r := &caseRunner{testMachine: newTestMachine(t), counts: map[string]int{}}
	r.m.Log = nil
	// In memory where that is possible: all that is written is synced.
	var err error
	if r.file, err = os.CreateTemp("/dev/shm", "storage-*.img"); err != nil {
		r.file, err = os.Create(r.path("random.img"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.file.Close()
		os.Remove(r.file.Name())
	})
	return r
}

// after is the table on the disk now.
func (r *caseRunner) after() string {
	d, err := readDisk(r.file, r.disk.Sector, r.disk.Sectors)
	if err != nil {
		return err.Error()
	}
	return d.String()
}

// try runs a case and checks all that can be said about it.
func (r *caseRunner) try(c randomCase, judge bool) (outcome string, err error) {
	r.plan, r.disk = "", c.disk
	before, err := r.prepare(c.disk)
	if err != nil {
		return "", err
	}
	cfg, err := c.config(r.file.Name())
	if err != nil {
		return "", fmt.Errorf("the generator made an invalid config: %w", err)
	}
	want := expect(c.disk, c.wipe, c.specs)
	refusal := r.carryOut(c, cfg)
	if r.spoil != nil {
		if err := r.spoil(); err != nil {
			return "", err
		}
	}
	after, err := readPages(r.file)
	if err != nil {
		return "", err
	}
	if at := before.differs(after, 0, c.disk.Sectors*c.disk.Sector); at >= 0 && (refusal != nil || want.idle) {
		return "", fmt.Errorf("nothing was to be done, but the page at %d was written to (%v)", at, refusal)
	}
	switch {
	case want.refused != "" && errors.Is(refusal, report.ErrConfig):
		return "refused", nil
	case want.refused != "" || refusal != nil:
		return "", fmt.Errorf("expected refusal: %q, got %w", want.refused, refusal)
	case want.idle != (r.plan == ""):
		return "", fmt.Errorf("is there nothing to do? expected %t, the plan is %q", want.idle, r.plan)
	case want.idle:
		return "idle", nil
	}
	if err := c.checkBytes(want, before, after); err != nil {
		return "", err
	}
	return r.checkResult(c, cfg, want, judge)
}

func (r *caseRunner) prepare(d testDisk) (pages, error) {
	if err := d.write(r.file); err != nil {
		return nil, err
	}
	return readPages(r.file)
}

// carryOut plans and does it. The error is that of planning.
func (r *caseRunner) carryOut(c randomCase, cfg *config.Config) error {
	r.m.Sector = int(c.disk.Sector)
	plan, err := r.m.PlanDisks(context.Background(), cfg)
	if err != nil {
		return err
	}
	for _, o := range plan {
		r.plan += o.Name
		if err := o.Do(context.Background()); err != nil {
			return fmt.Errorf("carrying out %s: %v", o.Name, err)
		}
	}
	return nil
}

// checkBytes checks that only tables were written to, or what is to be wiped.
func (c randomCase) checkBytes(want expectation, before, after pages) error {
	d := c.disk
	from, to := (2+128*128/d.Sector)*d.Sector, (d.Sectors-128*128/d.Sector-1)*d.Sector
	if !d.Blank {
		from, to = max(from, (2+d.arraySectors())*d.Sector), min(to, (d.last()+1)*d.Sector)
	}
	if want.wiped {
		from, to = max(from, 1<<20), min(to, d.Sectors*d.Sector-1<<20)
	}
	untouched := [][2]uint64{{from, to}}
	if want.wiped && d.GrownFrom > 0 { // the old backup, in the middle, is wiped too
		start, end := (d.GrownFrom-d.arraySectors()-1)*d.Sector, d.GrownFrom*d.Sector
		untouched = [][2]uint64{{from, min(to, start)}, {max(from, end), to}}
		if header := after[int64(end-d.Sector)&^4095]; bytes.Contains(header[:], []byte("EFI PART")) {
			return fmt.Errorf("the old backup in sector %d is still there", d.GrownFrom-1)
		}
	}
	for _, part := range untouched {
		if at := before.differs(after, part[0], part[1]); at >= 0 {
			return fmt.Errorf("the page at byte %d was written to", at)
		}
	}
	return nil
}

func (r *caseRunner) checkResult(c randomCase, cfg *config.Config, want expectation, judge bool) (string, error) {
	got, err := readDisk(r.file, c.disk.Sector, c.disk.Sectors)
	if err != nil {
		return "", fmt.Errorf("the new table: %w", err)
	}
	if !want.describes(got) {
		return "", fmt.Errorf("the table is not as expected: %v", got)
	}
	if keeps := !want.wiped && !c.disk.Blank; keeps && got.GUID != c.disk.GUID {
		return "", fmt.Errorf("the disk's GUID was %s and is %s", c.disk.GUID, got.GUID)
	}
	if err := checkRandom(c.disk, got, want); err != nil {
		return "", err
	}
	if judge && c.disk.Sector == 512 && !got.Blank {
		if out, err := exec.Command("sgdisk", "-v", r.file.Name()).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("No problems found")) {
			return "", fmt.Errorf("sgdisk -v: %v\n%s", err, out)
		}
	}
	first := r.plan
	r.plan = ""
	if err := r.carryOut(c, cfg); err != nil || r.plan != "" {
		return "", fmt.Errorf("the second run is not idle: %w, plan %q", err, r.plan)
	}
	r.plan = first
	if want.wiped {
		return "wiped", nil
	}
	return "changed", nil
}

// checkRandom checks that GUIDs for which the config has none are new. Those of
// the config are its own matter, as in the reference, even if they are not unique.
func checkRandom(before, got testDisk, want expectation) error {
	seen := map[string]bool{"00000000-0000-0000-0000-000000000000": true}
	for _, e := range before.Entries {
		seen[e.GUID] = true
	}
	for _, e := range got.Entries {
		if want.made[e.Number] && seen[e.GUID] {
			return fmt.Errorf("the GUID of the new partition %d is not new: %s", e.Number, e.GUID)
		}
		seen[e.GUID] = true
	}
	return nil
}

// shrink leaves out of a failing case what can be left out.
func (r *caseRunner) shrink(c randomCase) randomCase {
	fails := func(c randomCase) bool {
		if _, err := c.config("/dev/x"); err != nil {
			return false
		}
		_, err := r.try(c, false)
		return err != nil
	}
	for again := true; again; {
		again = false
		for _, smaller := range c.smaller() {
			if fails(smaller) {
				c, again = smaller, true
				break
			}
		}
	}
	return c
}

// smaller are the cases that have one thing less.
func (c randomCase) smaller() []randomCase {
	var all []randomCase
	for i := range c.specs {
		less := c
		less.specs = slices.Delete(slices.Clone(c.specs), i, i+1)
		all = append(all, less)
	}
	for i := range c.disk.Entries {
		less := c
		less.disk.Entries = slices.Delete(slices.Clone(c.disk.Entries), i, i+1)
		all = append(all, less)
	}
	for i, w := range c.specs {
		for _, drop := range []func(*testSpec){
			func(w *testSpec) { w.Label = nil }, func(w *testSpec) { w.GUID = nil }, func(w *testSpec) { w.TypeGUID = nil },
			func(w *testSpec) { w.StartMiB = nil }, func(w *testSpec) { w.SizeMiB = nil },
			func(w *testSpec) { w.Resize = nil }, func(w *testSpec) { w.WipeEntry = nil },
		} {
			less, changed := c, w
			drop(&changed)
			less.specs = slices.Clone(c.specs)
			less.specs[i] = changed
			if changed != w {
				all = append(all, less)
			}
		}
	}
	return all
}
