package fetch

import (
	"fmt"
	"strconv"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// A StatusError is a response that is not the resource.
type StatusError struct {
	Code   int
	Status string
	// RetryAfter is the pause that the server demands, or 0.
	RetryAfter time.Duration

	header  http.Header
	excerpt []byte // of the body
	words   string // of the body, for people
	proxy   string // the host of the proxy in between
	byProxy bool   // the response is of the proxy itself
	tunnel  bool   // that the proxy was asked to open
}

func (e *StatusError) Error() string {
	text := Printable(e.Status)
	if e.words != "" {
		text += ": " + e.words
	}
	switch {
	case e.tunnel:
		return fmt.Sprintf("the proxy at %s opens no tunnel: it answered %s", e.proxy, text)
	case e.byProxy:
		return fmt.Sprintf("the proxy at %s answered %s", e.proxy, text)
	case e.proxy != "":
		return fmt.Sprintf("through the proxy at %s: the server answered %s", e.proxy, text)
	}
	return "the server answered " + text
}

// Is makes 404 an ErrNotFound, unless it is about the proxy.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Code == http.StatusNotFound && !e.byProxy
}

func (e *StatusError) failureKind() Kind {
	if e.Code >= http.StatusInternalServerError || e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout {
		return ServerBusy
	}
	return Permanent
}

// hint is what can be done about a response.
func (e *StatusError) hint() string {
	switch {
	case e.byProxy && e.Code == http.StatusProxyAuthRequired:
		return "the proxy wants a name and a password: http://NAME:PASSWORD@HOST in ignition.proxy"
	case e.byProxy:
		return "look at the log of the proxy, and whether it reaches the server; ignition.proxy in the config sets the proxy, noProxy exceptions"
	case e.Code == http.StatusNotFound && e.proxy != "":
		return "check the URL; the server, or the proxy before it, was reached and has nothing there"
	case e.Code == http.StatusNotFound:
		return "check the URL; the server was reached and has nothing there"
	case e.Code == http.StatusPartialContent:
		return "remove the header Range from httpHeaders in the config: only whole files can be fetched"
	case e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden:
		return "check the URL, and that this machine may read it: the server may want httpHeaders or a signature in the URL; its own log says more"
	case e.Code >= http.StatusInternalServerError:
		return "check the URL; this is an error of the server, and its own log says which"
	}
	return "check the URL and what the server's own log says"
}

// retryAfter reads the header of that name: seconds, or a date.
func (c *Client) retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(s, 0), int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(c.Clock.Now()), 0), maxRetryAfter)
	}
	return 0
}
