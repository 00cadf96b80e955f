package check

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// ScalarEnd returns the end of the scalar of JSON or YAML that starts at a byte of a
// line. It also works in broken lines and in comments.
func ScalarEnd(line string, at int) int {
	rest := line[at:]
	switch {
	case rest[0] == '"':
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return at + i + 1
			}
		}
		return len(line)
	case rest[0] == '\'':
		if i := strings.IndexByte(rest[1:], '\''); i >= 0 {
			return at + i + 2
		}
		return len(line)
	case IsDataURL(rest):
		if i := strings.IndexAny(rest, " \t"); i >= 0 {
			rest = rest[:i]
		}
		return at + len(strings.TrimRight(rest, ",]}"))
	}
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '$': // the braces of a placeholder are a part of the scalar
			i += placeholderLength(rest[i:])
		case ',', ']', '}':
			return at + i
		case ':':
			if i+1 == len(rest) || rest[i+1] == ' ' {
				return at + i
			}
		case '#':
			if rest[i-1] == ' ' {
				return at + len(strings.TrimRight(rest[:i], " \t"))
			}
		}
	}
	return at + len(strings.TrimRight(rest, " \t"))
}

// IsPunctuation reports whether no scalar begins at a byte of a line.
func IsPunctuation(line string, at int) bool {
	switch line[at] {
	case ' ', '\t', '{', '}', '[', ']', ',', ':', '#':
		return true
	case '-', '?':
		return at+1 == len(line) || line[at+1] == ' '
	}
	return false
}

// IsDataURL reports whether a text begins like a data URL.
func IsDataURL(s string) bool {
	const scheme = "data:"
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// placeholderLength is how many bytes follow a dollar which belong to the same placeholder,
// ${kind:name}.
func placeholderLength(s string) int {
	inside, found := strings.CutPrefix(s, "${")
	kind, rest, colon := strings.Cut(inside, ":")
	name, _, closed := strings.Cut(rest, "}")
	if !found || !colon || !closed || !doc.IsPlaceholderName(kind) || !doc.IsPlaceholderName(name) {
		return 0
	}
	return len("{") + len(kind) + len(":") + len(name) + len("}")
}
