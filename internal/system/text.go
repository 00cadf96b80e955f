package system

import (
	"fmt"
	"strings"
	"unicode"
)

// maxShown bounds a text for people, in bytes: what comes from outside may have any
// size, and nobody reads more. shownEnd of it are the end of the text, where the reason
// of a failure is.
const (
	maxShown = 16 << 10
	shownEnd = 4 << 10
)

// Printable replaces with question marks what is not UTF-8 and what could steer a
// terminal or change what a reader sees: control characters (C0, C1), invisible
// format characters such as bidirectional overrides, and the line and paragraph
// separators of Unicode. Tabs and line breaks stay. Texts of more than 16 KiB lose their
// middle. Whatever comes from outside passes here, or through PrintableLine, before a
// person sees it.
func Printable(text string) string {
	if len(text) > maxShown {
		text = fmt.Sprintf("%s... (%d bytes) ...%s", text[:maxShown-shownEnd], len(text), text[len(text)-shownEnd:])
	}
	if isPlain(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// isPlain reports whether all of a text is printable ASCII, as nearly all of them are.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' && c != '\n' || c > '~' {
			return false
		}
	}
	return true
}

// PrintableLine is Printable for what is one line, in which it replaces line breaks
// as well.
func PrintableLine(text string) string { return strings.ReplaceAll(Printable(text), "\n", "?") }

// Plural counts things: "1 operation", "2 operations".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// FormatSize prints a size in bytes as people speak of it: "10 GiB", "1.5 MiB".
func FormatSize(bytes uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	n, unit := float64(bytes), 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + units[unit]
}
