package config

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A form reports whether a text has a format, by how it begins.
type form func(text string) bool

// begins is for texts that begin with one of some words.
func begins(words ...string) form {
	return func(text string) bool {
		_, ok := cutAny(text, words...)
		return ok
	}
}

// beginsIn is begins for words in lower case that the text may have in any case.
func beginsIn(words ...string) form {
	const longest = 64 // of the words, in bytes
	return func(text string) bool { return begins(words...)(lower(text[:min(len(text), longest)])) }
}

// either is for several forms.
func either(forms ...form) form {
	return func(text string) bool {
		for _, f := range forms {
			if f(text) {
				return true
			}
		}
		return false
	}
}

// cutAny returns a text without the first of some words that it begins with.
func cutAny(text string, words ...string) (rest string, found bool) {
	for _, w := range words {
		if rest, ok := strings.CutPrefix(text, w); ok {
			return rest, true
		}
	}
	return text, false
}

// cutWord is cutAny for words that end there.
func cutWord(text string, words ...string) (rest string, found bool) {
	rest, found = cutAny(text, words...)
	return rest, found && (rest == "" || !isWordByte(rest[0]))
}

// hasWord reports whether a text has a word that ends there, anywhere.
func hasWord(text, word string) bool {
	for {
		_, after, found := strings.Cut(text, word)
		if !found || after == "" || !isWordByte(after[0]) {
			return found
		}
		text = after
	}
}

const (
	digits       = "0123456789"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	letters      = lowerLetters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	whiteSpace   = " \t\n\f\r"
)

func isWordByte(c byte) bool { return strings.IndexByte(letters+digits+"_", c) >= 0 }

func startsWithAny(text, characters string) bool {
	return text != "" && strings.IndexByte(characters, text[0]) >= 0
}

// lower has the letters of ASCII in lower case: no word here has others.
func lower(text string) string {
	all := []byte(text)
	for i, c := range all {
		if 'A' <= c && c <= 'Z' {
			all[i] = c | 0x20
		}
	}
	return string(all)
}

func isUTF16(text string) bool {
	if begins("\xff\xfe", "\xfe\xff")(text) {
		return true
	}
	isText := func(c byte) bool { return '\t' <= c && c <= '~' }
	return len(text) >= 4 && (isText(text[0]) && text[1] == 0 && isText(text[2]) && text[3] == 0 ||
		text[0] == 0 && isText(text[1]) && text[2] == 0 && isText(text[3]))
}

func isWebPage(text string) bool {
	if !startsWithAny(text, "<") {
		return false
	}
	text = lower(text)
	if rest, ok := strings.CutPrefix(text, "<!doctype"); ok {
		if kind := strings.TrimLeft(rest, whiteSpace); len(kind) < len(rest) && strings.HasPrefix(kind, "html") {
			return true
		}
	}
	_, known := cutWord(text, "<head", "<body")
	return known || begins("<html")(text) || begins("<?", "<!")(text) && hasWord(text, "<html")
}

func isAutoYaST(text string) bool {
	_, known := cutWord(text, "<profile")
	return known || begins("<?xml")(text) && hasWord(text, "<profile")
}

func isXML(text string) bool {
	rest, ok := strings.CutPrefix(text, "<")
	return ok && startsWithAny(rest, "?!"+letters)
}

// isAnswer is for the first line of an answer: HTTP/1.1 200.
func isAnswer(text string) bool {
	rest, ok := strings.CutPrefix(text, "HTTP/")
	status := strings.TrimLeft(rest, digits+".")
	return ok && len(status) < len(rest) && startsWithAny(status, " ") && startsWithAny(status[1:], digits)
}

// isErrorAnswer is for the words of an error: 404 Not Found.
func isErrorAnswer(text string) bool {
	if startsWithAny(text, "45") && len(text) > 3 && strings.Trim(text[1:3], digits) == "" {
		rest := text[3:]
		words := strings.TrimLeft(rest, ": ")
		return len(words) < len(rest) && startsWithAny(words, letters)
	}
	_, known := cutWord(lower(text[:min(len(text), 64)]), "not found", "forbidden", "unauthorized", "access denied", "bad gateway")
	return known
}

// isCombustion is for a script with a line "# combustion:" as its second or third.
func isCombustion(text string) bool {
	lines := strings.SplitN(text, "\n", 4)
	if !begins("#!")(text) {
		return false
	}
	for _, line := range lines[1:min(len(lines), 3)] {
		comment, ok := strings.CutPrefix(line, "#")
		if ok && begins("combustion:")(strings.TrimLeft(comment, " ")) {
			return true
		}
	}
	return false
}

func isKickstart(text string) bool {
	if comment, ok := strings.CutPrefix(text, "#"); ok {
		return begins("version=", "platform=")(comment) || begins("kickstart")(strings.TrimLeft(comment, whiteSpace))
	}
	_, known := cutWord(text, "%pre", "%post", "%packages")
	return known
}

func isBzip2(text string) bool {
	rest, ok := strings.CutPrefix(text, "BZh")
	return ok && startsWithAny(rest, "123456789")
}

// isBase64 is for gzip and for configs in base64.
func isBase64(text string) bool {
	rest, ok := cutAny(text, "H4sI", "eyJ", "eyA", "ewo", "ew0K", "dmFyaWFud")
	return ok && startsWithAny(rest, letters+digits+"_+/=-"+whiteSpace)
}

func isURL(text string) bool {
	rest, ok := cutAny(text, "data:", "http:", "https:", "s3:", "gs:", "tftp:")
	return ok && !strings.ContainsAny(strings.TrimRight(rest, whiteSpace), whiteSpace)
}

// isTOML is for a first line like [section].
func isTOML(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	rest, ok := cutAny(line, "[[", "[")
	name := strings.TrimLeft(rest, letters+digits+"_.-")
	end, closed := cutAny(name, "]]", "]")
	return ok && startsWithAny(rest, letters) && closed && strings.TrimLeft(end, whiteSpace) == ""
}

func isMachineConfig(text string) bool {
	for before, after := range doc.Keys(text, "kind", whiteSpace) {
		value, _ := cutAny(strings.TrimLeft(after, whiteSpace), `"`, "'")
		if _, known := cutWord(value, "MachineConfig"); known && (doc.AtMargin(before) || doc.InBraces(before)) {
			return true
		}
	}
	return false
}

func isKubernetes(text string) bool { return doc.HasKey(text, "apiVersion") }

func isCloudConfig(text string) bool {
	return hasSection(text, "runcmd", "bootcmd", "write_files", "packages", "users", "coreos")
}

func isContainerLinuxConfig(text string) bool {
	if hasSection(text, "etcd", "flannel", "locksmith", "docker", "update", "networkd") {
		return true
	}
	for line := range strings.Lines(text) {
		key := strings.TrimLeft(line, " ")
		if len(key) < len(line) && begins("filesystem:", "enable:")(strings.TrimPrefix(key, "- ")) {
			return true
		}
	}
	return false
}

// hasSection reports whether a text has one of some keys at the left margin, with its value
// in the next lines.
func hasSection(text string, keys ...string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		rest, ok := cutAny(line, keys...)
		if value, isKey := strings.CutPrefix(rest, ":"); ok && isKey && strings.Trim(value, " \t") == "" {
			return true
		}
	}
	return false
}

// hasVariant reports whether a text has the key variant at the left margin.
func hasVariant(text string) bool {
	for before := range doc.Keys(text, "variant", " \t") {
		if doc.AtMargin(before) {
			return true
		}
	}
	return false
}
