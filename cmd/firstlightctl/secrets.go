package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Lines of a config that are printed end up in the logs of build machines, so
// these parts are masked:
//
//   - the data of a data URL
//   - user, password and query of other URLs
//   - password hashes, by their form and by their keys
//   - values of HTTP headers and contents of files, keys and units, by their keys
//   - long base64 words, such as lines of a private key, but not public SSH keys
//   - lines of a block scalar of YAML (| and >)
const mask = "***"

// A span is a part of a line, in bytes.
type span struct{ start, end int }

// A scalar is a key or a value in a line, with its quotes.
type scalar struct {
	span
	// key is the key of a value; "" for a key.
	key string
}

// scan finds the scalars of a line of JSON or YAML. It is no parser: it also
// works on broken lines and in comments.
func scan(text string) []scalar {
	var all []scalar
	key := ""
	for at := 0; at < len(text); {
		if isPunctuation(text, at) {
			at++
			continue
		}
		s := scalar{span{at, scalarEnd(text, at)}, key}
		at = s.end
		if rest := strings.TrimLeft(text[at:], " \t"); strings.HasPrefix(rest, ":") {
			key = strings.Trim(text[s.start:s.end], `"'`)
			s.key = ""
		}
		all = append(all, s)
	}
	return all
}

func isPunctuation(text string, at int) bool {
	switch text[at] {
	case ' ', '\t', '{', '}', '[', ']', ',', ':', '#':
		return true
	case '-', '?':
		return at+1 == len(text) || text[at+1] == ' '
	}
	return false
}

// scalarEnd returns the end of the scalar that starts at at.
func scalarEnd(text string, at int) int {
	rest := text[at:]
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
		return len(text)
	case rest[0] == '\'':
		if i := strings.IndexByte(rest[1:], '\''); i >= 0 {
			return at + i + 2
		}
		return len(text)
	case isDataURL(rest):
		if i := strings.IndexAny(rest, " \t"); i >= 0 {
			rest = rest[:i]
		}
		return at + len(strings.TrimRight(rest, ",]}"))
	}
	for i := range len(rest) {
		switch rest[i] {
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

func isDataURL(s string) bool {
	const scheme = "data:"
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

var (
	secretKeys = []string{"contents", "inline", "password_hash", "passwordHash", "value"}

	blockHeader  = regexp.MustCompile(`^[|>][0-9+-]*$`)
	passwordHash = regexp.MustCompile(`\$[0-9a-z]+\$\S+|grub\.pbkdf2\.\S+`)
	credentials  = regexp.MustCompile(`://([^/?#]*)@`)
	query        = regexp.MustCompile(`://[^?]*\?(.*)`)
	base64Word   = regexp.MustCompile(`[0-9A-Za-z+/]{40,}=*`)
)

// secrets returns the parts of a scalar that are masked.
func (s scalar) secrets(line string) []span {
	text := line[s.start:s.end]
	in := s.span
	if quote := text[0]; quote == '"' || quote == '\'' {
		in.start++
		if len(text) > 1 && text[len(text)-1] == quote {
			in.end--
		}
		text = line[in.start:in.end]
	}
	// A longer value is never printed whole.
	const longest = 1000
	switch {
	case blockHeader.MatchString(text):
		return nil
	case isDataURL(text):
		header, _, _ := strings.Cut(text, ",")
		return []span{{min(in.start+len(header)+1, in.end), in.end}}
	case slices.Contains(secretKeys, s.key), len(text) > longest, strings.Contains(text, "PRIVATE KEY"):
		return []span{in}
	}
	return secretWords(text, in.start)
}

// secretWords returns what looks like a secret in a text that starts at offset.
func secretWords(text string, offset int) []span {
	var all []span
	add := func(at []int) { all = append(all, span{offset + at[len(at)-2], offset + at[len(at)-1]}) }
	for _, p := range []*regexp.Regexp{credentials, query, passwordHash} {
		if at := p.FindStringSubmatchIndex(text); at != nil {
			add(at)
		}
	}
	for _, at := range base64Word.FindAllStringIndex(text, -1) {
		if isKeyMaterial(text[at[0]:at[1]]) {
			add(at)
		}
	}
	return disjoint(all)
}

// isKeyMaterial reports whether word looks like base64, rather than a path, a
// hexadecimal hash or a public SSH key.
func isKeyMaterial(word string) bool {
	return strings.ContainsAny(word, "0123456789") && strings.ToLower(word) != word && strings.ToUpper(word) != word &&
		!strings.HasPrefix(word, "AAAA")
}

// disjoint sorts spans and joins those that overlap.
func disjoint(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return a.start - b.start })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}

var blockStart = regexp.MustCompile(`(^|[ \t])[|>][0-9+-]*[ \t]*(#.*)?$`)

// blockLines reports for each line whether it belongs to a block scalar. JSON has
// none.
func blockLines(text []byte, starts []int) []bool {
	lines := make([]bool, len(starts))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return lines
	}
	inside, margin := false, 0
	for i := range len(starts) - 1 {
		line := bytes.TrimRight(text[starts[i]:starts[i+1]], "\r\n")
		rest := bytes.TrimLeft(line, " ")
		if inside && (len(rest) == 0 || len(line)-len(rest) > margin) {
			lines[i] = true
			continue
		}
		if inside = blockStart.Match(line); inside {
			margin = blockMargin(line)
		}
	}
	return lines
}

// blockMargin returns the indentation that the lines of a block scalar exceed:
// that of its key, or of the dash if there is no key.
func blockMargin(line []byte) int {
	rest := bytes.TrimLeft(line, " -")
	margin := len(line) - len(rest)
	switch {
	case bytes.HasPrefix(line, []byte("---")): // the start of a document
		return -1
	case bytes.ContainsRune(rest, ':'):
		return margin
	}
	return bytes.LastIndexByte(line[:margin], '-')
}
