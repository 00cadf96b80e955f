// Command bench compares Firstlight with the packaged reference, Debian's
// package ignition, on the same configs and in the same run:
//
//	go run ./tests/bench [-rounds N] [-only stages|devices|machine] [-json | -markdown] [-growth DIR]
//
// It is run at the top of the source tree. Both programs get the same work in
// turn, as processes of their own with a root, a cache and a state of their own,
// and of all rounds the least time counts: whatever else the machine does only
// adds to it. What needs disks is measured in a machine. A goal that is missed is a word in the table, not a failure.
//
// With -growth work is done in several sizes instead, and DIR gets pictures of how the cost
// grows.
//
// The reference is downloaded and unpacked into the user's cache once, never
// installed. Without it there are only our own figures.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/vm"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each program does each piece of work")
	only := flag.String("only", "", "the only table to make: stages, devices or machine")
	disks := flag.String("disks", fewDisks.name, "in the lab: which disks it has")
	asJSON := flag.Bool("json", false, "print the table as JSON")
	markdown := flag.Bool("markdown", false, "print the table as Markdown")
	growth := flag.String("growth", "", "measure how cost grows, and write the pictures of it to this directory")
	flag.Parse()
	format := table.ChooseFormat(*asJSON, *markdown)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := error(nil)
	if vm.InLab() {
		err = insideLab(ctx, *disks, max(1, *rounds))
	} else {
		err = bench(ctx, max(1, *rounds), *only, format, *growth)
	}
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "\nbench: stopped; nothing is left of it")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sections are the tables, which are made one after the other.
var sections = []struct {
	name, title string
	rows        func(*bencher, context.Context) ([]table.Row, error)
}{
	{"stages", "Processes and stages", (*bencher).stages},
	{"devices", "Devices", (*bencher).devices},
	{"machine", "A machine with little memory", (*bencher).littleMachine},
}

// bench prints the tables, or only one, on standard output, and all else on standard error.
func bench(ctx context.Context, rounds int, only string, format table.Format, growth string) error {
	dir, err := os.MkdirTemp(inMemory(), "firstlight-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours, err := build(ctx, dir)
	if err != nil {
		return fmt.Errorf("building Firstlight: %w", err)
	}
	b := &bencher{dir: dir, rounds: rounds, tools: []tool{ours}}
	if reference, version, err := reference(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "There is no reference to compare with:", err)
	} else {
		fmt.Fprintf(os.Stderr, "The reference is %s.\n", version)
		b.tools = append(b.tools, reference)
		if err := b.hideJournal(ctx, journalDir); err != nil {
			fmt.Fprintln(os.Stderr, "Note:", err)
		}
	}
	var tables []table.Table
	if growth != "" {
		tables, err = b.grow(ctx, growth)
	} else {
		tables, err = b.tables(ctx, only)
	}
	if err != nil {
		return err
	}
	return format.Print(os.Stdout, tables...)
}

// tables makes all tables, or only one.
func (b *bencher) tables(ctx context.Context, only string) ([]table.Table, error) {
	var all []table.Table
	for _, s := range sections {
		if only != "" && only != s.name {
			continue
		}
		rows, err := s.rows(b, ctx)
		if err != nil {
			return nil, fmt.Errorf("table %q: %w", s.title, err)
		}
		all = append(all, table.Table{Title: s.title, Rows: rows})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is no table %q", only)
	}
	return all, nil
}

func (b *bencher) stages(ctx context.Context) ([]table.Row, error) {
	r, err := b.measure(ctx)
	if err != nil {
		return nil, err
	}
	return r.rows(), nil
}

