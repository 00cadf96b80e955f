package fetch

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// fileSchemes are those of files that can have others beside them.
var fileSchemes = []string{"arn", "gs", "http", "https", OEMScheme, "s3", "tftp"}

// Beside returns the URL of the file whose name has a suffix more than that of a source,
// before what is asked of it: for .sig, of https://host/a?b that is https://host/a.sig?b.
// It is "" where there is no such file.
func Beside(source, suffix string) string {
	scheme, rest, _ := strings.Cut(source, ":")
	end := strings.IndexAny(rest, "?#")
	if end < 0 {
		end = len(rest)
	}
	file := rest[:end]
	if !slices.Contains(fileSchemes, strings.ToLower(scheme)) || !strings.Contains(strings.TrimPrefix(file, "//"), "/") {
		return ""
	}
	return scheme + ":" + file + suffix + rest[end:]
}

// CheckedBytes is Bytes, and calls check with the bytes as they were fetched: before they
// are decompressed, if they are. What check returns is the resource.
func (c *Client) CheckedBytes(ctx context.Context, r config.Resource, limit config.Limit, check func(raw []byte) ([]byte, error)) ([]byte, error) {
	fetched := r
	compressed := config.ValueOr(r.Compression, "") != ""
	if compressed { // the hash is that of the decompressed bytes
		fetched.Compression, fetched.Verification = nil, config.Verification{}
	}
	raw, err := c.Bytes(ctx, fetched, limit)
	if err == nil {
		raw, err = check(raw)
	}
	if err != nil || !compressed {
		return raw, err
	}
	b := &boundedBuffer{limit: limit}
	if err := writeVerified(b, bytes.NewReader(raw), r); err != nil {
		return nil, explain(r, err)
	}
	return b.bytes(), nil
}
