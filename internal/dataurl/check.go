package dataurl

import (
	"errors"
	"strings"
)

// Check reports what is wrong with a data URL, in one pass and without memory for
// the contents.
func Check(source string) error {
	contents, isBase64, err := split(source)
	switch {
	case err != nil:
		return err
	case isBase64:
		return checkBase64(contents)
	}
	return checkEscaped(contents)
}

// skipMediaType returns what follows after TYPE/SUBTYPE, both of which can be
// left out together.
func skipMediaType(s string) (string, error) {
	if s == "" || s[0] == ';' || s[0] == ',' {
		return s, nil
	}
	name := s[:tokenLength(s)]
	if !strings.HasPrefix(s[len(name):], "/") {
		return "", errors.New("the data URL's media type should be of the form TYPE/SUBTYPE; it can be omitted: \"data:,hello\"")
	}
	if !knownMedia(name) {
		return "", errors.New("the data URL's media type is unknown; it should begin with text, image, audio, video, application, message, multipart or x-")
	}
	s = s[len(name)+1:]
	return s[tokenLength(s):], nil
}

func knownMedia(name string) bool {
	for _, prefix := range [...]string{"text", "image", "audio", "video", "application", "message", "multipart", "x-", "X-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var errParameter = errors.New("the data URL's parameters should be of the form ;NAME=VALUE, and \";base64\", in lower case, be the last")

// skipParameter returns what follows after NAME=VALUE.
func skipParameter(s string) (string, error) {
	name := tokenLength(s)
	if name == 0 || !strings.HasPrefix(s[name:], "=") {
		return "", errParameter
	}
	s = s[name+1:]
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		return skipQuoted(quoted)
	}
	value := s[:tokenLength(s)]
	if value == "" || !escapesAreWhole(value) {
		return "", errParameter
	}
	return s[len(value):], nil
}

// skipQuoted returns what follows after the closing quote.
func skipQuoted(s string) (string, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], nil
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		case c == '\\' || c < ' ' || c > '~' || c == '#' || c == '?' || c == '%':
			return "", errParameter
		}
	}
	return "", errParameter
}

// tokenLength measures a token of RFC 2045 at the start of s.
func tokenLength(s string) int {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return i
		}
	}
	return len(s)
}

// checkEscaped checks contents that are not base64.
func checkEscaped(s string) error {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("\"#<>[\\]^`{|}", c) >= 0 {
			return errors.New("there is a character in the data URL's contents that should be written as %XX, or all of it in base64")
		}
	}
	if !escapesAreWhole(s) {
		return errEscape
	}
	return nil
}

var errEscape = errors.New("there is a % in the data URL's contents without two hexadecimal digits after it; a plain % is written %25")

// escapesAreWhole reports whether each % has two hexadecimal digits after it.
func escapesAreWhole(s string) bool {
	for {
		_, after, found := strings.Cut(s, "%")
		if !found {
			return true
		}
		if len(after) < 2 || !isHex(after[0]) || !isHex(after[1]) {
			return false
		}
		s = after[2:]
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// checkBase64 checks contents in base64 (RFC 4648 section 4, with padding).
func checkBase64(s string) error {
	body := strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	var other byte
	for i := range len(body) { // without a branch: there may be tens of megabytes
		other |= otherLetters[body[i]]
	}
	if strings.ContainsAny(body, " \t\r\n") {
		return errors.New("the data URL's base64 has line breaks or blanks in it; write it as one line (base64 -w0)")
	}
	if other != 0 {
		return errors.New("the data URL's contents are not base64 of the standard alphabet (A-Z a-z 0-9 + /)")
	}
	if len(s)%4 != 0 {
		return errors.New("the data URL's base64 is cut off, or its padding with = is missing")
	}
	return nil
}

// otherLetters is 1 for each byte that is not in the alphabet.
var otherLetters = func() (other [256]byte) {
	for i := range other {
		other[i] = 1
	}
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		other[c] = 0
	}
	return other
}()
