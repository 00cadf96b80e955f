package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/report"
)

// A Token is what a metadata service gives to who asks by PUT, which a forged
// link in somebody else's request cannot do, and wants to see with each request.
type Token struct {
	// Path and Header are those of the request for the token.
	Path   string
	Header []string
	// Name is that of the header that shows the token.
	Name string
	// Without are the statuses by which a service says that it has no tokens.
	// It is asked without then. If there are none the token is a must.
	Without []int
}

// A heldToken is a token for one address, for as long as the process lives.
type heldToken struct {
	mu    sync.Mutex
	known bool
	text  string // "" is a service without tokens
}

// forget drops a token, if nobody has got a new one meanwhile.
func (h *heldToken) forget(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = h.known && h.text != text
}

// held is the place of the token of an address.
func (c *Client) held(source string) *heldToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil {
		c.tokens = map[string]*heldToken{}
	}
	if c.tokens[source] == nil {
		c.tokens[source] = &heldToken{}
	}
	return c.tokens[source]
}

// askWithToken asks for a token if there is none yet, and once more if the
// service does not know the token any more.
func (c *Client) askWithToken(ctx context.Context, q *Inquiry) ([]byte, error) {
	source := q.tokenURL()
	held := c.held(source)
	for renewed := false; ; renewed = true {
		token, err := c.token(ctx, q, source, held)
		if err != nil {
			return nil, err
		}
		shown := *q
		if token != "" {
			shown.Header = append([]string{q.Token.Name, token}, q.Header...)
		}
		text, err := c.askPlainly(ctx, &shown)
		if token == "" || renewed || !answered(err, http.StatusUnauthorized) {
			return text, err
		}
		c.Log.Info("the metadata service does not know its token any more; it is asked for another one")
		held.forget(token)
	}
}

func (q *Inquiry) tokenURL() string {
	u, err := url.Parse(q.URL)
	if err != nil {
		return "" // which is refused when it is asked
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: q.Token.Path}).String()
}

// token is the one that is held, or a new one.
func (c *Client) token(ctx context.Context, q *Inquiry, source string, held *heldToken) (text string, err error) {
	held.mu.Lock()
	defer held.mu.Unlock()
	if !held.known {
		held.text, err = c.askToken(ctx, q, source)
		held.known = err == nil
	}
	return held.text, err
}

func (c *Client) askToken(ctx context.Context, q *Inquiry, source string) (string, error) {
	text, err := c.askPlainly(ctx, &Inquiry{Method: http.MethodPut, URL: source, Header: q.Token.Header, Hints: q.Hints, Most: maxToken, met: q.met})
	if answered(err, q.Token.Without...) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	switch {
	case token == "" && len(q.Token.Without) == 0:
		err = errors.New("the service gave an empty token")
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		err = errors.New("what the service gave is no token")
	}
	if err != nil {
		return "", &report.Error{Doing: "asking " + Redact(source), Err: err, Hint: "this is trouble of the platform: start the machine again, and tell its support if it stays"}
	}
	return token, nil
}
