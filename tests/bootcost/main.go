// Command bootcost measures what a first boot costs: machines of one image are booted with
// our agent and with the packaged reference, Debian's ignition, for the first time and again.
//
//	go run ./tests/bootcost [-rounds N] [-only NAME] [-json | -markdown]   prints tables
//	go run ./tests/bootcost -check    compares counters with counters.txt
//	go run ./tests/bootcost -update   writes counters.txt
//
// It is run at the top of the source tree, and needs what "make demo" needs. What a first
// boot costs is what it has more than the second boot of the same machine. The seconds are
// those of the machine. An emulated one takes the same time for each instruction, so that a
// busy workstation changes only what the machine waits for; everything else that is counted
// it does not change at all. A goal that is missed is a word in a table; only counters that
// have risen are a failure.
//
// The figures of processes are the kernel's own (taskstats): a small program in the initramfs
// gets them of each process that ends. The statistics of the disks are QEMU's, when the
// machine leaves the initramfs: what it does later is the same for all agents.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/counters/counter"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var known = counter.File{Name: "tests/bootcost/counters.txt", Head: `What a first boot of the demo costs, by "go run ./tests/bootcost -update".`}

func main() {
	rounds := flag.Int("rounds", 1, "how often each machine is made and booted; the quickest boots count")
	only := flag.String("only", "", "the only machine to boot: demo, files or server")
	asJSON := flag.Bool("json", false, "print the tables as JSON")
	markdown := flag.Bool("markdown", false, "print the tables as Markdown")
	check := flag.Bool("check", false, "boot the demo once, and compare its counters with "+known.Name)
	update := flag.Bool("update", false, "boot the demo once, and write "+known.Name)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *check || *update {
		err = checkCounters(ctx, *update)
	} else {
		err = compare(ctx, max(1, *rounds), *only, table.ChooseFormat(*asJSON, *markdown))
	}
	if err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(os.Stderr, "\nbootcost: stopped; nothing is left of it")
			os.Exit(130)
		}
		fmt.Fprintln(os.Stderr, "bootcost:", err)
		os.Exit(1)
	}
}

// An agent is one that is compared, by the images that it is in.
type agent struct {
	name string
	machine
}

// compare boots all machines, or one, and prints the tables.
func compare(ctx context.Context, rounds int, only string, format table.Format) error {
	chosen := choose(only)
	if len(chosen) == 0 {
		return fmt.Errorf("there is no machine %q; there are demo, files and server", only)
	}
	dir, err := os.MkdirTemp("", "firstlight-bootcost-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var agents []agent
	for _, a := range []struct {
		name  string
		build func() (*vm.Images, error)
	}{{"Firstlight", func() (*vm.Images, error) { return vm.Build() }}, {"the reference", vm.BuildReference}} {
		img, err := prepare(ctx, filepath.Join(dir, a.name), a.build)
		switch {
		case err != nil && len(agents) == 0:
			return err
		case err != nil:
			fmt.Fprintln(os.Stderr, "There is no reference to compare with:", err)
		default:
			agents = append(agents, agent{a.name, machine{images: img}})
		}
	}
	var tables []table.Table
	for _, s := range chosen {
		var all []pair
		for _, a := range agents {
			fmt.Fprintf(os.Stderr, "%s: booting with %s ...\n", s.title, a.name)
			best, err := s.best(ctx, a.machine, filepath.Join(dir, a.name), rounds)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.title, a.name, err)
			}
			all = append(all, best)
		}
		tables = append(tables, table.Table{Title: s.title, Rows: s.rows(all)})
	}
	return format.Print(os.Stdout, tables...)
}

// choose returns the scenario of a name, or all.
func choose(only string) (chosen []scenario) {
	for _, s := range scenarios {
		if only == "" || s.name == only {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// prepare builds images, with the collector in them.
func prepare(ctx context.Context, dir string, build func() (*vm.Images, error)) (*vm.Images, error) {
	img, err := build()
	if err == nil {
		err = os.Mkdir(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	return withCollector(ctx, img, dir)
}

// A pair is two boots of a machine.
type pair struct{ first, second costs }

// best has of several rounds the quickest boots.
func (s scenario) best(ctx context.Context, m machine, dir string, rounds int) (best pair, err error) {
	for round := range rounds {
		var p pair
		if p.first, p.second, err = s.run(ctx, m, dir); err != nil {
			return best, err
		}
		if round == 0 || p.first.up < best.first.up {
			best.first = p.first
		}
		if round == 0 || p.second.up < best.second.up {
			best.second = p.second
		}
	}
	return best, nil
}

// checkCounters boots the first scenario, once, with our agent.
func checkCounters(ctx context.Context, update bool) error {
	dir, err := os.MkdirTemp("", "firstlight-bootcost-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	img, err := prepare(ctx, filepath.Join(dir, "images"), func() (*vm.Images, error) { return vm.Build() })
	if err != nil {
		return err
	}
	once := scenarios[0]
	once.twice = false
	first, _, err := once.run(ctx, machine{images: img}, dir)
	if err != nil {
		return err
	}
	return known.Check(os.Stdout, first.counters(), update)
}
