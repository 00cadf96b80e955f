package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The rules of the failure box:
//
//   - It is of ASCII, for serial consoles, and fits on one: 80 columns, 24 lines.
//   - The headline says who can do something. The first problems then have what was being
//     done, the cause, its origin in the config, and what to do; the others one line each;
//     then where to read on.
//   - A text that does not fit loses its middle: the end of a cause is the reason. What
//     goes first is the command line of a helper program. The log has all of it.
//   - Never a config, never a secret.
const (
	boxWidth    = 80
	boxHeight   = 24
	labelWidth  = 11 // of "operation" and two blanks
	textWidth   = boxWidth - 4 - labelWidth
	maxProblems = 8
	maxWhole    = 2 // problems with more than one line
	maxPlace    = 2 // lines of an origin, one if there are more problems
	maxWord     = 3 // lines of a word
)

// logHint says where the whole log is.
const logHint = "journalctl -t " + identifier + " (or dmesg, without a journal)"

var headlines = map[Kind]string{
	KindMachine: "Firstlight could not provision this machine",
	KindConfig:  "Firstlight could not provision this machine: the config has to be fixed",
	KindFetch:   "Firstlight could not provision this machine: it cannot fetch what it needs",
	KindDisk:    "Firstlight could not provision this machine: a filesystem is full, read-only or broken",
	KindProgram: "Firstlight could not provision this machine: a helper program has failed",
	KindBug:     "Firstlight could not provision this machine: this is a bug in it",
}

// A Failure is why a stage, or another program of ours, has failed.
type Failure struct {
	Stage    string
	Kind     Kind
	Problems []Problem
}

// NewFailure explains an error.
func NewFailure(stage string, err error) Failure {
	return Failure{stage, KindOf(err), Explain(err)}
}

// Log logs each problem, once.
func (f Failure) Log(log *Logger) {
	for _, p := range f.Problems {
		log.Log(LevelCritical, p.String())
	}
}

// Box is the failure for people.
func (f Failure) Box() string {
	b := &box{}
	b.rule()
	for _, line := range wrap(headlines[f.Kind], boxWidth-4) {
		b.line(line)
	}
	b.rule()
	entries := append(f.entries(), entry{label: "log", lines: []string{logHint}, shown: 1})
	left := boxHeight - 1 - strings.Count(b.String(), "\n")
	for _, e := range entries {
		left -= e.shown
	}
	left = share(entries, left, "cause", "hint", "operation", "detail")
	left = share(entries, left, other)
	share(entries, left, separator)
	for _, e := range entries {
		b.entry(e)
	}
	b.rule()
	return b.String()
}

// An entry is a text with a label.
type entry struct {
	kind  string // "" is one with a fixed number of lines
	label string
	lines []string
	shown int    // how many of them there is room for
	alone string // is shown if this is one
}

// Kinds of entries beside the labels: an empty line, and a problem in a line.
const (
	separator = "separator"
	other     = "other"
)

// entries has what is known of the failure, with the least number of lines.
func (f Failure) entries() []entry {
	all := []entry{{label: "stage", lines: wrap(f.Stage, textWidth), shown: 1}}
	for i, p := range f.Problems {
		if i == maxProblems {
			more := fmt.Sprintf("... and %d more problems, see the log", len(f.Problems)-i)
			return append(all, entry{lines: []string{more}, shown: 1})
		}
		label := fmt.Sprintf("problem %d", i+1)
		switch {
		case len(f.Problems) == 1:
			all = append(all, p.entries(maxPlace*textWidth)...)
		case i >= maxWhole:
			all = append(all, p.other(label))
		default:
			room := maxPlace * textWidth
			if len(f.Problems) > maxWhole {
				room = textWidth
			}
			all = append(all, entry{kind: separator, lines: []string{""}})
			first := len(all)
			if all = append(all, p.entries(room)...); len(all) > first {
				all[first].label = label
			}
		}
	}
	return all
}

