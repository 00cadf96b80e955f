package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
)

// The rules of the console:
//
//   - Success prints nothing here; the journal has it all.
//   - A failure prints one box, in ASCII since serial consoles are what they
//     are, 80 columns wide, after everything else, on every console.
//   - The headline says whose matter it is. Each problem then has its cause,
//     the place in the config that asked, and what to do; then where to read on.
//   - No more than maxProblems are shown; the log has all of them.
//   - Never a config, never a secret.
const (
	boxWidth    = 80
	labelWidth  = 11 // of "operation" and two blanks
	maxProblems = 8
)

// LogHint says where the whole log is.
const LogHint = "journalctl -t " + Identifier + " (or dmesg, without a journal)"

// A Problem is one cause of a failure as it is shown.
type Problem struct {
	Operation string        `json:"operation,omitempty"`
	Cause     string        `json:"cause"`
	Origin    config.Origin `json:"origin,omitzero"`
	Hint      string        `json:"hint,omitempty"`
}

// Explain takes an error apart into problems.
func Explain(err error) []Problem {
	var problems []Problem
	for _, leaf := range Leaves(err) {
		problems = append(problems, explainOne(leaf)...)
	}
	for i := range problems {
		p := &problems[i]
		p.Cause, p.Hint = config.InUserSyntax(p.Origin, p.Cause), config.InUserSyntax(p.Origin, p.Hint)
	}
	return problems
}

func explainOne(err error) []Problem {
	p := Problem{Cause: err.Error()}
	var outer *Error
	if errors.As(err, &outer) {
		p = Problem{Operation: outer.Doing, Cause: outer.Err.Error(), Origin: outer.Origin, Hint: outer.Hint}
		inner := p.explainCause(outer.Err)
		if inner != nil {
			return inner
		}
	}
	var parse *config.ParseError
	if errors.As(err, &parse) && len(parse.Problems) > 0 {
		return fromConfig(p, parse.Problems)
	}
	return []Problem{p}
}

// explainCause takes the place and the hint from the cause if it knows better.
// If the cause is several errors, each becomes a problem.
func (p *Problem) explainCause(cause error) []Problem {
	leaves := Leaves(cause)
	if len(leaves) > 1 {
		var all []Problem
		for _, sub := range Explain(cause) {
			if sub.Operation == "" {
				sub.Operation = p.Operation
			}
			all = append(all, sub)
		}
		return all
	}
	var inner *Error
	if errors.As(cause, &inner) {
		if !inner.Origin.IsZero() {
			p.Origin = inner.Origin
		}
		if inner.Hint != "" {
			p.Hint = inner.Hint
		}
		// What was being done around it is often the same thing.
		if p.Operation == "" {
			p.Operation, p.Cause = inner.Doing, inner.Err.Error()
		}
		return p.explainCause(inner.Err)
	}
	return nil
}

func fromConfig(around Problem, found config.Problems) []Problem {
	var all []Problem
	for _, f := range found {
		if f.Severity == config.Error {
			all = append(all, Problem{around.Operation, f.Message, f.Origin, "mend the config; firstlightctl validate checks it before a boot does"})
		}
	}
	return all
}

var headlines = map[Kind]string{
	KindMachine: "Firstlight could not provision this machine",
	KindConfig:  "Firstlight could not provision this machine: the config needs mending",
	KindFetch:   "Firstlight could not provision this machine: it cannot fetch what it needs",
	KindDisk:    "Firstlight could not provision this machine: a filesystem takes no data",
	KindProgram: "Firstlight could not provision this machine: a helper program has failed",
	KindBug:     "Firstlight could not provision this machine: this is a bug in it",
}

// Box is the failure report for people.
func Box(stage string, err error) string {
	b := &box{}
	b.rule()
	b.line(headlines[KindOf(err)])
	b.rule()
	b.entry("stage", stage)
	problems := Explain(err)
	for i, p := range problems {
		if i == maxProblems {
			b.line(fmt.Sprintf("... and %d more problems, see the log", len(problems)-i))
			break
		}
		if len(problems) > 1 {
			b.line("")
			b.line(fmt.Sprintf("problem %d of %d", i+1, len(problems)))
		}
		b.entry("operation", p.Operation)
		b.entry("cause", p.Cause)
		b.entry("config", p.Origin.String())
		b.entry("hint", p.Hint)
	}
	if len(problems) > 1 {
		b.line("")
	}
	b.entry("log", LogHint)
	b.rule()
	return b.String()
}

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
	for paragraph := range strings.SplitSeq(printable(text), "\n") {
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

// printable keeps what a name in a config or on a disk may hold from steering
// the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
}

// emergencyHooks are the places where dracut, by its age, puts our module's hook
// that shows the report once systemd has said all that it has to say about a
// failed boot.
var emergencyHooks = []string{
	"/usr/lib/dracut/hooks/emergency/99-ignition-report.sh",
	"/var/lib/dracut/hooks/emergency/99-ignition-report.sh",
}

// ShowOnConsoles prints a report to standard error, and on every console of this machine.
// With systemd and one of the hooks above it leaves the consoles to the hook:
// what is printed now would scroll away.
func ShowOnConsoles(text string) error {
	var errs []error
	devices := consoles("/proc/consoles")
	if exists("/run/systemd/system") && slices.ContainsFunc(emergencyHooks, exists) {
		devices = nil
	}
	for _, console := range devices {
		errs = append(errs, printTo(console, "\n"+text))
	}
	if !isConsole(os.Stderr) {
		_, err := io.WriteString(os.Stderr, text)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// isConsole tells whether a file is one that the report goes to anyway: without
// a journal, an init's own output is the console.
func isConsole(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(append(consoles("/proc/consoles"), "/dev/console"), func(console string) bool {
		other, err := os.Stat(console)
		return err == nil && info.Sys().(*syscall.Stat_t).Rdev == other.Sys().(*syscall.Stat_t).Rdev && info.Mode()&os.ModeDevice != 0
	})
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// consoles are the devices that the kernel prints to; /dev/console is what is
// left where they cannot be told.
func consoles(list string) []string {
	f, err := os.Open(list)
	if err != nil {
		return []string{"/dev/console"}
	}
	defer f.Close()
	var devices []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, _, ok := strings.Cut(s.Text(), " "); ok {
			devices = append(devices, filepath.Join("/dev", name))
		}
	}
	if len(devices) == 0 {
		return []string{"/dev/console"}
	}
	return devices
}

func printTo(console, text string) error {
	f, err := os.OpenFile(console, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// Consoles in raw mode want both.
	_, err = io.WriteString(f, strings.ReplaceAll(text, "\n", "\r\n"))
	return err
}
