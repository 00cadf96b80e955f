package main

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// wide holds the characters that take two columns of a terminal, by the East
// Asian Width property of Unicode; the rarest are missing.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul Jamo
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // Kana to Yi
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK forms
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK extensions
	},
}

// width returns the columns of a terminal that a text takes; a tab counts as one.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// blanksFor returns blanks as wide as s. Tabs stay, as their width depends on the
// column.
func blanksFor(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteString(strings.Repeat(" ", runeWidth(r)))
		}
	}
	return b.String()
}

// commands are what the runners of GitHub and Azure, which read all that is printed,
// take for commands to them: ::error file=x::text at the beginning of a line,
// ##[error]text and ##vso[name]text anywhere.
var commands = regexp.MustCompile(`::[A-Za-z][A-Za-z-]*( [^:]*)?::|##(vso)?\[`)

// printable is system.PrintableLine: what comes from a config is no more lines than
// there are. Nor is it a command to what runs this program.
func printable(s string) string { return withoutCommands(system.PrintableLine(s)) }

// withoutCommands keeps the width of a text. What is put together of parts can have
// commands that none of them has.
func withoutCommands(s string) string {
	return commands.ReplaceAllStringFunc(s, func(c string) string { return c[:1] + "?" + c[2:] })
}

// oneLine joins the lines of a message.
var oneLine = strings.NewReplacer(":\n", ": ", "\n", "; ")

// printableProblems makes the texts of problems printable, of one line each. Their
// sources stay, as they are looked up by them.
func printableProblems(problems config.Problems) config.Problems {
	all := slices.Clone(problems)
	for i := range all {
		all[i].Message, all[i].Origin.Path = printable(oneLine.Replace(all[i].Message)), printable(all[i].Origin.Path)
	}
	return all
}
