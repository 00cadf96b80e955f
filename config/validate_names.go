package config

import (
	"strings"
)

// Limits of Linux, in bytes.
const (
	maxPath      = 4095 // PATH_MAX without the NUL
	maxComponent = 255  // NAME_MAX
)

// pathLength checks that a path can exist.
func (v *validator) pathLength(value string, o Object, at ...any) {
	if len(value) > maxPath {
		v.error(RulePathLength, o.Origin(at...), "the path %s is %d bytes long, at most %d are possible", quote(value), len(value), maxPath)
		return
	}
	if len(value) <= maxComponent {
		return
	}
	for name := range strings.SplitSeq(value, "/") {
		if len(name) > maxComponent {
			v.error(RulePathLength, o.Origin(at...), "the name %s in this path is %d bytes long, at most %d are possible", quote(name), len(name), maxComponent)
			return
		}
	}
}

// fileName checks what becomes the name of a file and part of lines: it is neither
// empty nor too long, and has no control characters. It reports whether that is so.
func (v *validator) fileName(what, name string, limit int, o Object) bool {
	at := o.Origin("name")
	switch {
	case name == "":
		v.error(RuleNameMissing, at, "the name of the %s is missing", what)
	case len(name) > limit:
		v.error(RuleNameLength, at, "the name %s of the %s is %d bytes long, at most %d are possible", quote(name), what, len(name), limit)
	case hasControl(name):
		v.error(RuleNameControlCharacter, at, "the name %s of the %s has a line end or another control character in it, which is not possible", quote(name), what)
	default:
		return true
	}
	return false
}

// hasControl reports whether there is a control character of ASCII in a text.
func hasControl(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) >= 0
}
