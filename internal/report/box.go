package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/system"
)

// The rules of the failure box:
//
//   - It is of ASCII, for serial consoles, and 80 columns wide.
//   - The headline says who can do something. Each problem then has its cause,
//     its origin in the config, and what to do; then where to read on.
//   - No more than maxProblems are shown; the log has all of them.
//   - Never a config, never a secret.
const (
	boxWidth    = 80
	labelWidth  = 11 // of "operation" and two blanks
	maxProblems = 8
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
	b.entry("stage", f.Stage)
	for i, p := range f.Problems {
		if i == maxProblems {
			b.line(fmt.Sprintf("... and %d more problems, see the log", len(f.Problems)-i))
			break
		}
		if len(f.Problems) > 1 {
			b.line("")
			b.line(fmt.Sprintf("problem %d of %d", i+1, len(f.Problems)))
		}
		b.entry("operation", p.Operation)
		b.entry("cause", p.Cause)
		b.entry("detail", p.Detail)
		b.entry("config", p.Origin.String())
		b.entry("hint", p.Hint)
	}
	if len(f.Problems) > 1 {
		b.line("")
	}
	b.entry("log", logHint)
	b.rule()
	return b.String()
}

// Box is the failure of a stage for people.
func Box(stage string, err error) string { return NewFailure(stage, err).Box() }

type box struct{ strings.Builder }

func (b *box) rule() { fmt.Fprintf(b, "+%s+\n", strings.Repeat("-", boxWidth-2)) }

func (b *box) line(text string) {
	pad := max(boxWidth-4-utf8.RuneCountInString(text), 0)
	fmt.Fprintf(b, "| %s%s |\n", text, strings.Repeat(" ", pad))
}

// entry prints a label and its text, wrapped; nothing if the text is empty.
func (b *box) entry(label, text string) {
	for i, line := range wrap(text, boxWidth-4-labelWidth) {
		if i > 0 {
			label = ""
		}
		b.line(fmt.Sprintf("%-*s%s", labelWidth, label, line))
	}
}

// wrap breaks a text at blanks, and words that are too long anywhere.
func wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(system.Printable(text), "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
				lines, line = append(lines, line), ""
			}
			for runes := []rune(word); len(runes) > width; runes = []rune(word) {
				lines = append(lines, string(runes[:width]))
				word = string(runes[width:])
			}
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
