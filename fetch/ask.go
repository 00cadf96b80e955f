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

	"github.com/firstlight-os/firstlight/report"
)

// An Inquiry is a small request to a service of the platform: metadata, tokens.
type Inquiry struct {
	Method string // GET if empty
	URL    string
	// Header replaces default ones of the same names.
	Header http.Header
	Body   []byte
	// RetryOn are statuses below 500 that this service gives before it is ready.
	RetryOn []int
	// Most is how many bytes an answer may have; 0 is a MiB.
	Most int
}

// Ask sends an inquiry until there is an answer, by the same policy as Fetch
// but never through a proxy. Its time is limited by ctx only.
func (c *Client) Ask(ctx context.Context, q Inquiry) ([]byte, error) {
	text, err := c.ask(ctx, q)
	if err != nil {
		return nil, &report.Error{Doing: "asking " + Redact(q.URL), Err: failure{err}, Hint: hintFor(err)}
	}
	return text, nil
}

func (c *Client) ask(ctx context.Context, q Inquiry) ([]byte, error) {
	if c.Offline {
		return nil, ErrNeedNetwork
	}
	u, err := url.Parse(q.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is not a URL that can be requested")
	}
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	retry := retry{client: c, what: q.Method + " " + Redact(q.URL)}
	for {
		retry.begin()
		text, err := c.askOnce(ctx, q, u)
		if err == nil {
			return text, nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, settings{}.explain(ctx, err)
		}
	}
}

func (c *Client) askOnce(ctx context.Context, q Inquiry, u *url.URL) ([]byte, error) {
	req := &http.Request{Method: q.Method, URL: u, Header: defaultHeaders()}
	for name, values := range q.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if len(q.Body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(q.Body)), int64(len(q.Body))
	}
	resp, err := c.do(&http.Client{Transport: c.session().metadata, CheckRedirect: onRedirect}, req.WithContext(ctx))
	var status *StatusError
	if errors.As(err, &status) && slices.Contains(q.RetryOn, status.Code) {
		return nil, &trouble{kind: busy, err: status, retryAfter: status.RetryAfter}
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	most := q.Most
	if most == 0 {
		most = 1 << 20
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w after %s", errCut, plural(len(text), "byte"))
	case len(text) > most:
		return nil, &trouble{kind: final, err: fmt.Errorf("the answer has more than %d bytes", most)}
	}
	return text, nil
}
