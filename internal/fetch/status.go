package fetch

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A StatusError is a response that is not the resource.
type StatusError struct {
	Code   int
	Status string
	// RetryAfter is the pause that the server demands, or 0.
	RetryAfter time.Duration

	header  http.Header
	excerpt []byte // of the body
}

func (e *StatusError) Error() string {
	return "the server answered " + Printable(e.Status)
}

// Is makes 404 an ErrNotFound.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Code == http.StatusNotFound
}

func (e *StatusError) failureKind() Kind {
	if e.Code >= http.StatusInternalServerError || e.Code == http.StatusTooManyRequests || e.Code == http.StatusRequestTimeout {
		return ServerBusy
	}
	return Permanent
}

// A proxyError is the refusal of a proxy to open a tunnel.
type proxyError struct {
	host   string
	status *StatusError
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s opens no tunnel: it answered %s", e.host, Printable(e.status.Status))
}

func (e *proxyError) As(target any) bool {
	status, ok := target.(**StatusError)
	if ok {
		*status = e.status
	}
	return ok
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
