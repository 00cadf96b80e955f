package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The rule that keeps a drawing short, whatever was recorded; firstlightctl's help has
// it. Of a stage with more than maxRows operations the ones that have failed and those
// that took leastShare of its time are rows of their own, maxAlone in all, and the others
// are summed up by what they do.
const (
	maxRows    = 40
	maxAlone   = 20
	leastShare = 0.01
	maxKinds   = 20 // the least are one row

	maxStages   = 50
	maxWaits    = 20 // of a stage, the longest
	maxWarnings = 200
	maxProblems = 8 // of a stage, as in the failure box
	maxSources  = 50
	maxUnits    = 50
	maxSkipped  = 200  // entries of configs
	maxPlanned  = 200  // operations of a boot that has only planned
	maxName     = 300  // characters of a name
	maxText     = 2000 // characters of another text
)

// A Timeline is a record with a place in time for everything that is drawn.
type Timeline struct {
	Record   report.Record
	Headline string
	// Facts are what else is known of the boot: names and values.
	Facts  [][2]string
	Stages []Stage
	// Length in seconds of all; more than nothing.
	Length   float64
	Failures []Failure
	// Units are those of systemd that have stopped the boot.
	Units []string
	// Planned are the operations of a boot that has only planned them.
	Planned []string
	// Skipped are entries of configs that are for other machines, and why.
	Skipped  []string
	Warnings []Warning
	Sources  []report.Source
	// Notes are what the drawing does not show, and what the clock did.
	Notes []string
}

// A Stage is a bar with rows below it.
type Stage struct {
	Row
	Rows       []Row
	Operations int
}

// A Style is what a bar shows by its colour or pattern.
type Style string

// Styles of bars. Their names are classes in SVG and HTML.
const (
	Work    Style = "work"
	Waiting Style = "wait"
	Summed  Style = "sum" // of several operations: not all of the bar is work
	Broken  Style = "fail"
)

// A Meaning is a line of the legend.
type Meaning struct {
	Style Style
	Means string
}

var legend = []Meaning{{Work, "work"}, {Waiting, "waiting"}, {Summed, "several operations"}, {Broken, "failed"}}

// Legend explains the styles that there are, if there is more than one.
func (t *Timeline) Legend() []Meaning {
	used := map[Style]bool{}
	for _, s := range t.Stages {
		used[s.Style] = true
		for _, r := range s.Rows {
			used[r.Style] = true
		}
	}
	if len(used) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(legend), func(m Meaning) bool { return !used[m.Style] })
}

// Bars are what is drawn for the stage: its own bar, and over it the times in which it has
// only waited.
func (s Stage) Bars() []Row {
	bars := []Row{s.Row}
	for _, row := range s.Rows {
		if row.Style == Waiting {
			bars = append(bars, row)
		}
	}
	return bars
}

// A Row is something with a beginning and an end, in seconds since the boot's start.
type Row struct {
	Name  string
	Style Style
	Start float64
	// Length of the bar.
	Length float64
	// Seconds that were recorded: of several operations, which may have run at the
	// same time, the sum.
	Seconds float64
	Origin  string
	Error   string
}

// A Failure is why a stage has failed.
type Failure struct {
	Stage    string
	Problems []report.Problem
	More     int // problems that are not among these
	// Box is what the console had.
	Box string
}

// A Warning is one that a stage had.
type Warning struct{ Stage, Text string }

// New lays out a record that Parse has returned.
func New(r report.Record) *Timeline {
	t := &Timeline{Record: r, Headline: headline(r), Facts: facts(r)}
	place := placement{start: r.Started}
	for _, s := range firstOf(t, r.Stages, maxStages, "stage") {
		start, jumped := place.next(s)
		if jumped {
			t.note("the clock was set before the stage %s, which is drawn right after the one before it", shorten(s.Stage, 40))
		}
		stage := layOut(s, start)
		t.Stages = append(t.Stages, stage)
		t.Length = max(t.Length, start+stage.Length)
		t.addTexts(s)
	}
	t.Length = max(t.Length, 0.001)
	t.Warnings = firstOf(t, t.Warnings, maxWarnings, "warning")
	t.Sources = firstOf(t, r.Sources, maxSources, "config")
	t.Units = shortened(firstOf(t, r.Units, maxUnits, "unit"))
	for _, s := range firstOf(t, r.Skipped, maxSkipped, "skipped item") {
		t.Skipped = append(t.Skipped, shorten(s.String(), maxText))
	}
	t.Planned = shortened(firstOf(t, planned(r), maxPlanned, "planned operation"))
	return t
}

