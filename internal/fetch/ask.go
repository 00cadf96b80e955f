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

	"github.com/firstlight-os/firstlight/internal/report"
)

// An MetadataRequest is a small request to a service of the platform: metadata, tokens.
type MetadataRequest struct {
	Method string // GET if empty
	URL    string
	// OtherHosts are other hosts of the same service, as they stand in URLs, such as
	// "[fd00:ec2::254]". See race for which one's answer counts.
	OtherHosts []string
	// RequestHeader are names and values in turn. They replace default ones.
	Header []string
	Body   []byte
	// Token, if there is one, is asked for first and shown with the request.
	Token *Token
	// LowPort sends the request from a port below 1024, by which a service
	// knows that it was root.
	LowPort bool
	// RetryOn are statuses below 500 that this service gives before it is ready.
	RetryOn []int
	// Hints are what can be done about statuses that have a meaning here.
	Hints []Hint
	// MaxBytes is how many bytes an answer may have; 0 is a MiB.
	MaxBytes int

	// met hears how it goes: nil is an attempt that begins.
	onAttempt func(*AttemptError)
}

// A Hint is what can be done about a status.
type Hint struct {
	Code int
	Text string
}

// DoMetadata sends an inquiry until there is an answer, by the same policy as Fetch
// but never through a proxy. Its time is limited by ctx only.
func (c *Client) DoMetadata(ctx context.Context, q MetadataRequest) ([]byte, error) {
	if len(q.OtherHosts) > 0 && !c.Offline {
		return c.race(ctx, &q)
	}
	return c.askAt(ctx, &q)
}

// askAt asks at one address, in as many requests as the service wants.
func (c *Client) askAt(ctx context.Context, q *MetadataRequest) ([]byte, error) {
	if q.Token != nil && !c.Offline {
		return c.askWithToken(ctx, q)
	}
	return c.askPlainly(ctx, q)
}

func (c *Client) askPlainly(ctx context.Context, q *MetadataRequest) ([]byte, error) {
	text, err := c.ask(ctx, q)
	if err != nil {
		return nil, &report.Error{Doing: "asking " + Redact(q.URL), Err: failure{err}, Hint: q.hint(err)}
	}
	return text, nil
}

func (c *Client) ask(ctx context.Context, q *MetadataRequest) ([]byte, error) {
	if c.Offline {
		return nil, ErrNeedNetwork
	}
	u, err := url.Parse(q.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("this is not a URL that can be requested")
	}
	method := q.Method
	if method == "" {
		method = http.MethodGet
	}
	retry := retry{client: c, what: method + " " + Redact(q.URL), onAttempt: q.onAttempt}
	for {
		retry.start()
		text, err := c.askOnce(ctx, q, method, u)
		if err == nil {
			return text, nil
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, settings{}.explainTimeout(ctx, err)
		}
	}
}

func (c *Client) askOnce(ctx context.Context, q *MetadataRequest, method string, u *url.URL) ([]byte, error) {
	req := &http.Request{Method: method, URL: u, Header: defaultHeaders()}
	for i := 0; i+1 < len(q.Header); i += 2 {
		req.Header.Set(q.Header[i], q.Header[i+1])
	}
	if len(q.Body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(q.Body)), int64(len(q.Body))
	}
	if q.LowPort {
		ctx = context.WithValue(ctx, lowPort{}, true)
	}
	resp, err := c.do(&http.Client{Transport: c.transports().direct, CheckRedirect: onRedirect}, req.WithContext(ctx))
	if err != nil {
		return nil, q.classify(err)
	}
	defer resp.Body.Close()
	most := q.MaxBytes
	if most == 0 {
		most = 1 << 20
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w after %s", errCut, plural(len(text), "byte"))
	case len(text) > most:
		return nil, &AttemptError{Kind: Permanent, err: fmt.Errorf("the answer has more than %d bytes", most)}
	}
	return text, nil
}

// judge sees statuses as the service means them.
func (q *MetadataRequest) classify(err error) error {
	var status *StatusError
	switch {
	case !errors.As(err, &status):
		return err
	case q.Method == http.MethodPost && status.Code/100 == 2:
		return nil // created, accepted
	case slices.Contains(q.RetryOn, status.Code):
		return &AttemptError{Kind: ServerBusy, err: status, retryAfter: status.RetryAfter}
	}
	return err
}

// hint is what can be done about an error. A service of the platform has no log
// that anybody could look at, and its address is nobody's mistake.
func (q *MetadataRequest) hint(err error) string {
	var status *StatusError
	var last *AttemptError
	isStatus, isTrouble := errors.As(err, &status), errors.As(err, &last)
	for _, h := range q.Hints {
		if isStatus && h.Code == status.Code {
			return h.Text
		}
	}
	switch {
	case isStatus && isTrouble && last.Kind == ServerBusy:
		return "the service is there but not ready: start the machine again, or give it more time with --fetch-timeout"
	case isStatus, isTrouble && (last.Kind == ConnRefused || last.Kind == Timeout):
		return "check that the kernel argument ignition.platform.id names the platform that this machine runs on, and that its metadata service is switched on"
	case isTrouble && last.Kind == TLS:
		return "check this machine's clock, and that the initramfs has certificate authorities (ca-certificates)"
	}
	return hintFor(err)
}

// answered reports whether an error is one of these statuses.
func answered(err error, codes ...int) bool {
	var status *StatusError
	return errors.As(err, &status) && slices.Contains(codes, status.Code)
}
