package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
)

// butaneLines formats problems for programs: one line each.
func butaneLines(r *report, problems config.Problems) string {
	lines := newLineFinder(r)
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(reportLine(p, lines.find(p.Origin).column))
	}
	return b.String()
}

// reportLine formats a problem as both reference programs do:
// SEVERITY at $.JSON.PATH, line L col C: MESSAGE
func reportLine(p config.Problem, column int) string {
	var at []string
	if p.Origin.Path != "" {
		at = append(at, "$."+dottedPath(p.Origin.Path))
	}
	if p.Origin.Line > 0 {
		at = append(at, fmt.Sprintf("line %d col %d", p.Origin.Line, column))
	}
	text := p.Severity.String()
	if len(at) > 0 {
		text += " at " + strings.Join(at, ", ")
	}
	return text + ": " + p.Message + "\n"
}

// dottedPath writes indexes like names: storage.files.0.path
func dottedPath(path string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

// butanePretty formats problems for people: each with the lines around it,
// separated by empty lines.
func butanePretty(r *report, problems config.Problems, color colorizer) string {
	lines := newLineFinder(r)
	var parts []string
	for _, p := range problems {
		l := lines.find(p.Origin)
		if !l.found || l.at >= len(l.text) {
			parts = append(parts, reportLine(p, l.column))
			continue
		}
		parts = append(parts, prettyProblem(lines, l, p, color))
	}
	return strings.Join(parts, "\n")
}

func prettyProblem(lines *lineFinder, l line, p config.Problem, color colorizer) string {
	const around = 2 // lines
	last := min(l.number+around, lines.count(p.Origin.Source))
	gutter := len(strconv.Itoa(last))
	blue := func(s string) string { return color.bold(blue, s) }
	bar := strings.Repeat(" ", gutter+2) + blue("|") + "\n"

	var b strings.Builder
	b.WriteString(color.severity(p.Severity, p.Severity.String()))
	if p.Origin.Path != "" {
		fmt.Fprintf(&b, "[$.%s]", dottedPath(p.Origin.Path))
	}
	fmt.Fprintf(&b, ":\n  %s %s\n%s", blue("-->"), position(p.Origin, l.column), bar)
	for n := max(1, l.number-around); n <= last; n++ {
		text := lines.find(config.Origin{Source: p.Origin.Source, Line: n, Column: 1}).sameWidth()
		fmt.Fprintf(&b, " %s %s %s\n", blue(fmt.Sprintf("%*d", gutter, n)), blue("|"), text)
		if n == l.number {
			mark := strings.Repeat("^", utf8.RuneCountInString(l.word()))
			fmt.Fprintf(&b, " %*s %s %s%s %s\n", gutter, "", blue("|"), blanksFor(l.text[:l.at]), blue(mark), p.Message)
		}
	}
	b.WriteString(bar)
	return b.String()
}

// word returns what is marked: everything up to the next white space.
func (l line) word() string {
	rest := l.text[l.at:]
	if end := strings.IndexFunc(rest, unicode.IsSpace); end > 0 {
		return rest[:end]
	}
	return rest
}

// sameWidth returns the whole line with each character of a secret masked, so
// that columns stay aligned.
func (l line) sameWidth() string {
	secrets := l.secrets(0, len(l.text))
	if indent := len(l.text) - len(strings.TrimLeft(l.text, " ")); l.inBlock {
		secrets = []span{{indent, len(l.text)}}
	}
	var b strings.Builder
	at := 0
	for _, s := range secrets {
		b.WriteString(l.text[at:s.start])
		b.WriteString(strings.Repeat("*", utf8.RuneCountInString(l.text[s.start:s.end])))
		at = s.end
	}
	return printable(b.String() + l.text[at:])
}
