package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// A DirectRequest is a small request to a service of the platform, such as a
// metadata service. It never goes through a proxy.
type DirectRequest struct {
	Method string // GET if empty
	URL    string
	// Header are names and values in turn. They replace default ones.
	Header   []string
	Body     []byte
	MaxBytes int // of the response's body
	// LowPort sends the request from a port below 1024, which proves to a service
	// that root sends it.
	LowPort bool
	// RetryOn are statuses below 500 after which the request is made again.
	RetryOn []int
	// OnAttempt, if set, is called with nil before each attempt, and with the
	// error after each one that fails.
	OnAttempt func(*AttemptError)
}

// DoDirect makes a request until there is a response, by the same policy of
// retries as Fetch, and returns the body. Only ctx limits its time.
func (c *Client) DoDirect(ctx context.Context, r DirectRequest) ([]byte, error) {
	body, err := c.doDirect(ctx, r)
	if err != nil {
		return nil, failure{err}
	}
	return body, nil
}

func (c *Client) doDirect(ctx context.Context, r DirectRequest) ([]byte, error) {
	if c.Offline {
		return nil, ErrNeedNetwork
	}
	u, err := parseHTTP(r.URL)
	if err != nil {
		return nil, err
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	retry := retry{client: c, what: r.Method + " " + Redact(r.URL), onAttempt: r.OnAttempt}
	for {
		retry.start()
		body, err := c.attemptDirect(ctx, r, u)
		if err == nil {
			return body, nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, settings{}.explainTimeout(ctx, err)
		}
	}
}

func (c *Client) attemptDirect(ctx context.Context, r DirectRequest, u *url.URL) ([]byte, error) {
	req := &http.Request{Method: r.Method, URL: u, Header: defaultHeaders()}
	for i := 0; i+1 < len(r.Header); i += 2 {
		req.Header.Set(r.Header[i], r.Header[i+1])
	}
	if len(r.Body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.Body)), int64(len(r.Body))
	}
	if r.LowPort {
		ctx = context.WithValue(ctx, lowPort{}, true)
	}
	resp, err := c.do(&http.Client{Transport: c.transports().direct, CheckRedirect: onRedirect}, req.WithContext(ctx))
	if err != nil {
		return nil, r.explain(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(r.MaxBytes)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w after %s", errCut, plural(len(body), "byte"))
	case len(body) > r.MaxBytes:
		return nil, &AttemptError{Kind: Permanent, Err: fmt.Errorf("the answer has more than %d bytes", r.MaxBytes)}
	}
	return body, nil
}

// explain returns what an error means to the service that was asked.
func (r *DirectRequest) explain(err error) error {
	var status *StatusError
	switch {
	case !errors.As(err, &status):
		return err
	case r.Method == http.MethodPost && status.Code/100 == 2:
		return nil // created, accepted
	case slices.Contains(r.RetryOn, status.Code):
		return &AttemptError{Kind: ServerBusy, Err: status, retryAfter: status.RetryAfter}
	}
	return err
}