// inMemory is a directory on a filesystem in memory, if there is one: a disk's
// own pace, and what it still has to do from the round before, say nothing about
// the programs.
func inMemory() string {
	const dir = "/dev/shm"
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// A tool is one of the two that are compared: the words of a command line
// that the arguments of a piece of work come after.
type tool struct {
	stage    []string // runs a stage on a machine
	validate []string // checks a config, by firstlightctl
}

// build makes our programs as the Makefile does, but not where it puts them.
func build(ctx context.Context, dir string) (tool, error) {
	bin := filepath.Join(dir, "bin")
	cmd := exec.CommandContext(ctx, "make", "build", "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return tool{}, fmt.Errorf("make build: %w\n%s", err, tail(out))
	}
	return tool{
		stage:    []string{filepath.Join(bin, "firstlight")},
		validate: []string{filepath.Join(bin, "firstlightctl"), "validate"},
	}, nil
}

const (
	fewFiles    = 5_000
	manyFiles   = 50_000
	dataURLSize = 32 << 20 // bytes before base64
)

// results are what all work took. Where there is no reference, samples are
// ours only.
type results struct {
	fetchFew, validateFew, validateBig []sample
	fetchMany                          sample // ours only
	files                              *filesResults
	disks                              []sample
	bigSize                            int64
	inside                             map[string]float64 // seconds by benchmark
}

func (b *bencher) measure(ctx context.Context) (*results, error) {
	few, err := writeConfig(b.dir, "few.ign", filesConfig(fewFiles))
	if err != nil {
		return nil, err
	}
	many, err := writeConfig(b.dir, "many.ign", filesConfig(manyFiles))
	if err != nil {
		return nil, err
	}
	big, err := writeConfig(b.dir, "big.ign", dataURLConfig("/big", dataURLSize))
	if err != nil {
		return nil, err
	}
	fetch, fetchMany := fetchWork(few, paths(fewFiles)), fetchWork(many, paths(manyFiles))
	// The reference takes more than a minute over so many, each time.
	fetched, err := b.inTurn(ctx, append([]task{{fetchMany, b.tools[0]}}, b.each(fetch)...))
	if err != nil {
		return nil, err
	}
	r := &results{fetchMany: fetched[0], fetchFew: fetched[1:], bigSize: big.size}
	if r.validateFew, err = b.inTurn(ctx, b.each(validateWork(few))); err != nil {
		return nil, err
	}
	if r.validateBig, err = b.inTurn(ctx, b.each(validateWork(big))); err != nil {
		return nil, err
	}
	if r.inside, err = b.benchmarks(ctx); err != nil {
		return nil, err
	}
	if r.files, err = b.files(ctx); err != nil {
		return nil, err
	}
	r.disks, err = b.storage(ctx)
	return r, err
}

// rows sets the results against the goals. "Inside" is package config alone,
// without a process around it.
func (r *results) rows() []table.Row {
	rows := comparison("fetch stage, 5,000 files", r.fetchFew, table.Goal{Kind: table.AtLeastTimes, Limit: 20})
	rows = append(rows, table.Row{What: "parse, validate, merge 5,000 files, inside", Unit: table.Duration,
		Figures: []float64{r.inside[wholeFew]}, Goal: table.Goal{Kind: table.Under, Limit: 0.060}})
	rows = append(rows, comparison("validate 5,000 files", r.validateFew, table.Goal{})...)
	rows = append(rows, comparison("validate a 44 MB config", r.validateBig, table.Goal{})...)
	rows = append(rows, wallTime("disks stage, 4 disks with 4 filesystems each", r.disks, table.Goal{Kind: table.AtLeastTimes, Limit: 2}))
	rows = append(rows, r.files.rows()...)
	return append(rows,
		memoryOfSize("validate a 44 MB config", "file size", r.validateBig, r.bigSize, table.Goal{Kind: table.Under, Limit: 2.5}),
		table.Row{What: "from 5,000 to 50,000 files: fetch stage", Unit: table.Times,
			Figures: []float64{r.fetchMany.cpu.Seconds() / r.fetchFew[0].cpu.Seconds()}, Goal: table.Goal{Kind: table.AtMost, Limit: 11}},
		table.Row{What: "from 5,000 to 50,000 files: parse, validate, inside", Unit: table.Times,
			Figures: []float64{r.inside[parseMany] / r.inside[parseFew]}, Goal: table.Goal{Kind: table.AtMost, Limit: 11}},
	)
}
