package report

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Problem is one cause of a failure as it is shown.
type Problem struct {
	Operation string `json:"operation,omitempty"`
	Cause     string `json:"cause"`
	// Detail is for who looks closer: the command line of a helper program and
	// how it ended.
	Detail string        `json:"detail,omitempty"`
	Origin config.Origin `json:"origin,omitzero"`
	Hint   string        `json:"hint,omitempty"`
}

// Explain converts an error to problems, one for each that is joined in it. Their texts
// are printable.
func Explain(err error) []Problem {
	if err == nil {
		return nil
	}
	all := explain(err, Problem{})
	for i, p := range all {
		all[i] = Problem{system.Printable(p.Operation), system.Printable(p.Cause), system.Printable(p.Detail), printableOrigin(p.Origin), system.Printable(p.Hint)}
	}
	return all
}

// printableOrigin makes names of files and keys printable.
func printableOrigin(o config.Origin) config.Origin {
	o.Source, o.Path = system.PrintableLine(o.Source), system.PrintableLine(o.Path)
	return o
}

// explain follows an error to its cause. Around is what the errors around it
// have set. Of the errors in a chain the outermost one names the operation, and
// the innermost one that knows them the origin and the hint; several errors in
// one inherit all three. This is the only place where they are inherited.
func explain(err error, around Problem) []Problem {
	if leaves := Leaves(err); len(leaves) > 1 {
		var all []Problem
		around.Cause = ""
		for _, leaf := range leaves {
			all = append(all, explain(leaf, around)...)
		}
		return all
	}
	p := around
	var e *Error
	if errors.As(err, &e) {
		switch {
		case p.Operation == "":
			p.Operation, p.Cause = e.Doing, e.Err.Error()
		case p.Cause == "": // one of several errors, in an operation around them
			p.Cause = e.Error()
		}
		if !e.Origin.IsZero() {
			p.Origin = e.Origin
		}
		p.Hint = cmp.Or(e.Hint, p.Hint)
		return explain(e.Err, p)
	}
	p.Cause = cmp.Or(p.Cause, err.Error())
	var detailed interface{ Detail() string }
	if errors.As(err, &detailed) && !strings.Contains(p.Cause, detailed.Detail()) {
		p.Detail = detailed.Detail()
	}
	var hinting interface{ Hint() string }
	if p.Hint == "" && errors.As(err, &hinting) {
		p.Hint = hinting.Hint()
	}
	var parse *config.ParseError
	if errors.As(err, &parse) && parse.Problems.HasErrors() {
		return inConfig(parse.Problems, p)
	}
	return []Problem{p}
}

// inConfig returns the errors of a config, with the operation and the hint of around.
func inConfig(found config.Problems, around Problem) []Problem {
	var all []Problem
	for _, f := range found {
		if f.Severity == config.Error {
			p := Problem{Operation: around.Operation, Cause: f.Message, Origin: f.Origin, Hint: around.Hint}
			if what, wayOut, known := strings.Cut(f.Message, "; "); known && p.Hint == "" && f.Origin.Line == 0 {
				// It is no config at all.
				p.Cause, p.Hint = what, wayOut
			}
			p.Hint = cmp.Or(p.Hint, "fix the config; firstlightctl validate checks it before a boot does")
			all = append(all, p)
		}
	}
	return all
}

// String is a problem in one line, for logs.
func (p Problem) String() string {
	text := p.doing()
	if p.Detail != "" {
		text += fmt.Sprintf(" (%s)", p.Detail)
	}
	if !p.Origin.IsZero() {
		text += fmt.Sprintf(" [%s]", p.Origin)
	}
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	return text
}

// doing is the operation and its cause in one line.
func (p Problem) doing() string {
	text := strings.NewReplacer(":\n", ": ", "\n", "; ").Replace(p.Cause)
	if p.Operation != "" {
		text = p.Operation + ": " + text
	}
	return text
}
