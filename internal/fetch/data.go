package fetch

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strings"
)

// openData decodes a data URL (RFC 2397) as a stream: a large file inside a
// config need not stand in memory once more. That the URL is well formed in
// all parts was checked with the config.
func openData(_ context.Context, _ *Client, r download) (io.ReadCloser, error) {
	_, rest, _ := strings.Cut(r.source, ":")
	header, payload, ok := strings.Cut(rest, ",")
	if !ok {
		return nil, errors.New("this data URL has no comma before its contents")
	}
	if strings.HasSuffix(header, ";base64") {
		if strings.ContainsAny(payload, "\r\n") {
			return io.NopCloser(base64.NewDecoder(base64.StdEncoding, strings.NewReader(payload))), nil
		}
		return io.NopCloser(&base64Reader{rest: payload}), nil
	}
	plain, err := url.PathUnescape(payload)
	if err != nil {
		return nil, errors.New("this data URL holds a % that is not followed by two hexadecimal digits")
	}
	return io.NopCloser(strings.NewReader(plain)), nil
}

// A base64Reader decodes text without line ends, large pieces at a time.
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
