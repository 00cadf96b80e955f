package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/check"
)

// Lines of a config that are printed end up in the logs of build machines, so
// these parts are masked:
//
//   - the data of a data URL
//   - user, password and query of other URLs, and what stands in place of a URL and
//     may have them
//   - values of keys that have secrets, and of all that neither the spec nor Butane
//     has a scalar for (see shownKeys)
//   - password hashes, by their form
//   - long base64 words, such as lines of a private key, but not public SSH keys
//   - lines of a block scalar of YAML (| and >)
const mask = "***"

// A span is a part of a line, in bytes.
type span struct{ start, end int }

// A scalar is a key or a value in a line, with its quotes.
type scalar struct {
	span
	// key is the key of a value, or of the list that it is in; "" for a key, and at the
	// top of a document. parent is that of the object around the key.
	key, parent string
	isKey       bool
}

// scan finds the scalars of a line of JSON or YAML, in which the objects and lists
// around it have these keys. It is no parser: it also works on broken lines and in
// comments.
func scan(text string, around []string) []scalar {
	var all []scalar
	keys := slices.Clone(around)
	if len(keys) == 0 {
		keys = []string{""}
	}
	key := keys[len(keys)-1]
	for at := 0; at < len(text); {
		if check.IsPunctuation(text, at) {
			switch text[at] {
			case '{', '[':
				keys = append(keys, key)
			case '}', ']':
				if len(keys) > 1 {
					keys = keys[:len(keys)-1]
				}
				key = keys[len(keys)-1]
			}
			at++
			continue
		}
		s := scalar{span{at, check.ScalarEnd(text, at)}, key, keys[len(keys)-1], false}
		at = s.end
		if rest := strings.TrimLeft(text[at:], " \t"); strings.HasPrefix(rest, ":") {
			key = strings.Trim(text[s.start:s.end], `"'`)
			s.key, s.isKey = "", true
		}
		all = append(all, s)
	}
	return all
}

var (
	harmless     = regexp.MustCompile(`^(true|false|null|~|[0-9]{1,3})$`)
	blockHeader  = regexp.MustCompile(`^[|>][0-9+-]*$`)
	passwordHash = regexp.MustCompile(`\$[0-9a-z]+\$\S+|grub\.pbkdf2\.\S+`)
	credentials  = regexp.MustCompile(`://+([^/?#]*)@`)
	// A password with a slash in it. Digits behind a colon are a port.
	slashedPassword = regexp.MustCompile(`://+([^/?#@:]*:[^/?#@]*[^0-9/?#@][^@]*)@`)
	query           = regexp.MustCompile(`://[^?]*\?(.*)`)
	base64Word      = regexp.MustCompile(`[0-9A-Za-z+/]{40,}=*`)
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
	case check.IsDataURL(text):
		header, _, _ := strings.Cut(text, ",")
		return []span{{min(in.start+len(header)+1, in.end), in.end}}
	case s.isKey && slices.Contains(secretKeys, s.parent) && !slices.Contains(objectKeys, text):
		return []span{in}
	case s.isKey:
	case !s.mayBeShown(text), len(text) > longest, strings.Contains(text, "PRIVATE KEY"):
		return []span{in}
	}
	return secretWords(text, in.start)
}

// mayBeShown reports whether a value is not a secret as a whole. Labels of a
// MachineConfig have keys of their own, what has no key is not of a config.
func (s scalar) mayBeShown(text string) bool {
	switch {
	case slices.Contains(secretKeys, s.key):
		return false
	case harmless.MatchString(text):
		return true
	case s.key == "", s.parent == "labels":
		return true
	case slices.Contains(urlKeys, s.key) && !strings.Contains(text, "://"):
		return !strings.ContainsAny(text, "@,")
	}
	return shownKeys()[s.key]
}

// urlKeys have URLs.
var urlKeys = []string{"source", "url", "httpProxy", "httpsProxy", "http_proxy", "https_proxy"}

// secretWords returns what looks like a secret in a text that starts at offset.
func secretWords(text string, offset int) []span {
	var all []span
	add := func(at []int) { all = append(all, span{offset + at[len(at)-2], offset + at[len(at)-1]}) }
	for _, p := range []*regexp.Regexp{credentials, slashedPassword, query, passwordHash} {
		for _, at := range p.FindAllStringSubmatchIndex(text, -1) {
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

// keysAround returns the keys of the objects and lists around a line, the outermost
// first, as its indentation shows them.
func keysAround(lines *check.Lines, number int) []string {
	line := func(i int) string { return string(lines.Line(i)) }
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " \t")) }
	isItem := func(s string) bool { return strings.HasPrefix(strings.TrimLeft(s, " \t"), "-") }
	current := line(number)
	var keys []string
	// A config with more lines above a list than these shows no more of it.
	const most = 2000
	for i := number - 1; i > 0 && i > number-most && (indent(current) > 0 || isItem(current)); i-- {
		above := line(i)
		if strings.TrimSpace(above) == "" || indent(above) > indent(current) ||
			indent(above) == indent(current) && (isItem(above) || !isItem(current)) {
			continue
		}
		if scalars := scan(above, nil); len(scalars) > 0 && scalars[len(scalars)-1].isKey {
			last := scalars[len(scalars)-1]
			keys = append(keys, strings.Trim(above[last.start:last.end], `"'`))
		}
		current = above
	}
	slices.Reverse(keys)
	return keys
}

var blockStart = regexp.MustCompile(`(^|[ \t])[|>][0-9+-]*[ \t]*(#.*)?$`)

// blockLines reports for each line whether it belongs to a block scalar. JSON has
// none.
func blockLines(text []byte, lines *check.Lines) []bool {
	inBlock := make([]bool, lines.Count())
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return inBlock
	}
	inside, margin := false, 0
	for i := range inBlock {
		line := lines.Line(i + 1)
		rest := bytes.TrimLeft(line, " ")
		if isDocumentMarker(line) {
			inside = false
			continue
		}
		if inside && (len(rest) == 0 || len(line)-len(rest) > margin) {
			inBlock[i] = true
			continue
		}
		if inside = blockStart.Match(line); inside {
			margin = blockMargin(line)
		}
	}
	return inBlock
}

// isDocumentMarker reports whether a line of YAML begins or ends a document, and so
// every block scalar before it. A block may begin behind it.
func isDocumentMarker(line []byte) bool {
	return string(line) == "---" || string(line) == "..." || bytes.HasPrefix(line, []byte("--- #"))
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