// planned are the operations that all stages have planned.
func planned(r report.Record) []string {
	var all []string
	for _, s := range r.Stages {
		all = append(all, s.Planned...)
	}
	return all
}

// firstOf returns the first of a list, and notes how many things are not among them.
func firstOf[T any](t *Timeline, list []T, most int, what string) []T {
	if more := len(list) - most; more > 0 {
		t.note("%s more are not shown", system.Plural(more, what))
		return list[:most]
	}
	return list
}

func shortened(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = shorten(name, maxName)
	}
	return short
}

func (t *Timeline) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// addTexts adds the warnings and the failure of a stage.
func (t *Timeline) addTexts(s report.Stage) {
	for _, text := range s.Warnings {
		t.Warnings = append(t.Warnings, Warning{shorten(s.Stage, maxName), shorten(text, maxText)})
	}
	if len(s.Problems) == 0 {
		return
	}
	f := Failure{Stage: shorten(s.Stage, maxName), Problems: slices.Clone(s.Problems[:min(len(s.Problems), maxProblems)])}
	f.More = len(s.Problems) - len(f.Problems)
	f.Box = report.Failure{Stage: f.Stage, Kind: report.KindMachine, Problems: s.Problems}.Box()
	for i := range f.Problems {
		p := &f.Problems[i]
		p.Operation, p.Cause, p.Detail, p.Hint = shorten(p.Operation, maxText), shorten(p.Cause, maxText), shorten(p.Detail, maxText), shorten(p.Hint, maxText)
		p.Origin.Source, p.Origin.Path = shorten(p.Origin.Source, maxName), shorten(p.Origin.Path, maxName)
	}
	t.Failures = append(t.Failures, f)
}

func headline(r report.Record) string {
	if n := len(planned(r)); n > 0 {
		return "First boot: " + system.Plural(n, "operation") + " planned, nothing done"
	}
	switch r.Outcome {
	case report.Provisioned:
		return "First boot: provisioned in " + Duration(r.Seconds)
	case report.Failed:
		text := "First boot: failed after " + Duration(r.Seconds)
		if stage := firstFailed(r.Stages); stage != "" {
			text += ", in the stage " + shorten(stage, 40)
		} else if len(r.Units) > 0 {
			text += ", by the unit " + shorten(r.Units[0], 40)
		}
		return text
	case report.Unfinished:
		return "First boot: unfinished after " + Duration(r.Seconds) + " and " + system.Plural(len(r.Stages), "stage")
	}
	return "First boot: " + shorten(r.Outcome, 40) + " after " + Duration(r.Seconds)
}

func facts(r report.Record) [][2]string {
	var all [][2]string
	add := func(name, value string) {
		if value != "" {
			all = append(all, [2]string{name, shorten(value, maxName)})
		}
	}
	add("platform", r.Platform)
	add("machine", machine(r.Machine))
	add("kernel", r.Machine.Kernel)
	add("Firstlight", r.Agent)
	if !r.Started.IsZero() {
		add("started", r.Started.Format("2006-01-02 15:04:05 UTC"))
	}
	add("boot", r.Boot)
	if r.Reset != nil {
		add("reset", "request "+r.Reset.Request)
		if r.Reset.Removed != nil {
			add("removed", amount(*r.Reset.Removed))
		}
		var kept []string
		for _, k := range r.Reset.Kept {
			kept = append(kept, fmt.Sprintf("%s (%s)", k.Path, amount(k)))
		}
		if r.Reset.MachineID {
			kept = append(kept, "the machine ID")
		}
		add("kept", strings.Join(kept, ", "))
	}
	return all
}

func amount(a report.Amount) string {
	return system.Plural(int(a.Files), "file") + ", " + system.FormatSize(uint64(a.Bytes))
}

func machine(m report.Machine) string {
	var parts []string
	if m.Architecture != "" {
		parts = append(parts, m.Architecture)
	}
	if m.Processors > 0 {
		parts = append(parts, system.Plural(m.Processors, "processor"))
	}
	if m.Memory > 0 {
		parts = append(parts, system.FormatSize(m.Memory)+" of memory")
	}
	return strings.Join(parts, ", ")
}

// layOut makes the rows of a stage that begins at a second of the boot.
func layOut(s report.Stage, start float64) Stage {
	stage := Stage{
		Row:        Row{Name: shorten(s.Stage, maxName), Style: Work, Start: start, Length: s.Seconds, Seconds: s.Seconds},
		Operations: len(s.Operations),
	}
	if len(s.Problems) > 0 {
		stage.Style = Broken
	}
	stage.Rows = append(waitRows(s, start), operationRows(s, start)...)
	slices.SortStableFunc(stage.Rows, func(a, b Row) int { return cmp.Compare(a.Start, b.Start) })
	return stage
}

