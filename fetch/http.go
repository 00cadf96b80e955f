package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/system"
)

const (
	defaultHeaderTimeout = 10 * time.Second
	dialTimeout          = 30 * time.Second
	// Attempts are this far apart, doubling from the first to the last.
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	// maxRedirects is far more than any server means; the reference has no
	// limit and can be sent in circles.
	maxRedirects = 30
)

// settings are what a config says about fetching.
type settings struct {
	headers time.Duration // until the response's header is there; 0 is without limit
	total   time.Duration // with retries and body; 0 is without limit
	proxy   proxy
	roots   *x509.CertPool // nil is the system's
}

// limit applies the total time.
func (s settings) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.total == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.total)
}

// explain says which limit was hit, if one was.
func (s settings) explain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it took longer than %v: %w (the last trouble was: %v)", s.total, context.DeadlineExceeded, cause(err))
	}
	return cause(err)
}

// cause drops what net/http puts in front of an error: the URL, which may hold
// credentials.
func cause(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}

// A StatusError is an answer that is not the resource.
type StatusError struct {
	Code   int
	Status string
}

func (e *StatusError) Error() string {
	return "the server answered " + e.Status
}

// Is makes 404 be ErrNotFound.
func (e *StatusError) Is(target error) bool {
	return target == ErrNotFound && e.Code == http.StatusNotFound
}

type httpClient struct {
	http.Client
	log *slog.Logger
}

func newHTTPClient(log *slog.Logger, s settings) *httpClient {
	transport := &http.Transport{
		Proxy:                 s.proxy.forRequest,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: &net.Resolver{PreferGo: true}}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: s.headers,
		// What is fetched is what the hash is over: nothing may decompress it on the way.
		DisableCompression: true,
		// Without HTTP/2 one dead connection cannot hold up other fetches.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	return &httpClient{http.Client{Transport: transport, CheckRedirect: onRedirect}, log}
}

// onRedirect drops the headers of the config: they were meant for the server
// that it names.
func onRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("the server redirected %d times", maxRedirects)
	}
	r.Header = defaultHeaders()
	return nil
}

func defaultHeaders() http.Header {
	return http.Header{
		"User-Agent":      {"Ignition/" + system.Version},
		"Accept":          {fmt.Sprintf("application/vnd.coreos.ignition+json;version=%s, */*;q=0.1", config.Stable)},
		"Accept-Encoding": {"identity"},
	}
}

func openHTTP(ctx context.Context, c *Client, r request) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.source, nil)
	if err != nil {
		return nil, errors.New("this is not a URL that can be requested")
	}
	req.Header = defaultHeaders()
	for _, h := range r.headers {
		if h.Value == nil {
			return nil, fmt.Errorf("the header %q has no value", h.Name)
		}
		req.Header.Set(h.Name, *h.Value)
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	body, err := c.http.get(req)
	if err != nil {
		return nil, c.settings.explain(ctx, err)
	}
	return body, nil
}

// get asks until there is an answer that counts. What a server cannot help
// (5xx) and what the network does is tried again, for as long as ctx lives.
func (h *httpClient) get(req *http.Request) (io.ReadCloser, error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		h.log.Info(fmt.Sprintf("GET %s: attempt #%d", Redact(req.URL.String()), attempt))
		resp, err := h.Do(req)
		if err == nil {
			h.log.Info("GET result: " + resp.Status)
			if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent {
				return resp.Body, nil
			}
			resp.Body.Close()
			err = &StatusError{resp.StatusCode, resp.Status}
			if resp.StatusCode < http.StatusInternalServerError {
				return nil, err
			}
		} else {
			h.log.Log(req.Context(), attemptLevel(attempt), fmt.Sprintf("GET %s: %v", Redact(req.URL.String()), cause(err)))
		}
		// Up to a quarter off, so that many machines do not knock in step.
		wait := pause - rand.N(pause/4)
		select {
		case <-req.Context().Done():
			return nil, err
		case <-time.After(wait):
		}
		pause = min(2*pause, lastPause)
	}
}

// attemptLevel makes a trouble that lasts visible on the console.
func attemptLevel(attempt int) slog.Level {
	if attempt%5 == 0 {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
