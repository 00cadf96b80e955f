package imds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Request is one to a metadata service.
type Request struct {
	Method string // GET if empty
	URL    string
	// OtherHosts are more hosts of the same service, as they stand in URLs, such
	// as "[fd00:ec2::254]". See Client.hedge for which one's response counts.
	OtherHosts []string
	// AnyAnswer takes what one host says for what all would say, also that there is
	// nothing.
	AnyAnswer bool
	// Header are names and values in turn. They replace default ones.
	Header []string
	Body   []byte
	// Token, if set, is requested first and shown with the request.
	Token *Token
	// LowPort sends the request from a port below 1024, which proves to the service
	// that root sends it.
	LowPort bool
	// RetryOn are statuses below 500 that this service gives before it is ready.
	RetryOn []int
	// Hints are what can be done about statuses that have a meaning here.
	Hints []Hint
	// MaxBytes bounds the response; 0 is a MiB.
	MaxBytes int
	// Check returns what is wrong with a response that is no answer, after which the
	// service is asked again. May be nil.
	Check func(body []byte) error

	onAttempt func(*fetch.AttemptError) // as in fetch.Client.Retry
}

// A Hint is what can be done about a status.
type Hint struct {
	Code int
	Text string
}

// A Client makes metadata requests. Its methods may be called at the same time.
type Client struct {
	fetch  *fetch.Client
	tokens sync.Map // by the URL that gives them

	headStart, grace time.Duration // of hedged requests

	mu       sync.Mutex
	cache    CredentialCache
	requests sync.Map // of cachedRequest, by names in the cache
}

// New returns a client whose requests are made by c.
func New(c *fetch.Client) *Client {
	return &Client{fetch: c, headStart: defaultHeadStart, grace: defaultGrace}
}

// Do makes a request until there is a response, by the same policy of retries as
// fetches but never through a proxy. Only ctx limits its time.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	if len(r.OtherHosts) > 0 && !c.fetch.Offline {
		return c.hedge(ctx, r)
	}
	return c.doAtHost(ctx, r)
}

// doAtHost makes a request at one host, with a token if the service wants one.
func (c *Client) doAtHost(ctx context.Context, r Request) ([]byte, error) {
	if r.Token != nil && !c.fetch.Offline {
		return c.doWithToken(ctx, r)
	}
	return c.send(ctx, r)
}

func (c *Client) send(ctx context.Context, r Request) (body []byte, err error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.MaxBytes == 0 {
		r.MaxBytes = 1 << 20
	}
	shown := fetch.Redact(r.URL)
	err = c.fetch.Retry(ctx, r.Method+" "+shown, r.onAttempt, func() error {
		body, err = c.attempt(ctx, r)
		return err
	})
	if err != nil {
		return nil, &report.Error{Doing: "asking " + shown, Err: err, Hint: r.hint(err)}
	}
	return body, nil
}

func (c *Client) attempt(ctx context.Context, r Request) ([]byte, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" {
		return nil, &fetch.AttemptError{Kind: fetch.Permanent, Err: errors.New("this is not a URL that can be requested")}
	}
	req := &http.Request{Method: r.Method, URL: u, Header: http.Header{}, Body: r.Body}
	for i := 0; i+1 < len(r.Header); i += 2 {
		req.Header.Set(r.Header[i], r.Header[i+1])
	}
	resp, err := c.fetch.SendDirect(ctx, req, r.LowPort)
	if err != nil {
		return nil, r.explain(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(r.MaxBytes)+1))
	switch {
	case errors.Is(err, fetch.ErrStalled):
		return nil, fmt.Errorf("%w, after %d bytes", err, len(body))
	case err != nil:
		return nil, fmt.Errorf("%w after %d bytes", fetch.ErrCut, len(body))
	case len(body) > r.MaxBytes:
		return nil, &fetch.AttemptError{Kind: fetch.Permanent, Err: fmt.Errorf("the answer has more than %d bytes", r.MaxBytes)}
	case r.Check != nil:
		if err := r.Check(body); err != nil {
			return nil, &fetch.AttemptError{Kind: fetch.ServerBusy, Err: fmt.Errorf("the answer makes no sense: %w", err)}
		}
	}
	return body, nil
}

// explain returns what an error means at this service.
func (r *Request) explain(err error) error {
	var status *fetch.StatusError
	switch {
	case !errors.As(err, &status):
		return err
	case r.Method != http.MethodGet && status.Code/100 == 2:
		return nil // created, accepted
	case slices.Contains(r.RetryOn, status.Code):
		return &fetch.AttemptError{Kind: fetch.ServerBusy, Err: err, RetryAfter: status.RetryAfter}
	}
	return err
}

// hint returns what can be done about an error. A service of the platform has no
// log that anybody could look at, and its address is nobody's mistake.
func (r *Request) hint(err error) string {
	var status *fetch.StatusError
	isStatus, kind := errors.As(err, &status), fetch.KindOf(err)
	for _, h := range r.Hints {
		if isStatus && h.Code == status.Code {
			return h.Text
		}
	}
	switch {
	case isStatus && kind == fetch.ServerBusy:
		return "the service is there but not ready: start the machine again, or give it more time with --fetch-timeout"
	case isStatus, kind == fetch.ConnRefused, kind == fetch.Timeout:
		return "check that the kernel argument ignition.platform.id names the platform that this machine runs on, and that its metadata service is switched on"
	case kind == fetch.TLS:
		return "check this machine's clock, and that the initramfs has certificate authorities (ca-certificates)"
	}
	return fetch.Hint(err)
}

// hasStatus reports whether an error is one of these statuses.
func hasStatus(err error, codes ...int) bool {
	var status *fetch.StatusError
	return errors.As(err, &status) && slices.Contains(codes, status.Code)
}