// waits are rows for all waits of a stage.
func waits(s report.Stage, start float64) []Row {
	rows := make([]Row, len(s.Waits))
	for i, w := range s.Waits {
		rows[i] = Row{Name: "waiting for " + shorten(w.For, maxName), Style: Waiting, Seconds: w.Seconds}
		rows[i].Start, rows[i].Length = within(s, start, w.Started, w.Seconds)
	}
	return rows
}

// waitRows are the longest waits of a stage, and one row for the others.
func waitRows(s report.Stage, start float64) []Row {
	rows := waits(s, start)
	if len(rows) <= maxWaits {
		return rows
	}
	slices.SortStableFunc(rows, longestFirst)
	rest := sum(rows[maxWaits:])
	rest.Name, rest.Style = system.Plural(len(rows)-maxWaits, "shorter wait"), Waiting
	return append(rows[:maxWaits:maxWaits], rest)
}

func longestFirst(a, b Row) int { return cmp.Compare(b.Seconds, a.Seconds) }

// operations are rows for all operations of a stage.
func operations(s report.Stage, start float64) []Row {
	rows := make([]Row, len(s.Operations))
	for i, o := range s.Operations {
		rows[i] = Row{Name: shorten(o.Name, maxName), Style: Work, Seconds: o.Seconds, Origin: shorten(o.Origin.String(), maxName), Error: shorten(o.Error, maxText)}
		if o.Error != "" {
			rows[i].Style = Broken
		}
		rows[i].Start, rows[i].Length = within(s, start, o.Started, o.Seconds)
	}
	return rows
}

// operationRows are operations as they are drawn: those that have failed and the long
// ones, and the others summed up.
func operationRows(s report.Stage, start float64) []Row {
	rows := operations(s, start)
	if len(rows) <= maxRows {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b Row) int {
		if a.Style != b.Style {
			return cmp.Compare(a.Style, b.Style) // "fail" is before "work"
		}
		return longestFirst(a, b)
	})
	alone := 0
	for alone < maxAlone && (rows[alone].Style == Broken || rows[alone].Seconds >= leastShare*s.Seconds) {
		alone++
	}
	return append(rows[:alone:alone], sumByKind(rows[alone:])...)
}

// sumByKind makes one row of the operations of each kind.
func sumByKind(rows []Row) []Row {
	byKind := map[string][]Row{}
	for _, row := range rows {
		k := kind(row.Name)
		byKind[k] = append(byKind[k], row)
	}
	var all []Row
	for k, rows := range byKind {
		row := sum(rows)
		if len(rows) > 1 {
			row.Name = fmt.Sprintf("%s: %s", k, system.Plural(len(rows), "operation"))
		}
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Name, b.Name))
	})
	if len(all) > maxKinds {
		rest := all[maxKinds-1:]
		row := sum(rest)
		row.Name = "others: " + system.Plural(len(rest), "kind") + " of operations"
		all = append(all[:maxKinds-1], row)
	}
	return all
}

// sum is one row for several.
func sum(rows []Row) Row {
	if len(rows) == 1 {
		return rows[0]
	}
	total := Row{Style: Summed, Start: rows[0].Start}
	end := 0.0
	for _, r := range rows {
		total.Start = min(total.Start, r.Start)
		end = max(end, r.Start+r.Length)
		total.Seconds += r.Seconds
		if r.Style == Broken {
			total.Style = Broken
		}
	}
	total.Length = end - total.Start
	return total
}

// maxKind bounds the characters of a kind.
const maxKind = 60

// kind is what an operation does, without what it does it to: "creating file" for
// "creating file /etc/hosts". These are the words before the first one that is not of
// small letters, without a preposition at their end.
func kind(name string) string {
	words := strings.Fields(name)
	n := 0
	for n < len(words) && !strings.ContainsFunc(words[n], func(r rune) bool { return !unicode.IsLower(r) }) {
		n++
	}
	for n > 1 && slices.Contains([]string{"on", "at", "of", "to", "in", "for", "from", "the"}, words[n-1]) {
		n--
	}
	return shorten(cmp.Or(strings.Join(words[:n], " "), "others"), maxKind)
}

// shorten cuts the middle out of a text that has more characters than most.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	head := (most - 3) / 2
	return string(runes[:head]) + "..." + string(runes[len(runes)-(most-3-head):])
}
