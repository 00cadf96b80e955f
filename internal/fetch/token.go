package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
)

// A Token is what a metadata service gives to who asks by PUT, which a forged
// link in somebody else's request cannot do, and wants to see with each request.
type Token struct {
	// Path and RequestHeader are those of the request for the token.
	Path          string
	RequestHeader []string
	// Header is that of the header that shows the token.
	Header string
	// AbsentOn are the statuses by which a service says that it has no tokens.
	// It is asked without then. If there are none the token is a must.
	AbsentOn []int
}

// askWithToken asks for a token if there is none yet, and once more if the
// service does not know the token any more.
func (c *Client) askWithToken(ctx context.Context, q *MetadataRequest) ([]byte, error) {
	source := q.tokenURL()
	for renewed := false; ; renewed = true {
		token, err := c.token(ctx, q, source)
		if err != nil {
			return nil, err
		}
		shown := *q
		if token != "" {
			shown.Header = append([]string{q.Token.Header, token}, q.Header...)
		}
		text, err := c.askPlainly(ctx, &shown)
		if token == "" || renewed || !answered(err, http.StatusUnauthorized) {
			return text, err
		}
		c.Log.Info("the metadata service does not know its token any more; it is asked for another one")
		c.tokens.CompareAndDelete(source, token) // if nobody has got another one meanwhile
	}
}

// token is the one of an address, which is asked for once in a process. It is ""
// for a service without tokens.
func (c *Client) token(ctx context.Context, q *MetadataRequest, source string) (string, error) {
	if known, ok := c.tokens.Load(source); ok {
		return known.(string), nil
	}
	token, err := c.askToken(ctx, q, source)
	if err == nil {
		c.tokens.Store(source, token)
	}
	return token, err
}

func (q *MetadataRequest) tokenURL() string {
	u, err := url.Parse(q.URL)
	if err != nil {
		return "" // which is refused when it is asked
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: q.Token.Path}).String()
}

func (c *Client) askToken(ctx context.Context, q *MetadataRequest, source string) (string, error) {
	text, err := c.askPlainly(ctx, &MetadataRequest{Method: http.MethodPut, URL: source, Header: q.Token.RequestHeader, Hints: q.Hints, MaxBytes: maxToken, onAttempt: q.onAttempt})
	if answered(err, q.Token.AbsentOn...) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	switch {
	case token == "" && len(q.Token.AbsentOn) == 0:
		err = errors.New("the service gave an empty token")
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		err = errors.New("what the service gave is no token")
	}
	if err != nil {
		return "", &report.Error{Doing: "asking " + Redact(source), Err: err, Hint: "this is trouble of the platform: start the machine again, and tell its support if it stays"}
	}
	return token, nil
}
