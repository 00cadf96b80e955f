package bootloader

import (
	"bytes"
	"fmt"
	"strings"
)

// A grubenv is the text of GRUB's environment block (GRUB manual, section 15.5):
// lines of NAME=VALUE after a header, filled up with # to its size, which GRUB
// itself does not change.
type grubenv string

const grubenvHeader = "# GRUB Environment Block\n"

// kernelopts is the variable by which entries share kernel arguments.
const kernelopts = "kernelopts"

// escapes of values.
var (
	grubenvEscape   = strings.NewReplacer(`\`, `\\`, "\n", "\\\n")
	grubenvUnescape = strings.NewReplacer(`\\`, `\`, "\\\n", "\n")
)

// value returns the variable's value, "" if it is not set.
func (e grubenv) value() string {
	_, value, _, found := e.cut()
	if !found {
		return ""
	}
	return grubenvUnescape.Replace(value)
}

// cut returns what is before the value of kernelopts, the value as it is written,
// and what follows it.
func (e grubenv) cut() (before, value, after string, found bool) {
	text := string(e)
	for start := 0; start < len(text); {
		end := lineEnd(text, start)
		if name, _, ok := strings.Cut(text[start:end], "="); ok && name == kernelopts {
			at := start + len(kernelopts) + 1
			return text[:at], text[at:end], text[end:], true
		}
		start = end + 1
	}
	return "", "", "", false
}

// lineEnd is where a line ends whose line end is not escaped.
func lineEnd(text string, start int) int {
	for i := start; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return i
		}
	}
	return len(text)
}

// set returns the block with another value, of the same size.
func (e grubenv) set(value string) (grubenv, error) {
	before, _, after, _ := e.cut()
	text := []byte(before + grubenvEscape.Replace(value) + strings.TrimRight(after, "#"))
	if len(text) > len(e) {
		return "", fmt.Errorf("the kernel arguments do not fit: GRUB's environment block has %d bytes", len(e))
	}
	return grubenv(append(text, bytes.Repeat([]byte("#"), len(e)-len(text))...)), nil
}
