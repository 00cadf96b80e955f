package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// A mapper is dmsetup with a device mapper in the directory of a test: the disk
// dm-0, called mpatha, is an image.
type fakeMapper struct {
	b      *testMachine
	tables map[string]string // by the names of mappings
	nodes  map[string]string
	lines  []string
	fail   string // the beginning of a command that fails
}

func newMapper(t *testing.T) *fakeMapper {
	b := newTestMachine(t)
	x := &fakeMapper{b: b, tables: map[string]string{}, nodes: map[string]string{}}
	b.m.Run = x
	b.disk("a.img", 100)
	b.write("sys/class/block/dm-0/dm/name", "mpatha\n")
	b.write("sys/class/block/dm-0/dm/uuid", "mpath-3600\n")
	b.write("sys/class/block/dm-0/dev", "253:0\n")
	return x
}

func (x *fakeMapper) Run(_ context.Context, c system.Command) ([]byte, error) {
	line := strings.Join(append([]string{c.Name}, c.Args...), " ")
	if c.Args[0] != "table" {
		x.lines = append(x.lines, line)
	}
	if x.fail != "" && strings.HasPrefix(line, x.fail) {
		return nil, &system.CommandError{Command: c, Err: errors.New("device or resource busy")}
	}
	name := c.Args[1]
	switch c.Args[0] {
	case "table":
		return []byte(x.tables[name] + "\n"), nil
	case "create":
		x.mapping(name, c.Args[3], c.Args[5])
	case "reload":
		x.mapping(name, "", c.Args[3])
	case "remove":
		for _, dir := range []string{"sys/class/block/", "sys/class/block/dm-0/holders/"} {
			if err := os.RemoveAll(x.b.path(dir + x.nodes[name])); err != nil {
				return nil, err
			}
		}
		delete(x.tables, name)
	}
	return nil, nil
}

// mapping makes a mapping, or changes its table.
func (x *fakeMapper) mapping(name, uuid, table string) {
	x.tables[name] = table
	if x.nodes[name] == "" {
		x.nodes[name] = fmt.Sprintf("dm-%d", len(x.nodes)+1)
	}
	dir := "sys/class/block/" + x.nodes[name]
	x.b.write(dir+"/dm/name", name+"\n")
	if uuid != "" {
		x.b.write(dir+"/dm/uuid", uuid+"\n")
	}
	x.b.write(dir+"/size", strings.Fields(table)[1]+"\n")
	x.b.write("sys/class/block/dm-0/holders/"+x.nodes[name]+"/x", "")
}

// disk opens the disk as if it were a device.
func (x *fakeMapper) disk() *device {
	x.b.t.Helper()
	d, err := x.b.m.open(x.b.path("a.img"))
	if err != nil {
		x.b.t.Fatal(err)
	}
	x.b.t.Cleanup(func() { d.file.Close() })
	d.sysfs = x.b.path("sys/class/block/dm-0")
	return d
}

// apply plans and runs what the config wants of the partitions.
func (x *fakeMapper) apply(disk string) (*plan.Disk, error) {
	x.b.t.Helper()
	d := x.disk()
	facts := x.b.m.diskFacts(d, mountsAndSwaps{"253:9": {"mounted at /data"}})
	g := plan.New(x.b.config(disk), []*plan.DiskFacts{facts}, &inspection{m: x.b.m})
	p := g.Disks[0]
	if errs := g.DecideDisks(x.b.m.newGUID); len(errs) > 0 {
		return p, errors.Join(errs...)
	}
	x.lines = nil
	if p.Idle() {
		return p, nil
	}
	return p, x.b.m.partitionMapped(x.b.t.Context(), p, d)
}

func (x *fakeMapper) must(disk, name, commands string) {
	x.b.t.Helper()
	p, err := x.apply(disk)
	if err != nil {
		x.b.t.Fatal(err)
	}
	if got := strings.ReplaceAll(p.Name(), x.b.dir, "DIR"); !p.Idle() && got != name || p.Idle() && name != "" {
		x.b.t.Errorf("the plan is %s, want %s", got, name)
	}
	if got := strings.Join(x.lines, "\n"); got != strings.TrimPrefix(commands, "\n") {
		x.b.t.Errorf("got\n%s\nwant\n%s", got, commands)
	}
}

const twoParts = `{"number": 1, "label": "a", "sizeMiB": 10}, {"number": 2, "label": "b", "startMiB": 20, "sizeMiB": 10}`

