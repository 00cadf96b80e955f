package config

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxEncodings bounds how often a config is packed.
const maxEncodings = 4

// padding is what may be around a text without a meaning.
const padding = "\x00 \t\r\n"

// byteOrderMark is what some editors begin a text with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Unpack undoes what a config, in any language, was packed with on its way: gzip
// (RFC 1952) and base64 (RFC 4648), also in each other. It returns their names, the
// outermost first. A byte-order mark and NULs around the text are removed, and
// nothing is left of a text of padding. Other white space stays, so that lines are
// counted as the author sees them. A text that is not packed is returned as it is.
//
// The error, if any, is a *ParseError, whose origin has the given name.
func Unpack(text []byte, name string) (plain []byte, encodings []string, err error) {
	for {
		encoding, unpacked, err := unpackOnce(bytes.TrimLeft(text, padding))
		if err == nil && encoding != "" && len(encodings) == maxEncodings {
			err = fmt.Errorf("it is packed more than %d times: %s", maxEncodings, strings.Join(encodings, ", "))
		}
		if err != nil {
			wayOut := "pack it again: firstlightctl pack CONFIG"
			if errors.As(err, new(tooLarge)) {
				wayOut = "have the config refer to large contents by their URL"
			}
			return nil, encodings, &ParseError{ErrInvalid, Problems{NewProblem(RulePackingDamaged, Error, Origin{Source: name},
				"this is %s that cannot be unpacked: %v; %s", encoding, err, wayOut)}}
		}
		if encoding == "" {
			return clean(text), encodings, nil
		}
		text, encodings = unpacked, append(encodings, encoding)
	}
}

func trim(text []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(bytes.Trim(text, padding), byteOrderMark), padding)
}

// clean removes what no config may hold.
func clean(text []byte) []byte {
	if len(trim(text)) == 0 {
		return nil
	}
	if len(text) > 3 && text[0] == 0 && text[2] == 0 && text[1] != 0 && text[3] != 0 {
		return text // UTF-16: these are halves of characters
	}
	return bytes.TrimPrefix(bytes.Trim(text, "\x00"), byteOrderMark)
}

// unpackOnce undoes one encoding, "" if there is none.
func unpackOnce(text []byte) (encoding string, unpacked []byte, err error) {
	if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		unpacked, err = gunzip(text)
		return "gzip", unpacked, err
	}
	if unpacked, ok := fromBase64(trim(text)); ok {
		return "base64", unpacked, nil
	}
	return "", nil, nil
}

// gunzip decompresses all members of a gzip. Padding may follow them, such as the
// NULs that fill a device. It does so twice: a few kilobytes can be of any size, which
// is known before it takes memory.
func gunzip(text []byte) ([]byte, error) {
	size := counter{limit: CurrentLimit()}
	if err := gunzipTo(&size, text); err != nil {
		return nil, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, size.bytes+bytes.MinRead))
	err := gunzipTo(plain, text)
	return plain.Bytes(), err
}

func gunzipTo(w io.Writer, text []byte) error {
	rest := bytes.NewReader(text)
	r, err := gzip.NewReader(rest)
	for err == nil {
		r.Multistream(false)
		if _, err = io.Copy(w, r); err != nil {
			break
		}
		if len(bytes.Trim(text[len(text)-rest.Len():], padding)) == 0 {
			return nil
		}
		err = r.Reset(rest)
	}
	return plainGzip(err)
}

// A counter counts what is written, up to a limit.
type counter struct {
	limit Limit
	bytes int
}

func (c *counter) Write(p []byte) (int, error) {
	if c.bytes += len(p); c.bytes > c.limit.Bytes {
		return 0, tooLarge{c.limit}
	}
	return len(p), nil
}

// plainGzip returns an error of package gzip in words.
func plainGzip(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("it ends too early")
	case errors.Is(err, gzip.ErrHeader):
		return errors.New("it does not begin like gzip")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("its checksum is wrong")
	case errors.As(err, &corrupt):
		return fmt.Errorf("it is damaged near byte %d", int64(corrupt))
	}
	return err
}

// tooLarge is the error of what would be more than configs may have.
type tooLarge struct{ limit Limit }

func (e tooLarge) Error() string { return "it has more than " + e.limit.String() }

func withoutBlanks(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			out = append(out, c)
		}
	}
	return out
}

// fromBase64 decodes a text if it is base64, of either alphabet, with or without
// padding and line ends, and if the result is known or packed again: most short
// words are base64, too.
func fromBase64(text []byte) ([]byte, bool) {
	if len(text) == 0 || bytes.ContainsAny(text[:1], "{[#\"<") || bytes.IndexByte(text, ':') >= 0 {
		return nil, false
	}
	if bytes.ContainsAny(text, " \t") { // the decoder passes over line ends only
		text = withoutBlanks(text)
	}
	text = bytes.TrimRight(text, "=\r\n")
	alphabet := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		alphabet = base64.RawURLEncoding
	}
	plain := make([]byte, alphabet.DecodedLen(len(text)))
	n, err := alphabet.Decode(plain, text)
	if err != nil {
		return nil, false
	}
	plain = plain[:n]
	inner := trim(plain)
	for _, begin := range [...]string{"{", "\x1f\x8b", "#", "variant:"} {
		if bytes.HasPrefix(inner, []byte(begin)) {
			return plain, true
		}
	}
	if bytes.Contains(inner, []byte("\nvariant:")) || lookupForeign(inner) != nil {
		return plain, true
	}
	_, again := fromBase64(inner)
	return plain, again
}
