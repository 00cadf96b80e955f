package http

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/header"
)

// Methods.
const (
	MethodGet   = "GET"
	MethodHead  = "HEAD"
	MethodPost  = "POST"
	MethodPut   = "PUT"
	MethodPatch = "PATCH"
	connect     = "CONNECT"
)

// Statuses.
const (
	StatusOK                           = 200
	StatusCreated                      = 201
	StatusAccepted                     = 202
	StatusNoContent                    = 204
	StatusPartialContent               = 206
	StatusMovedPermanently             = 301
	StatusFound                        = 302
	StatusSeeOther                     = 303
	StatusNotModified                  = 304
	StatusTemporaryRedirect            = 307
	StatusPermanentRedirect            = 308
	StatusBadRequest                   = 400
	StatusUnauthorized                 = 401
	StatusForbidden                    = 403
	StatusNotFound                     = 404
	StatusMethodNotAllowed             = 405
	StatusProxyAuthRequired            = 407
	StatusRequestTimeout               = 408
	StatusConflict                     = 409
	StatusGone                         = 410
	StatusRequestedRangeNotSatisfiable = 416
	StatusTooManyRequests              = 429
	StatusInternalServerError          = 500
	StatusBadGateway                   = 502
	StatusServiceUnavailable           = 503
	StatusGatewayTimeout               = 504
)

// A Header has the fields of a message. Their names are in canonical form
// (X-Aws-Ec2-Metadata-Token), into which the methods bring what they are given.
type Header map[string][]string

// Get returns the first value of a field, "" without one.
func (h Header) Get(name string) string { return textproto.MIMEHeader(h).Get(name) }

// Set replaces the values of a field by one.
func (h Header) Set(name, value string) { textproto.MIMEHeader(h).Set(name, value) }

// Del removes a field.
func (h Header) Del(name string) { textproto.MIMEHeader(h).Del(name) }

// Clone returns a copy.
func (h Header) Clone() Header {
	clone := maps.Clone(h)
	for name, values := range clone {
		clone[name] = slices.Clone(values)
	}
	return clone
}

// has reports whether a field is a list with a word in it, in whatever case.
func (h Header) has(name, word string) bool {
	for _, value := range h[name] {
		for item := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(item), word) {
				return true
			}
		}
	}
	return false
}

// A Request is sent once.
type Request struct {
	Method string
	URL    *url.URL
	Header Header
	Host   string // instead of the URL's
	Body   []byte

	ctx context.Context
}

// Context returns the context with which the request ends.
func (r *Request) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// WithContext returns the request with another context.
func (r *Request) WithContext(ctx context.Context) *Request {
	other := *r
	other.ctx = ctx
	return &other
}

// A Response has a body that is to be closed, and is read as long as the request's
// context lasts.
type Response struct {
	Status        string // "404 Not Found"
	StatusCode    int
	Header        Header
	ContentLength int64 // -1 is unknown
	Body          io.ReadCloser
}

// NoBody is empty.
var NoBody io.ReadCloser = noBody{}

type noBody struct{}

func (noBody) Read([]byte) (int, error) { return 0, io.EOF }
func (noBody) Close() error             { return nil }

// A RequestError is a request that cannot be sent: no byte has gone out.
type RequestError struct{ text string }

func (e *RequestError) Error() string { return e.text }

func unsendable(format string, args ...any) error {
	return &RequestError{fmt.Sprintf(format, args...)}
}

// own are the fields that package http writes itself.
var own = []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer"}

// wire returns the bytes of a request on a route.
func (r *Request) wire(to route) ([]byte, error) {
	host := r.Host
	if host == "" {
		host = to.host
	}
	var extra Header
	target := r.URL.RequestURI()
	if to.passesOn() {
		target, extra = "http://"+host+target, proxyHeader(to.proxy)
	} else if r.Method == connect {
		target, extra = host, proxyHeader(to.proxy)
	}
	switch {
	case !isPlain(target):
		return nil, unsendable("there is a control character in the URL")
	case !isHost(host):
		return nil, unsendable("invalid header field value for \"Host\"")
	}
	b := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, target, host)
	for _, header := range []Header{r.Header, extra} {
		var err error
		if b, err = header.append(b); err != nil {
			return nil, err
		}
	}
	if u := r.URL.User; u != nil && r.Header.Get("Authorization") == "" {
		b = fmt.Appendf(b, "Authorization: %s\r\n", basic(u))
	}
	if len(r.Body) > 0 || r.Method == MethodPost || r.Method == MethodPut {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", len(r.Body))
	}
	return append(append(b, "\r\n"...), r.Body...), nil
}

func (h Header) append(b []byte) ([]byte, error) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !header.IsName(name) {
			return nil, unsendable("invalid header field name %q", name)
		}
		for _, value := range h[name] {
			if !header.IsValue(value) {
				return nil, unsendable("invalid header field value for %q", name)
			}
			if !slices.Contains(own, name) {
				b = fmt.Appendf(b, "%s: %s\r\n", name, strings.Trim(value, " \t"))
			}
		}
	}
	return b, nil
}

func basic(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return false
		}
	}
	return true
}

// TimeFormat is how dates are written (RFC 9110, 5.6.7).
const TimeFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// ParseTime reads the date of a header in the three forms of the RFC.
func ParseTime(text string) (t time.Time, err error) {
	for _, form := range []string{TimeFormat, time.RFC850, time.ANSIC} {
		if t, err = time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return t, err
}
