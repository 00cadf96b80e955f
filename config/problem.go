package config

import (
	"errors"
	"fmt"
	"strings"
)

// Severity says whether a problem refuses the config.
type Severity uint8

// A config with errors is refused; warnings are shown and nothing more.
const (
	Warning Severity = iota
	Error
	// Note is advice about something that is not wrong; see Notes.
	Note
)

func (s Severity) String() string { return [...]string{"warning", "error", "note"}[s] }

// A Problem is one thing that is wrong with a config.
type Problem struct {
	Severity Severity
	// Rule is what it breaks. Package rules has the names and the explanations of rules.
	Rule   Rule
	Origin Origin
	// Message says what is wrong and, where it is known, what would be right.
	Message string
}

// NewProblem makes a problem with a message in the form of fmt.Sprintf. Problems are made
// by this function only, so that each has a rule.
func NewProblem(r Rule, s Severity, at Origin, format string, args ...any) Problem {
	return Problem{s, r, at, fmt.Sprintf(format, args...)}
}

// String is one line: error: user config, line 3, column 7 (storage.files[0].mode): ...
func (p Problem) String() string {
	if p.Origin.IsZero() {
		return fmt.Sprintf("%s: %s", p.Severity, p.Message)
	}
	return fmt.Sprintf("%s: %s: %s", p.Severity, p.Origin, p.Message)
}

// Problems are all the problems of a config, in the order of the spec.
type Problems []Problem

// maxProblems bounds how many are kept of one document: nobody reads more.
const maxProblems = 1000

// Add appends a problem, unless there are very many already. Of the errors that are left
// out the first is kept, so that the config is refused.
func (ps *Problems) Add(p Problem) {
	if n := len(*ps); n > maxProblems || n == maxProblems && p.Severity != Error {
		return
	} else if n == maxProblems {
		p.Message = "there are more problems than these: " + p.Message
	}
	*ps = append(*ps, p)
}

// HasErrors reports whether any problem is an error.
func (ps Problems) HasErrors() bool {
	for _, p := range ps {
		if p.Severity == Error {
			return true
		}
	}
	return false
}

// String has one problem to a line.
func (ps Problems) String() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// The reasons for which Parse refuses a config.
var (
	// ErrEmpty is for a document of zero bytes, which callers may accept as
	// "there is no config".
	ErrEmpty = errors.New("the config is empty")
	// ErrInvalid is for a document that is not JSON, or breaks a rule.
	ErrInvalid = errors.New("the config is not valid")
	// ErrCutOff is for a document that ends before it is complete. It is an ErrInvalid,
	// too.
	ErrCutOff = fmt.Errorf("%w: its end is missing", ErrInvalid)
	// ErrNoVersion is for a document without a usable ignition.version.
	ErrNoVersion = errors.New("the config does not say its version")
	// ErrUnknownVersion is for a version that this program does not know.
	ErrUnknownVersion = errors.New("the config's version is not supported")
	// ErrNotInVersion is for a config with something that its version of the spec does
	// not have, or that of which TranslateTo was asked. Parse only warns of it.
	ErrNotInVersion = errors.New("the version of the spec does not have all that is in the config")
	// ErrSpec2 is for a version of spec 2, of which package spec2 makes spec 3. It
	// is an ErrUnknownVersion, too.
	ErrSpec2 = fmt.Errorf("%w: it is of spec 2", ErrUnknownVersion)
)

// A ParseError says why a config was refused, and lists all the reasons.
type ParseError struct {
	// Kind is one of the Err values above.
	Kind     error
	Problems Problems
}

func (e *ParseError) Unwrap() error { return e.Kind }

func (e *ParseError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		if p.Severity == Error {
			lines = append(lines, fmt.Sprintf("%s: %s", p.Origin, p.Message))
		}
	}
	switch len(lines) {
	case 0:
		return e.Kind.Error()
	case 1:
		return lines[0]
	}
	return fmt.Sprintf("%d problems:\n%s", len(lines), strings.Join(lines, "\n"))
}
