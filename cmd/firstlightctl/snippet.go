package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/check"
)

// A lineFinder returns the lines that origins name. It caches where the lines of
// each source start and the last line that it returned, because configs can be
// large.
type lineFinder struct {
	report *report
	lines  map[string]*check.Lines
	blocks map[string][]bool
	last   map[string]line
}

func newLineFinder(r *report) *lineFinder {
	return &lineFinder{r, map[string]*check.Lines{}, map[string][]bool{}, map[string]line{}}
}

// A line is the part of a config that an origin points to.
type line struct {
	number int
	text   string
	// at is the byte offset of the value in the text, column counts from 1 and
	// in characters, as editors do.
	at, column int
	// scalars are the keys and values of the line, from left to right.
	scalars []scalar
	// inBlock reports whether the line belongs to a block scalar of YAML.
	inBlock bool

	found bool
}

func (f *lineFinder) find(o config.Origin) line {
	text := f.report.text(o.Source)
	lines := f.linesOf(o.Source, text)
	if text == nil || o.Line < 1 || o.Line > lines.Count() {
		return line{column: o.Column}
	}
	l := f.last[o.Source]
	if l.number != o.Line {
		l = line{number: o.Line, column: 1, found: true}
		l.text = string(lines.Line(o.Line))
		l.scalars = scan(l.text, keysAround(lines, o.Line))
		l.inBlock = f.blocks[o.Source][o.Line-1]
	}
	at := min(max(o.Column-1, 0), len(l.text))
	if at < l.at {
		l.at, l.column = 0, 1
	}
	l.column += utf8.RuneCountInString(l.text[l.at:at])
	l.at = at
	f.last[o.Source] = l
	return l
}

// linesOf returns the lines of a source.
func (f *lineFinder) linesOf(source string, text []byte) *check.Lines {
	lines, ok := f.lines[source]
	if !ok {
		lines = check.NewLines(text)
		f.lines[source], f.blocks[source] = lines, blockLines(text, lines)
	}
	return lines
}

// How much of a long line is printed, in characters: what precedes the value, the
// value itself, and what follows. A line of up to longestLine is printed whole.
const (
	longestLine = 100
	shownBefore = 40
	shownValue  = 50
	shownAfter  = 10
	// In bytes; the rest of a line is not read.
	window = 1000
)

// snippet returns the line with its number, and below it a mark under the value.
func (l line) snippet(color colorizer, s config.Severity) string {
	if !l.found {
		return ""
	}
	before, value, after := l.parts()
	number := strconv.Itoa(l.number)
	bar := color.bold(blue, "|")
	mark := strings.Repeat("^", max(1, width(value)))
	return fmt.Sprintf(" %s %s %s\n %*s %s %s%s\n",
		color.bold(blue, number), bar, strings.TrimRight(withoutCommands(before+value+after), " "),
		len(number), "", bar, blanksFor(before), color.severity(s, mark))
}

// parts returns what is printed of the line before the value, of the value, and
// after it. Secrets are masked, long lines are cut.
func (l line) parts() (before, value, after string) {
	if l.inBlock {
		indent := len(l.text) - len(strings.TrimLeft(l.text, " "))
		return l.text[:indent], mask, ""
	}
	end := l.valueEnd()
	from, to := max(0, l.at-window), min(len(l.text), end+window)
	before = l.shown(from, l.at)
	value = l.shown(l.at, min(end, l.at+window))
	after = l.shown(end, to)
	if from == 0 && to == len(l.text) && end <= l.at+window &&
		utf8.RuneCountInString(before+value+after) <= longestLine {
		return before, value, after
	}
	if before = lastRunes(before, shownBefore); from > 0 && !strings.HasPrefix(before, "…") {
		before = "…" + before
	}
	return before, firstRunes(value, shownValue), firstRunes(after, shownAfter)
}

// valueEnd returns the end of the value: of an object or list, of its bracket.
func (l line) valueEnd() int {
	i := sort.Search(len(l.scalars), func(i int) bool { return l.scalars[i].start >= l.at })
	if i < len(l.scalars) && l.scalars[i].start == l.at {
		return l.scalars[i].end
	}
	_, size := utf8.DecodeRuneInString(l.text[l.at:])
	return l.at + size
}

// shown returns a part of the line, masked and safe for a terminal.
func (l line) shown(from, to int) string {
	var b strings.Builder
	for _, s := range l.secrets(from, to) {
		b.WriteString(l.text[from:s.start])
		b.WriteString(mask)
		from = s.end
	}
	b.WriteString(l.text[min(from, to):to])
	return printable(b.String())
}

// secrets returns the masked parts between from and to.
func (l line) secrets(from, to int) []span {
	var all []span
	i := sort.Search(len(l.scalars), func(i int) bool { return l.scalars[i].end > from })
	for ; i < len(l.scalars) && l.scalars[i].start < to; i++ {
		for _, s := range l.scalars[i].secrets(l.text) {
			if s = (span{max(s.start, from), min(s.end, to)}); s.start < s.end {
				all = append(all, s)
			}
		}
	}
	return all
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

func lastRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "…" + string(r[len(r)-n:])
	}
	return s
}

// count returns the number of lines of a source; one after the last line break
// counts.
func (f *lineFinder) count(source string) int {
	return f.linesOf(source, f.report.text(source)).Count()
}
