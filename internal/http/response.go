package http

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// A MalformedError is something else than a response. What came is in Sent.
type MalformedError struct{ What, Sent string }

func (e *MalformedError) Error() string { return fmt.Sprintf("malformed %s %q", e.What, e.Sent) }

// maxInterim bounds the responses before the response (RFC 9110, 15.2).
const maxInterim = 5

// ReadResponse reads the response to a GET, whose body ends with r at the latest.
func ReadResponse(r *bufio.Reader) (*Response, error) {
	resp, _, err := readResponse(r, MethodGet)
	return resp, err
}

// readResponse reads the response to a request. It reports whether another one can
// follow after its body.
func readResponse(r *bufio.Reader, method string) (resp *Response, more bool, err error) {
	for range maxInterim {
		var minor int
		if resp, minor, err = readHeader(r); err != nil {
			return nil, false, err
		}
		if resp.StatusCode/100 != 1 {
			more = minor > 0 && !resp.Header.has("Connection", "close")
			delimited, err := resp.frame(r, method, minor)
			return resp, more && delimited, err
		}
	}
	return nil, false, errors.New("the server sends one interim response after the other")
}

// readHeader reads the status line and the fields. The minor version of HTTP is 0 or 1.
func readHeader(r *bufio.Reader) (resp *Response, minor int, err error) {
	lines := textproto.NewReader(r)
	line, err := lines.ReadLine()
	if err != nil {
		return nil, 0, whole(err)
	}
	version, status, ok := strings.Cut(line, " ")
	if !ok {
		return nil, 0, &MalformedError{"HTTP response", line}
	}
	if minor = slices.Index([]string{"HTTP/1.0", "HTTP/1.1"}, version); minor < 0 {
		return nil, 0, &MalformedError{"HTTP version", version}
	}
	resp = &Response{Status: strings.TrimLeft(status, " ")}
	digits, _, _ := strings.Cut(resp.Status, " ")
	code, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || len(digits) != 3 {
		return nil, 0, &MalformedError{"HTTP status code", digits}
	}
	fields, err := lines.ReadMIMEHeader()
	if err != nil {
		return nil, 0, whole(err)
	}
	resp.StatusCode, resp.Header = int(code), Header(fields)
	return resp, minor, nil
}

// whole makes an end where none can be an error.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// frame finds where the body ends (RFC 9112, 6.3). It reports whether that is before
// the end of the connection.
func (resp *Response) frame(r *bufio.Reader, method string, minor int) (delimited bool, err error) {
	length, err := resp.length()
	if err != nil {
		return false, err
	}
	codings := resp.Header["Transfer-Encoding"]
	resp.ContentLength = length
	switch {
	case method == MethodHead:
		resp.Body = NoBody
	case resp.StatusCode == StatusNoContent || resp.StatusCode == StatusNotModified:
		resp.Body, resp.ContentLength = NoBody, 0
	case minor > 0 && len(codings) == 1 && strings.EqualFold(codings[0], "chunked"):
		resp.Header.Del("Content-Length")
		resp.Body, resp.ContentLength = io.NopCloser(&chunks{r: r}), -1
	case minor > 0 && len(codings) > 0:
		return false, fmt.Errorf("unsupported transfer encoding: %q", codings)
	case length == 0:
		resp.Body = NoBody
	case length > 0:
		resp.Body = io.NopCloser(&fixed{r: r, left: length})
	default:
		resp.Body = io.NopCloser(r)
		return false, nil
	}
	return true, nil
}

// length reads Content-Length, -1 without one. Several are one if they agree.
func (resp *Response) length() (int64, error) {
	values := resp.Header["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	n, err := strconv.ParseUint(textproto.TrimString(values[0]), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("bad Content-Length %q", values[0])
	}
	for _, other := range values[1:] {
		if textproto.TrimString(other) != textproto.TrimString(values[0]) {
			return 0, fmt.Errorf("bad Content-Length %q", strings.Join(values, ", "))
		}
	}
	return int64(n), nil
}