// entries are those of one problem, all with a line but the detail; room is for the
// origin, which is shown as it is.
func (p Problem) entries(room int) []entry {
	var all []entry
	for _, e := range [...]struct{ kind, text string }{{"operation", p.Operation}, {"cause", p.Cause}, {"detail", p.Detail}, {"config", place(p.Origin, room)}, {"hint", p.Hint}} {
		lines, shown := wrap(e.text, textWidth), 1
		switch e.kind {
		case "detail":
			shown = 0
		case "config":
			shown = len(lines)
		}
		if len(lines) > 0 {
			all = append(all, entry{kind: e.kind, label: e.kind, lines: lines, shown: shown})
		}
	}
	return all
}

// share gives the entries of some kinds the lines that are left, one to each in turn, until
// they have all of theirs. It returns what is left then.
func share(entries []entry, left int, kinds ...string) int {
	for before := -1; before != left; {
		before = left
		for _, kind := range kinds {
			for i := range entries {
				if e := &entries[i]; e.kind == kind && e.shown < len(e.lines) && left > 0 {
					e.shown++
					left--
				}
			}
		}
	}
	return left
}

// Box is the failure of a stage for people.
func Box(stage string, err error) string { return NewFailure(stage, err).Box() }

type box struct{ strings.Builder }

var boxRule = "+" + strings.Repeat("-", boxWidth-2) + "+"

func (b *box) rule() { b.WriteString(boxRule + "\n") }

func (b *box) line(text string) {
	pad := max(boxWidth-4-utf8.RuneCountInString(text), 0)
	fmt.Fprintf(b, "| %s%s |\n", text, strings.Repeat(" ", pad))
}

// entry prints a label and its text.
func (b *box) entry(e entry) {
	if e.shown == 1 && len(e.lines) > 1 && e.alone != "" {
		e.lines = []string{e.alone}
	}
	for _, line := range shorten(e.lines, e.shown) {
		b.line(fmt.Sprintf("%-*s%s", labelWidth, e.label, line))
		e.label = ""
	}
}

// shorten makes n lines of more: the first, the last, and one that has a part of both.
func shorten(lines []string, n int) []string {
	if n == 0 || len(lines) <= n {
		return lines[:min(n, len(lines))]
	}
	before := (n - 1) / 2
	end := len(lines) - (n - 1 - before)
	head := []rune(lines[before])
	head = head[:min(len(head), textWidth/2-3)]
	tail := []rune(strings.Join(lines[max(end-2, before+1):end], " "))
	tail = tail[max(len(tail)-(textWidth-5-len(head)), 0):]
	return slices.Concat(lines[:before], []string{string(head) + " ... " + string(tail)}, lines[end:])
}

// cut takes as much from the middle of a text as it has over n characters.
func cut(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	tail := (n - 3) / 2
	return string(runes[:n-3-tail]) + "..." + string(runes[len(runes)-tail:])
}

// place is an origin in as many characters as there is room for. Line and column are
// never lost.
func place(o config.Origin, room int) string {
	const least = 9
	for _, part := range []*string{&o.Source, &o.Path} {
		if over := utf8.RuneCountInString(o.String()) - room; over > 0 {
			*part = cut(*part, max(utf8.RuneCountInString(*part)-over, least))
		}
	}
	return o.String()
}

// other is an entry of a line, or of more where there is room: what was being done, the
// reason and the place.
func (p Problem) other(label string) entry {
	at := p.Origin
	if at.Line > 0 {
		at = config.Origin{Line: at.Line, Column: at.Column}
	}
	text, end := strings.Join(strings.Fields(p.doing()), " "), ""
	if !at.IsZero() {
		end = " [" + place(at, textWidth/2) + "]"
	}
	alone := cut(text, textWidth-utf8.RuneCountInString(end)) + end
	return entry{kind: other, label: label, lines: wrap(text+end, textWidth), alone: alone, shown: 1}
}

// wrap breaks a text at blanks, and words that are too long anywhere. A word of over
// maxWord lines, a URL mostly, loses its middle: what follows it matters more.
func wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(system.Printable(text), "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				lines, line = append(lines, line), ""
			}
			runes := []rune(cut(word, maxWord*width))
			for ; len(runes) > width; runes = runes[width:] {
				lines = append(lines, string(runes[:width]))
			}
			word = string(runes)
			if line != "" {
				line += " "
			}
			line += word
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