func TestPartitionsOfMappedDisksAreMapped(t *testing.T) {
	x := newMapper(t)
	x.must(partitions(twoParts), `partitioning DIR/a.img (create 1 "a", create 2 "b")`, `
dmsetup create mpathap1 --uuid part1-mpath-3600 --table 0 20480 linear 253:0 2048
dmsetup create mpathap2 --uuid part2-mpath-3600 --table 0 20480 linear 253:0 40960`)
	if got, want := x.b.sgdiskVerify(x.b.path("a.img")), "1 2048 22527 8300 a\n2 40960 61439 8300 b"; got != want {
		t.Errorf("the disk has\n%s", got)
	}
	x.must(partitions(twoParts), "", "")
	x.must(partitions(`{"number": 1, "sizeMiB": 15, "resize": true}, {"number": 2, "shouldExist": false, "wipePartitionEntry": true}`),
		`partitioning DIR/a.img (delete 2 "b", resize 1 "a")`, `
dmsetup remove mpathap2
dmsetup reload mpathap1 --table 0 30720 linear 253:0 2048
dmsetup resume mpathap1`)
	x.must(partitions(`{"number": 1, "startMiB": 40, "sizeMiB": 15, "wipePartitionEntry": true}`),
		`partitioning DIR/a.img (replace 1)`, `
dmsetup remove mpathap1
dmsetup create mpathap1 --uuid part1-mpath-3600 --table 0 30720 linear 253:0 81920`)
	x.must(disk(`"wipeTable": true`), "wiping DIR/a.img", "\ndmsetup remove mpathap1")
}

func TestMappingsThatAnInterruptedRunHasNotMadeAreMade(t *testing.T) {
	for _, cfg := range []string{partitions(twoParts), disk(`"wipeTable": true, "partitions": [` + twoParts + `]`)} {
		x := newMapper(t)
		if _, err := x.apply(cfg); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Run(t.Context(), system.Command{Name: "dmsetup", Args: []string{"remove", "mpathap2"}}); err != nil {
			t.Fatal(err)
		}
		x.must(cfg, "mapping the partitions of DIR/a.img", "\ndmsetup create mpathap2 --uuid part2-mpath-3600 --table 0 20480 linear 253:0 40960")
		x.must(cfg, "", "")
	}
}

func TestUdevMayMapPartitionsFirst(t *testing.T) {
	x := newMapper(t)
	x.fail = "dmsetup create"
	if _, err := x.apply(partitions(twoParts)); err == nil || !strings.Contains(err.Error(), "device or resource busy") {
		t.Errorf("got %v", err)
	}
	x.mapping("mpatha-part1", "part1-mpath-3600", "0 20480 linear 253:0 2048")
	x.mapping("mpatha-part2", "part2-mpath-3600", "0 20480 linear 253:0 40960")
	x.must(partitions(twoParts), "", "")
	x.must(partitions(`{"number": 1, "sizeMiB": 11, "resize": true}`), `partitioning DIR/a.img (resize 1 "a")`, `
dmsetup reload mpatha-part1 --table 0 22528 linear 253:0 2048
dmsetup resume mpatha-part1`)
}

func TestMappedPartitionsInUseAreNotChanged(t *testing.T) {
	x := newMapper(t)
	if _, err := x.apply(partitions(twoParts)); err != nil {
		t.Fatal(err)
	}
	x.b.write("sys/class/block/"+x.nodes["mpathap2"]+"/dev", "253:9\n")
	for cfg, want := range map[string]string{
		partitions(`{"number": 2, "shouldExist": false, "wipePartitionEntry": true}`): `partition 2 "b" on DIR/a.img is to be changed (delete) but is mounted at /data`,
		disk(`"wipeTable": true`): "DIR/a.img is to be wiped but is in use: partition 2 is mounted at /data",
	} {
		if _, err := x.apply(cfg); err == nil || strings.ReplaceAll(err.Error(), x.b.dir, "DIR") != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	x.must(partitions(`{"number": 1, "sizeMiB": 11, "resize": true}`), `partitioning DIR/a.img (resize 1 "a")`, `
dmsetup reload mpathap1 --table 0 22528 linear 253:0 2048
dmsetup resume mpathap1`)
	// What is built on the disk and is no partition of it.
	x.mapping("data", "LVM-x", "0 2048 linear 253:0 92160")
	if _, err := x.apply(partitions(`{"number": 1, "sizeMiB": 12, "resize": true}`)); err == nil || !strings.HasSuffix(err.Error(), "are to be changed but the disk is part of dm-3 (data)") {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsWrittenIfAMappingIsBusyAfterAll(t *testing.T) {
	x := newMapper(t)
	if _, err := x.apply(partitions(twoParts)); err != nil {
		t.Fatal(err)
	}
	before := x.b.written()
	x.fail = "dmsetup remove"
	if _, err := x.apply(disk(`"wipeTable": true`)); err == nil || !strings.Contains(err.Error(), "dmsetup remove mpathap1") || x.b.written() != before {
		t.Errorf("got %v; written: %v", err, x.b.written() != before)
	}
}

func TestNumbersOfMappedPartitions(t *testing.T) {
	for _, c := range []struct {
		mapping, uuid string
		want          int
	}{
		{"any", "part12-mpath-3600", 12}, {"mpatha1", "", 1}, {"mpathap3", "", 3}, {"mpatha-part4", "", 4},
		{"data", "LVM-x", 0}, {"mpatha-data", "", 0}, {"mpathab", "mpath-1", 0}, {"any", "part1", 0}, {"any", "partx-1", 0},
	} {
		if got := mappedNumber("mpatha", c.mapping, c.uuid); got != c.want {
			t.Errorf("%s, %q: %d, want %d", c.mapping, c.uuid, got, c.want)
		}
	}
}
