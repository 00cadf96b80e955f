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
func openData(_ context.Context, _ *Client, r request) (io.ReadCloser, error) {
	_, rest, _ := strings.Cut(r.source, ":")
	header, payload, ok := strings.Cut(rest, ",")
	if !ok {
		return nil, errors.New("this data URL has no comma before its contents")
	}
	if strings.HasSuffix(header, ";base64") {
		return io.NopCloser(base64.NewDecoder(base64.StdEncoding, strings.NewReader(payload))), nil
	}
	plain, err := url.PathUnescape(payload)
	if err != nil {
		return nil, errors.New("this data URL holds a % that is not followed by two hexadecimal digits")
	}
	return io.NopCloser(strings.NewReader(plain)), nil
}
