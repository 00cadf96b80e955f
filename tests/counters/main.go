// Command counters counts what a first boot costs, in numbers that a busy machine does not
// change: programs started, requests, system calls, bytes read, and memory.
//
//	go run ./tests/counters          compares them with counters.txt; a rise is a failure
//	go run ./tests/counters -update  writes counters.txt
//
// It is run at the top of the source tree, as "make bench-check", and needs strace, and root
// or user namespaces. All stages run one after another with a root of their own, in a
// namespace for mounts. System calls of Go's scheduler are not counted: how many there are
// depends on what else the machine does.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

const known = "tests/counters/counters.txt"

func main() {
	update := flag.Bool("update", false, "write "+known+" instead of comparing with it")
	flag.Parse()
	if err := run(context.Background(), *update); err != nil {
		fmt.Fprintln(os.Stderr, "counters:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, update bool) error {
	dir, err := os.MkdirTemp("", "firstlight-counters-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.CommandContext(ctx, "make", "-s", "build", "BIN="+dir).CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	now, err := measure(ctx, filepath.Join(dir, "firstlight"), dir)
	if err != nil {
		return err
	}
	if update {
		return os.WriteFile(known, []byte(format(now)), 0o644)
	}
	text, err := os.ReadFile(known)
	if err != nil {
		return err
	}
	before, err := parse(string(text))
	if err != nil {
		return err
	}
	return compare(os.Stdout, before, now)
}

// A counter is one figure. Its name ends with the unit if that is not one of things.
type counter struct {
	name  string
	value int
}

// tolerance is the share by which a counter may be higher than before: that of memory and
// bytes depends on when Go collects garbage and wakes threads.
func (c counter) tolerance() float64 {
	switch {
	case strings.HasSuffix(c.name, ", KiB of memory"):
		return 0.15
	case strings.HasSuffix(c.name, ", bytes read"):
		return 0.02
	}
	return 0
}

// most is the highest value that is no rise.
func (c counter) most() int { return int(math.Floor(float64(c.value) * (1 + c.tolerance()))) }

func format(all []counter) string {
	var b strings.Builder
	b.WriteString("# What a first boot costs, by \"go run ./tests/counters -update\".\n")
	for _, c := range all {
		fmt.Fprintf(&b, "%d\t%s\n", c.value, c.name)
	}
	return b.String()
}

func parse(text string) ([]counter, error) {
	var all []counter
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var c counter
		value, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, err := fmt.Sscan(value, &c.value); err != nil || name == "" {
			return nil, fmt.Errorf("%s: %q is no counter", known, line)
		}
		c.name = name
		all = append(all, c)
	}
	return all, nil
}

// compare prints all counters, and fails if one has risen, or is not known.
func compare(w io.Writer, before, now []counter) error {
	old := map[string]counter{}
	for _, c := range before {
		old[c.name] = c
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "before\tnow\t\t")
	var risen []string
	for _, c := range now {
		was, there := old[c.name]
		delete(old, c.name)
		note := ""
		switch {
		case !there:
			note = "new"
		case c.value > was.most():
			note = "RISEN"
		case c.value < was.value && c.tolerance() == 0:
			note = "less"
		}
		if note == "new" || note == "RISEN" {
			risen = append(risen, c.name)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t  %s\n", was.value, c.value, note, c.name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for name := range old {
		risen = append(risen, name+" (not counted any more)")
	}
	if len(risen) > 0 {
		return fmt.Errorf("%s; if that has to be so, run it with -update", strings.Join(risen, "; "))
	}
	return nil
}
