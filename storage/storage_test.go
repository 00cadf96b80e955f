package storage

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

func TestMain(m *testing.M) {
	// The tools are in sbin, which is not in everybody's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		panic(err)
	}
	// Sgdisk sleeps for a second after it has written.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A testMachine is one whose disks are sparse files.
type testMachine struct {
	t   *testing.T
	dir string
	log bytes.Buffer
	m   *Machine
}

func newTestMachine(t *testing.T) *testMachine {
	t.Helper()
	b := &testMachine{t: t, dir: t.TempDir()}
	log := report.NewWriterLogger(&b.log)
	b.m = &Machine{Run: system.Exec{Log: log}, Log: log, Root: filepath.Join(b.dir, "root"), Timeout: 50 * time.Millisecond,
		Sys: b.path("sys"), Proc: b.path("proc"), Udev: b.path("udev"), Random: rand.New(rand.NewSource(1))}
	b.write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/root rw\n")
	b.write("proc/swaps", "Filename Type Size Used Priority\n")
	b.write("sys/class/block/vda/size", "536870912\n")
	b.write("sys/class/block/vda/serial", "SERIAL1\n")
	return b
}

func (b *testMachine) path(name string) string { return filepath.Join(b.dir, name) }

func (b *testMachine) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// disk makes an empty disk of some MiB and returns its path.
func (b *testMachine) disk(name string, mib int64) string {
	b.t.Helper()
	b.write(name, "")
	if err := os.Truncate(b.path(name), mib<<20); err != nil {
		b.t.Fatal(err)
	}
	return b.path(name)
}

func (b *testMachine) run(name string, args ...string) string {
	b.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// config parses a config in which DIR is the directory of the test.
func (b *testMachine) config(storage string) *config.Config {
	b.t.Helper()
	text := `{"ignition": {"version": "3.7.0-experimental"}, "storage": {` + strings.ReplaceAll(storage, "DIR", b.dir) + `}}`
	cfg, problems, err := config.Parse([]byte(text), "user config")
	if err != nil {
		b.t.Fatalf("the config of the test: %v\n%v\n%s", err, problems, text)
	}
	return cfg
}

func (b *testMachine) plan(storage string) (report.Plan, error) {
	b.t.Helper()
	return b.m.PlanDisks(context.Background(), b.config(storage))
}

// apply plans and runs, and returns the plan as text.
func (b *testMachine) apply(storage string) string {
	b.t.Helper()
	plan, err := b.plan(storage)
	if err != nil {
		b.t.Fatal(err)
	}
	r := &report.Runner{Log: b.m.Log, Workers: 4}
	if err := r.Run(context.Background(), plan); err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, o := range plan {
		names = append(names, strings.ReplaceAll(o.Name, b.dir, "DIR"))
	}
	return strings.Join(names, "\n")
}

// converges checks that there is nothing left to do.
func (b *testMachine) converges(storage string) {
	b.t.Helper()
	plan, err := b.plan(storage)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(plan) > 0 {
		b.t.Errorf("the second plan is not empty:\n%v", plan)
	}
}

// refused checks the words of all conflicts, and their hints after " | ".
func (b *testMachine) refused(storage string, want ...string) {
	b.t.Helper()
	before := b.written()
	_, err := b.plan(storage)
	leaves := report.Leaves(err)
	if len(leaves) != len(want) {
		b.t.Errorf("got %d conflicts, want %d:\n%v", len(leaves), len(want), err)
	}
	for i, leaf := range leaves {
		var e *report.Error
		if !errors.As(leaf, &e) {
			b.t.Errorf("%v is not for people", leaf)
			continue
		}
		got := strings.ReplaceAll(e.Error()+" | "+e.Origin.Path+" | "+e.Hint, b.dir, "DIR")
		if i < len(want) && got != want[i] {
			b.t.Errorf("conflict %d\n got %s\nwant %s", i, got, want[i])
		}
	}
	if b.written() != before {
		b.t.Error("planning has written to a disk")
	}
}

// written returns when the disks were last written to.
func (b *testMachine) written() string {
	b.t.Helper()
	disks, err := filepath.Glob(b.path("*.img"))
	if err != nil {
		b.t.Fatal(err)
	}
	text := ""
	for _, disk := range disks {
		info, err := os.Stat(disk)
		if err != nil {
			b.t.Fatal(err)
		}
		text += info.ModTime().String() + "\n"
	}
	return text
}

// sound lets sgdisk judge a disk and returns its partitions, a line for each.
func (b *testMachine) sgdiskVerify(disk string) string {
	b.t.Helper()
	if out := b.run("sgdisk", "-v", disk); !strings.Contains(out, "No problems found") {
		b.t.Errorf("sgdisk -v %s:\n%s", disk, out)
	}
	var lines []string
	_, list, _ := strings.Cut(b.run("sgdisk", "-p", disk), "Name\n")
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		// Number, first and last sector, [size and unit,] type code, name.
		lines = append(lines, strings.Join(append(f[:3:3], f[5:]...), " "))
	}
	return strings.Join(lines, "\n")
}
