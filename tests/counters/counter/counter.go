// Package counter compares counters with those of a file: numbers of things, which a busy
// machine does not change. A rise is a failure.
package counter

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
)

// A File has counters that are known, one to a line.
type File struct {
	Name string
	// Head is what the file says of itself.
	Head string
}

// Check writes the file if that is asked for; else it compares it with the counters of
// now, prints all, and fails if one has risen, or is not known.
func (f File) Check(w io.Writer, now []Counter, update bool) error {
	if update {
		return os.WriteFile(f.Name, []byte(f.format(now)), 0o644)
	}
	text, err := os.ReadFile(f.Name)
	if err != nil {
		return err
	}
	before, err := f.parse(string(text))
	if err != nil {
		return err
	}
	return compare(w, before, now)
}

// A Counter is one figure. Its name ends with the unit if that is not one of things.
type Counter struct {
	Name  string
	Value int
}

// tolerance is the share by which a counter may be higher than before: that of memory and
// bytes depends on when Go collects garbage and wakes threads, and what reaches a disk on
// what a filesystem puts into one transaction.
func (c Counter) tolerance() float64 {
	switch {
	case strings.HasSuffix(c.Name, ", KiB of memory"):
		return 0.15
	case strings.HasSuffix(c.Name, ", bytes read"):
		return 0.02
	case strings.HasSuffix(c.Name, ", flushes"), strings.HasSuffix(c.Name, ", bytes written"):
		return 0.05
	}
	return 0
}

// most is the highest value that is no rise.
func (c Counter) most() int { return int(math.Floor(float64(c.Value) * (1 + c.tolerance()))) }

func (f File) format(all []Counter) string {
	var b strings.Builder
	b.WriteString("# " + f.Head + "\n")
	for _, c := range all {
		fmt.Fprintf(&b, "%d\t%s\n", c.Value, c.Name)
	}
	return b.String()
}

func (f File) parse(text string) ([]Counter, error) {
	var all []Counter
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var c Counter
		value, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, err := fmt.Sscan(value, &c.Value); err != nil || name == "" {
			return nil, fmt.Errorf("%s: %q is no counter", f.Name, line)
		}
		c.Name = name
		all = append(all, c)
	}
	return all, nil
}

// compare prints all counters, and fails if one has risen, or is not known.
func compare(w io.Writer, before, now []Counter) error {
	old := map[string]Counter{}
	for _, c := range before {
		old[c.Name] = c
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "before\tnow\t\t")
	var risen []string
	for _, c := range now {
		was, there := old[c.Name]
		delete(old, c.Name)
		note := ""
		switch {
		case !there:
			note = "new"
		case c.Value > was.most():
			note = "RISEN"
		case c.Value < was.Value && c.tolerance() == 0:
			note = "less"
		}
		if note == "new" || note == "RISEN" {
			risen = append(risen, c.Name)
		}
		fmt.Fprintf(t, "%d\t%d\t%s\t  %s\n", was.Value, c.Value, note, c.Name)
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
