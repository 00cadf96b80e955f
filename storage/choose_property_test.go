package storage

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// Random machines meet random configs that choose disks by what they are.
var (
	machines = flag.Int("storage.machines", 300, "how many random machines")
	orders   = flag.Int("storage.orders", 5, "in how many orders the disks of each are")
)

func pick[T any](r *rand.Rand, all ...T) T { return all[r.Intn(len(all))] }

// randomDisks are those of a machine. Each has a number of its own as its GUID, by which
// the test knows it again, and which nothing chooses by.
func randomDisks(r *rand.Rand) []InventoryDevice {
	all := make([]InventoryDevice, 1+r.Intn(10))
	for i := range all {
		d := &all[i]
		d.Size, d.Sector, d.Mapping = pick[uint64](r, 100, 200, 300)<<20, 512, ""
		d.Disk = &plan.DiskIdentity{Transport: pick(r, "nvme", "sata", "usb"), Model: pick(r, "Fast", "Large", ""), Rotational: r.Intn(2) == 0, Removable: r.Intn(4) == 0}
		if r.Intn(5) > 0 {
			d.Disk.Serial = fmt.Sprint("S", i)
		}
		if r.Intn(3) == 0 {
			d.Disk.WWN = fmt.Sprint("0x5000", i)
		}
		switch r.Intn(8) {
		case 0:
			d.Disk.Root = "mounted at /sysroot"
		case 1:
			d.Disk.Excluded = "it is read-only"
		}
		d.GUID = fmt.Sprint(i)
		if r.Intn(2) == 0 {
			label := pick(r, "data", "old")
			d.Holds = []InventorySignature{{Type: "ext4", Label: label}}
		}
	}
	return all
}

// randomMatch looks for some properties.
func randomMatch(r *rand.Rand) map[string]any {
	m := map[string]any{}
	for name, value := range map[string]any{
		"transport": pick(r, "nvme", "sata", "usb"), "model": pick(r, "F*", "Large"), "size": pick(r, ">= 200MiB", "100MiB-200MiB", "< 300MiB"), "rotational": r.Intn(2) == 0,
		"removable": false, "empty": r.Intn(3) > 0, "holds": "data", "serial": fmt.Sprint("S", r.Intn(10)),
	} {
		if r.Intn(6) == 0 {
			m[name] = value
		}
	}
	if len(m) == 0 {
		m["removable"] = false
	}
	if r.Intn(5) == 0 {
		m["root"] = true
	}
	return m
}

// randomChoices is a config with some names, and something to write on each.
func randomChoices(r *rand.Rand) (*config.Config, error) {
	var names, disks []map[string]any
	for _, as := range []string{"a", "b", "c"}[:1+r.Intn(2)] {
		how := pick(r, "only", "smallest", "largest", "all")
		device := config.ChosenPrefix + as
		if how == "all" {
			device += "1"
		}
		names = append(names, map[string]any{"as": as, "match": randomMatch(r), "pick": how})
		disks = append(disks, map[string]any{"device": device, "wipeTable": true, "partitions": []map[string]any{{"label": "new-" + as}}})
	}
	text, err := json.Marshal(map[string]any{"ignition": map[string]any{"version": "3.6.0+firstlight.1"}, "firstlight": map[string]any{"disks": names}, "storage": map[string]any{"disks": disks}})
	if err != nil {
		return nil, err
	}
	cfg, _, err := config.Parse(text, "config")
	return cfg, err
}

// inOrder gives the disks of a machine other places, and the names that the kernel would
// have for them.
func inOrder(r *rand.Rand, disks []InventoryDevice) []InventoryDevice {
	all := slices.Clone(disks)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i := range all {
		all[i].Node = fmt.Sprintf("/dev/sd%c", 'a'+i)
	}
	return all
}

// An outcome is what a plan does, by the numbers of disks.
type outcome struct {
	chosen  map[string]string // by names
	written []string
	refused bool
}

