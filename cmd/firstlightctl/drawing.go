package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

const (
	defaultColumns = 80
	minColumns     = 40
	green          = "32"
	margin         = "  "
)

// columns returns how wide a drawing on w is: as COLUMNS says, or as wide as the terminal.
func columns(w io.Writer) int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if f, ok := w.(*os.File); ok && (err != nil || n <= 0) {
		n = terminalColumns(f)
	}
	if n <= 0 {
		return defaultColumns
	}
	return max(n, minColumns)
}

// A drawing prints plans and records for people. Whatever is coloured also has a mark or a
// word with the same meaning.
type drawing struct {
	columns int
	color   colorizer
}

// origin formats an origin with its path.
func origin(o config.Origin) string {
	at := position(o, o.Column)
	if o.Path != "" {
		at = strings.TrimSpace(at + " (" + o.Path + ")")
	}
	return at
}

// listItem is an entry of a numbered list, wrapped.
func (d drawing) listItem(i int, text string) string {
	return d.wrap(fmt.Sprintf("%3d. ", i+1), text)
}

// note is a line below an item; "" if text is empty.
func (d drawing) note(label, text string) string {
	if text == "" {
		return ""
	}
	return d.wrap("     "+label+": ", text)
}

// wrap breaks a text at blanks and indents it by the width of before.
func (d drawing) wrap(before, text string) string {
	var b strings.Builder
	b.WriteString(before)
	at, indent := width(before), width(before)
	for i, word := range strings.Fields(printable(text)) {
		switch {
		case i == 0:
		case at+1+width(word) > d.columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += width(word)
	}
	return b.String() + "\n"
}

// fit cuts or pads a text to a width in cells.
func fit(text string, cells int) string {
	var b strings.Builder
	for _, r := range printable(text) {
		if runeWidth(r) > cells {
			break
		}
		b.WriteRune(r)
		cells -= runeWidth(r)
	}
	return b.String() + strings.Repeat(" ", max(cells, 0))
}
