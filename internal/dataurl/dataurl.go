package dataurl

import (
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strings"
)

// Encode returns contents in base64 as a data URL. The media type may be empty.
func Encode(mediaType string, contents []byte) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(contents)
}

// Escape returns contents as a data URL in which reserved characters are written
// %XX. Text is shorter that way.
func Escape(contents []byte) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(contents)+len(contents)/2)
	b = append(b, "data:,"...)
	for _, c := range contents {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// NewReader returns the contents of a data URL as a stream.
func NewReader(source string) (io.Reader, error) {
	contents, isBase64, err := split(source)
	switch {
	case err != nil:
		return nil, err
	case isBase64:
		return &base64Reader{rest: contents}, nil
	}
	plain, err := url.PathUnescape(contents)
	if err != nil {
		return nil, errEscape
	}
	return strings.NewReader(plain), nil
}

// split returns the contents as they are written, and their encoding.
func split(source string) (contents string, isBase64 bool, err error) {
	_, rest, _ := strings.Cut(source, ":")
	rest, err = skipMediaType(rest)
	for err == nil && strings.HasPrefix(rest, ";") {
		if contents, ok := strings.CutPrefix(rest, ";base64,"); ok {
			return contents, true, nil
		}
		rest, err = skipParameter(rest[1:])
	}
	switch {
	case err != nil:
		return "", false, err
	case rest == "":
		return "", false, errors.New("there is no comma in the data URL; the contents follow after it, as in \"data:,hello\"")
	case rest[0] != ',':
		return "", false, errors.New("the data URL has a character before the comma that cannot be there")
	}
	return rest[1:], false, nil
}

// A base64Reader decodes large pieces at a time.
type base64Reader struct {
	rest  string
	piece [32 << 10]byte
	plain []byte // what is left of the piece
}

func (r *base64Reader) Read(p []byte) (int, error) {
	if len(r.plain) == 0 {
		if r.rest == "" {
			return 0, io.EOF
		}
		n := copy(r.piece[:], r.rest)
		r.rest = r.rest[n:]
		n, err := base64.StdEncoding.Decode(r.piece[:], r.piece[:n])
		if err != nil {
			return 0, err
		}
		r.plain = r.piece[:n]
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}
