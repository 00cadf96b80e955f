package system

import (
	"fmt"
	"strings"
	"unicode"
)

// Printable replaces what could steer a terminal, and what is not UTF-8, with
// question marks. Tabs and line breaks stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\n' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

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
