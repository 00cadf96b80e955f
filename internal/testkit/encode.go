package testkit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
)

// Gzip compresses a text.
func Gzip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b) // into memory, which does not fail
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// Base64 encodes a text in one line.
func Base64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// WrappedBase64 has line ends as the program base64 makes them.
func WrappedBase64(text string) string {
	const width = 76
	var b strings.Builder
	for line := Base64(text); line != ""; {
		n := min(width, len(line))
		b.WriteString(line[:n] + "\n")
		line = line[n:]
	}
	return b.String()
}
