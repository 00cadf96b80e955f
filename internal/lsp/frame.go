package lsp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// maxMessage bounds one message, in bytes. A document is sent as a whole.
	maxMessage = 64 << 20
	// maxHeader bounds the lines before a message, in bytes.
	maxHeader = 4 << 10
)

// readFrame reads one message. The error is io.EOF if the input ends before it. After any
// other error nobody knows where the next message starts.
func readFrame(r *bufio.Reader) ([]byte, error) {
	length, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	// What was announced is not allocated before it is there.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, length); err != nil {
		return nil, fmt.Errorf("reading a message of %d bytes: %w", length, noEOF(err))
	}
	return body.Bytes(), nil
}

// readHeader reads the lines before a message and returns its length.
func readHeader(r *bufio.Reader) (int64, error) {
	length := int64(-1)
	for read := 0; ; {
		line, err := r.ReadSlice('\n')
		read += len(line)
		switch {
		case errors.Is(err, io.EOF) && read == 0:
			return 0, io.EOF
		case errors.Is(err, bufio.ErrBufferFull) || read > maxHeader:
			return 0, fmt.Errorf("reading the header of a message: it is longer than %d bytes; is this a client of the language server protocol?", maxHeader)
		case err != nil:
			return 0, fmt.Errorf("reading the header of a message: %w", noEOF(err))
		}
		name, value, isField := strings.Cut(strings.TrimRight(string(line), "\r\n"), ":")
		switch {
		case name == "" && !isField && length < 0:
			return 0, errors.New("reading the header of a message: there is no Content-Length")
		case name == "" && !isField:
			return length, nil
		case !isField:
			return 0, fmt.Errorf("reading the header of a message: %.40q has no colon; is this a client of the language server protocol?", name)
		case strings.EqualFold(name, "Content-Length"):
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 63)
			if err != nil {
				return 0, fmt.Errorf("reading the header of a message: %.40q is no Content-Length", strings.TrimSpace(value))
			}
			if n > maxMessage {
				return 0, fmt.Errorf("reading the header of a message: %d bytes are announced, at most %d are possible", n, maxMessage)
			}
			length = int64(n)
		}
	}
}

// noEOF is for an end in the middle of something.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func writeFrame(w io.Writer, body []byte) error {
	_, err := fmt.Fprintf(w, "Content-Length: %d\r\n\r\n%s", len(body), body)
	if err != nil {
		return fmt.Errorf("writing a message: %w", err)
	}
	return nil
}
