package page

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/config/rules"
	"github.com/firstlight-os/firstlight/internal/check"
)

// Options are what a person has chosen beside the text.
type Options struct {
	Strict bool `json:"strict"`
	// To is a version of the spec that is not the config's own, or empty.
	To string `json:"to"`
	// Disks are the sizes of disks in GiB, by their devices in the config.
	Disks map[string]float64 `json:"disks"`
}

// An Answer is what the page shows of a text.
type Answer struct {
	// Language says what the text is in words, as far as it is known.
	Language string    `json:"language"`
	Problems []Problem `json:"problems"`
	// Refused reports whether there is no output.
	Refused bool `json:"refused"`
	// Versions are those of the spec to choose from.
	Versions []string `json:"versions"`
	// Output is the translation as "firstlightctl translate --pretty" prints it.
	Output string `json:"output"`
	// Origins has four offsets for each value of the output: where it begins and ends,
	// and where what it comes from begins and ends in the text.
	Origins []int `json:"origins"`
}

// A Problem is one of config, with its place.
type Problem struct {
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Path     string `json:"path"`
	// Rule is the id of what is broken, and Title says what that is.
	Rule  string `json:"rule"`
	Title string `json:"title"`
	// Line and Column are from 1, columns in characters, as "firstlightctl validate"
	// prints them. They are 0 if the problem has no place.
	Line   int `json:"line"`
	Column int `json:"column"`
	From   int `json:"from"`
	To     int `json:"to"`
}

// name is what the text is called, which nobody sees.
const name = "the text"

// A Page answers for one text after the other.
type Page struct {
	text []byte
	last *check.Result
}

// result checks a text, unless it was the last one.
func (p *Page) result(text []byte, to string) *check.Result {
	if p.last == nil || !bytes.Equal(p.text, text) {
		p.text, p.last = text, check.Text(text, name, butane.Options{})
	}
	if v, err := config.ParseVersion(to); err == nil {
		return p.last.To(v)
	}
	return p.last
}

// Check answers for a text.
func (p *Page) Check(text []byte, o Options) *Answer {
	r := p.result(text, o.To)
	a := &Answer{Language: language(r), Problems: []Problem{}, Origins: []int{}}
	for _, v := range config.Versions() {
		a.Versions = append(a.Versions, v.String())
	}
	in := newOffsets(text)
	for _, p := range r.Problems {
		a.Problems = append(a.Problems, newProblem(r, p, in))
	}
	a.Refused = r.Config == nil || o.Strict && slices.ContainsFunc(r.Problems, func(p config.Problem) bool { return p.Severity == config.Warning })
	if a.Refused {
		return a
	}
	output, err := check.Render(r.JSON, r.MachineConfig, true)
	if err != nil { // our own JSON is valid
		panic(err)
	}
	a.Output = string(output)
	if !r.MachineConfig {
		a.Origins = origins(r, output, in)
	}
	return a
}

func language(r *check.Result) string {
	words := []string{"Ignition", r.Version}
	if r.Butane {
		words = []string{"Butane", r.Variant, r.Version}
	} else if r.Version == "" {
		return ""
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func newProblem(r *check.Result, p config.Problem, in *offsets) Problem {
	q := Problem{Severity: p.Severity.String(), Message: p.Message, Path: p.Origin.Path, Rule: rules.ID(p.Rule), Title: rules.Of(p.Rule).Title}
	if span, ok := r.Span(p.Origin); ok {
		line := r.Lines().Line(p.Origin.Line)
		q.Line, q.Column = p.Origin.Line, utf8.RuneCount(line[:min(p.Origin.Column-1, len(line))])+1
		q.From, q.To = in.of(span.Start), in.of(span.End)
	}
	return q
}

func origins(r *check.Result, output []byte, in *offsets) []int {
	all, out := []int{}, newOffsets(output)
	for _, v := range r.Values(output) {
		if from, ok := r.Span(v.Origin); ok {
			all = append(all, out.of(v.Start), out.of(v.End), in.of(from.Start), in.of(from.End))
		}
	}
	return all
}

// offsets turns offsets in bytes into those in UTF-16.
type offsets struct {
	text []byte
	// marks are the offsets at every stride-th byte, or at the next character.
	marks []mark
}

type mark struct{ bytes, units int }

const stride = 1 << 7

func newOffsets(text []byte) *offsets {
	o := &offsets{text, []mark{{}}}
	at := mark{}
	for at.bytes < len(text) {
		at = o.walk(at, at.bytes+stride)
		o.marks = append(o.marks, at)
	}
	return o
}

// of returns the offset in UTF-16 of an offset in bytes.
func (o *offsets) of(offset int) int {
	i, _ := slices.BinarySearchFunc(o.marks, offset, func(m mark, offset int) int { return m.bytes - offset })
	m := o.marks[max(i-1, 0)]
	if i < len(o.marks) && o.marks[i].bytes-m.bytes == o.marks[i].units-m.units {
		return m.units + offset - m.bytes // all between the marks is ASCII
	}
	return o.walk(m, offset).units
}

// walk goes on from a mark to the first character that does not begin before an offset.
func (o *offsets) walk(m mark, offset int) mark {
	for m.bytes < min(offset, len(o.text)) {
		r, size := utf8.DecodeRune(o.text[m.bytes:])
		m.bytes += size
		m.units++
		if r > 0xffff {
			m.units++
		}
	}
	return m
}
