package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/rules"
	"github.com/firstlight-os/firstlight/internal/system"
)

// formats are the ways to print a report.
var formats = []struct {
	name  string
	print func(io.Writer, *report) error
}{
	{"text", printText},
	{"json", printJSON},
	{"sarif", printSARIF},
	{"github", printGitHub},
}

func lookupFormat(name string) (func(io.Writer, *report) error, error) {
	var names []string
	for _, f := range formats {
		if f.name == name {
			return f.print, nil
		}
		names = append(names, f.name)
	}
	return nil, fmt.Errorf("there is no format %q; there are %s", name, strings.Join(names, ", "))
}

// printText prints one problem after the other as FILE:LINE:COLUMN, which editors
// can follow, each with its line of the config, and a summary last.
func printText(w io.Writer, r *report) error {
	var b strings.Builder
	color := colorizer(wantsColor(w))
	lines := newLineFinder(r)
	for _, p := range r.problems {
		l := lines.find(p.Origin)
		if at := position(p.Origin, l.column); at != "" {
			b.WriteString(at + ": ")
		}
		b.WriteString(color.severity(p.Severity, p.Severity.String()+":"))
		b.WriteString(" " + p.Message)
		if p.Origin.Path != "" {
			fmt.Fprintf(&b, " (%s)", p.Origin.Path)
		}
		b.WriteString(color.faint(" ["+rules.ID(p.Rule)+"]") + "\n")
		b.WriteString(l.snippet(color, p.Severity))
	}
	if len(r.problems) > 0 {
		b.WriteString(summary(r) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// position formats an origin as FILE:LINE:COLUMN, as far as it is known.
func position(o config.Origin, column int) string {
	source := printable(o.Source)
	if source == "" || o.Line == 0 {
		return source
	}
	return fmt.Sprintf("%s:%d:%d", source, o.Line, column)
}

func summary(r *report) string {
	counts := map[config.Severity]int{}
	for _, p := range r.problems {
		counts[p.Severity]++
	}
	var parts []string
	for _, s := range []config.Severity{config.Error, config.Warning, config.Note} {
		if n := counts[s]; n > 0 {
			parts = append(parts, system.Plural(n, s.String()))
		}
	}
	text := strings.Join(parts, ", ")
	if len(r.inputs) == 1 {
		text += " in " + printable(r.inputs[0].name)
		if packed := r.inputs[0].encodings; len(packed) > 0 {
			text += " (unpacked: " + strings.Join(packed, ", ") + ")"
		}
	} else {
		text += fmt.Sprintf(" in %d configs", len(r.inputs))
	}
	if r.strict && counts[config.Error] == 0 && counts[config.Warning] > 0 {
		text += ", refused by --strict"
	}
	return text
}

// A jsonProblem is documented in the help of validate. Members may be added.
type jsonProblem struct {
	File     string `json:"file"`
	Severity string `json:"severity"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Path     string `json:"path"`
	Message  string `json:"message"`
	Rule     string `json:"rule"`
}

func printJSON(w io.Writer, r *report) error {
	lines := newLineFinder(r)
	all := []jsonProblem{} // never null
	for _, p := range r.problems {
		o := p.Origin
		all = append(all, jsonProblem{printable(o.Source), p.Severity.String(), o.Line, lines.find(o).column, o.Path, p.Message, rules.ID(p.Rule)})
	}
	return encode(w, all)
}

func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Workflow commands of GitHub Actions need some characters percent-encoded, more
// of them in properties than in the message.
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func printGitHub(w io.Writer, r *report) error {
	var b strings.Builder
	lines := newLineFinder(r)
	for _, p := range r.problems {
		var properties []string
		if p.Origin.Source != "" && p.Origin.Source != stdinName {
			properties = append(properties, "file="+githubProperty.Replace(printable(p.Origin.Source)))
			if p.Origin.Line > 0 {
				properties = append(properties, fmt.Sprintf("line=%d,col=%d", p.Origin.Line, lines.find(p.Origin).column))
			}
		}
		message := p.Message
		if p.Origin.Path != "" {
			message += " (" + p.Origin.Path + ")"
		}
		message += " [" + rules.ID(p.Rule) + "]"
		command := p.Severity.String()
		if p.Severity == config.Note {
			command = "notice"
		}
		command = strings.TrimSuffix(command+" "+strings.Join(properties, ","), " ")
		fmt.Fprintf(&b, "::%s::%s\n", command, githubMessage.Replace(message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wantsColor reports whether w is a terminal and NO_COLOR is not set.
func wantsColor(w io.Writer) bool {
	if _, plain := os.LookupEnv("NO_COLOR"); plain {
		return false
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// A colorizer wraps text in the escape sequences of terminals, if it is on.
type colorizer bool

const (
	red    = "31"
	yellow = "33"
	blue   = "34"
)

func (c colorizer) bold(colour, text string) string {
	if !c || text == "" {
		return text
	}
	return "\x1b[1;" + colour + "m" + text + "\x1b[0m"
}

// faint is for what is there to be looked up.
func (c colorizer) faint(text string) string {
	if !c {
		return text
	}
	return "\x1b[2m" + text + "\x1b[0m"
}

func (c colorizer) severity(s config.Severity, text string) string {
	if s == config.Error {
		return c.bold(red, text)
	}
	return c.bold(yellow, text)
}
