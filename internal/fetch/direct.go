package fetch

import (
	"context"

	"github.com/firstlight-os/firstlight/internal/http"
)

// Retry calls attempt until it succeeds, by the same policy as fetches, but for shorter
// pauses: it is for services of the platform. Only ctx limits the time. The name, such as
// "GET http://...", is for the log. If onAttempt is set, it is called with nil before each
// attempt, and with the error after each one that fails.
func (c *Client) Retry(ctx context.Context, name string, onAttempt func(*AttemptError), attempt func() error) error {
	return c.retry(ctx, retry{what: name, onAttempt: onAttempt, ofPlatform: true}, attempt)
}

func (c *Client) retry(ctx context.Context, retry retry, attempt func() error) error {
	if c.Offline {
		return failure{ErrNeedNetwork}
	}
	retry.client, retry.underWay = c, func() string { return "waiting for the answer" }
	defer retry.end()
	for {
		retry.start()
		err := attempt()
		if err == nil {
			retry.over()
			return nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return failure{explainTimeout(ctx, err)}
		}
	}
}

// SendDirect sends a request to a service of the platform, once and never through a
// proxy, with default headers where it has none. From a low port, below 1024, it
// proves to the service that root sends it. A status other than success is a
// *StatusError.
func (c *Client) SendDirect(ctx context.Context, req *http.Request, fromLowPort bool) (*http.Response, error) {
	for name, value := range defaultHeaders() {
		if req.Header[name] == nil {
			req.Header[name] = value
		}
	}
	if fromLowPort {
		ctx = context.WithValue(ctx, lowPort{}, true)
	}
	return c.do(c.transports().direct, safeRedirects, req.WithContext(ctx))
}