func outcomeOf(cfg *config.Config, disks []InventoryDevice) (outcome, error) {
	number := map[string]string{}
	for _, d := range disks {
		number[d.Node] = d.GUID
	}
	m := &Machine{Log: report.NewWriterLogger(io.Discard)}
	previews, operations, err := m.PreviewInventory(context.Background(), cfg, disks)
	o := outcome{chosen: map[string]string{}, refused: err != nil}
	for _, op := range operations {
		var name, node string
		if n, _ := fmt.Sscanf(op.Name, "disk %q is %s", &name, &node); n == 2 {
			o.chosen[name] = number[node]
		}
	}
	for _, p := range previews {
		if p.After != nil && len(p.After.Partitions) > 0 {
			o.written = append(o.written, number[p.Node])
		}
	}
	slices.Sort(o.written)
	for _, w := range o.written {
		if !slices.Contains(slices.Collect(maps.Values(o.chosen)), w) {
			return o, fmt.Errorf("disk %s is written to, which the plan does not name: %v", w, o)
		}
	}
	return o, nil
}

func (o outcome) equals(other outcome) bool {
	return maps.Equal(o.chosen, other.chosen) && slices.Equal(o.written, other.written) && o.refused == other.refused
}

// judge checks a choice by rules of its own.
func judge(cfg *config.Config, disks []InventoryDevice, o outcome) error {
	for name, number := range o.chosen {
		i := slices.IndexFunc(disks, func(d InventoryDevice) bool { return d.GUID == number })
		c := cfg.Firstlight.Disks[slices.IndexFunc(cfg.Firstlight.Disks, func(c config.ChosenDisk) bool { return strings.HasPrefix(name, c.As) })]
		d, m := disks[i], c.Match
		same := 0 // that could have been taken as well
		fits := func(d InventoryDevice) bool {
			bit := func(want *bool, have bool) bool { return want == nil || *want == have }
			text := func(want *string, have string) bool {
				return want == nil || strings.TrimSuffix(*want, "*") == have[:min(len(have), len(strings.TrimSuffix(*want, "*")))]
			}
			size := map[string][2]uint64{"": {0, 1 << 40}, ">= 200MiB": {200 << 20, 1 << 40}, "100MiB-200MiB": {100 << 20, 200 << 20}, "< 300MiB": {0, 300<<20 - 1}}[config.ValueOr(m.Size, "")]
			return bit(m.Rotational, d.Disk.Rotational) && bit(m.Removable, d.Disk.Removable) && bit(m.Empty, len(d.Holds) == 0) && text(m.Serial, d.Disk.Serial) && text(m.Model, d.Disk.Model) && text(m.Transport, d.Disk.Transport) &&
				d.Size >= size[0] && d.Size <= size[1] && (m.Holds == nil || len(d.Holds) > 0 && d.Holds[0].Label == *m.Holds) && d.Disk.Excluded == "" && (d.Disk.Root == "" || config.ValueOr(m.Root, false))
		}
		if !fits(d) {
			return fmt.Errorf("disk %s is %v, which does not match", name, d)
		}
		for _, other := range disks {
			if !fits(other) {
				continue
			}
			same++
			if how := *c.Pick; how == "smallest" && other.Size < d.Size || how == "largest" && other.Size > d.Size {
				return fmt.Errorf("disk %s is %v, and not the %s, %v", name, d, how, other)
			}
		}
		if *c.Pick == "only" && same > 1 {
			return fmt.Errorf("disk %s is one of %d", name, same)
		}
	}
	return nil
}

func TestRandomMachinesHaveOneChoiceInAnyOrder(t *testing.T) {
	counts := map[bool]int{}
	for seed := range int64(*machines) {
		r := rand.New(rand.NewSource(seed))
		disks := randomDisks(r)
		cfg, err := randomChoices(r)
		if err != nil {
			t.Fatal(err)
		}
		var first outcome
		for n := range *orders {
			o, err := outcomeOf(cfg, inOrder(r, disks))
			if err == nil && n == 0 {
				first, err = o, judge(cfg, disks, o)
			}
			if err == nil && !o.equals(first) {
				err = fmt.Errorf("in one order it is %v, in another %v", first, o)
			}
			if err != nil {
				t.Fatalf("machine %d: %v\n%v", seed, err, disks)
			}
		}
		counts[first.refused]++
	}
	t.Logf("%d plans, %d refused", counts[false], counts[true])
	if *machines >= 300 && min(counts[false], counts[true]) < *machines/10 {
		t.Errorf("only %d of %d were planned: the generator has lost its balance", counts[false], *machines)
	}
}
