package imds

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Token describes how a metadata service gives tokens: by PUT, which a forged
// link in somebody else's request cannot do.
type Token struct {
	Path string
	// RequestHeader are names and values in turn, for the request of a token.
	RequestHeader []string
	// Header is the name of the header that shows the token.
	Header string
	// AbsentOn are the statuses by which a service says that it has no tokens.
	// Requests are made without one then. If there are none a token is needed.
	AbsentOn []int
}

// EC2Token is the token of the second version of EC2's metadata service.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
var EC2Token = &Token{
	Path:          "/latest/api/token",
	RequestHeader: []string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600"},
	Header:        "X-Aws-Ec2-Metadata-Token",
	AbsentOn:      []int{http.StatusNotFound, http.StatusMethodNotAllowed},
}

// doWithToken requests a token if there is none yet, and once more if the
// service does not know the token any more.
func (c *Client) doWithToken(ctx context.Context, r Request) ([]byte, error) {
	source := r.tokenURL()
	header := r.Header
	for renewed := false; ; renewed = true {
		token, err := c.token(ctx, r, source)
		if err != nil {
			return nil, err
		}
		r.Header = header
		if token != "" {
			r.Header = append([]string{r.Token.Header, token}, header...)
		}
		body, err := c.send(ctx, r)
		if token == "" || renewed || !hasStatus(err, http.StatusUnauthorized) {
			return body, err
		}
		c.fetch.Log.Info("the metadata service does not know its token any more; it is asked for another one")
		c.tokens.CompareAndDelete(source, token) // unless there is another one meanwhile
	}
}

// token returns that of a host, which is requested once in a process. It is ""
// for a service without tokens.
func (c *Client) token(ctx context.Context, r Request, source string) (string, error) {
	if known, ok := c.tokens.Load(source); ok {
		return known.(string), nil
	}
	token, err := c.requestToken(ctx, r, source)
	if err == nil {
		c.tokens.Store(source, token)
	}
	return token, err
}

func (r *Request) tokenURL() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "" // which is refused when it is requested
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: r.Token.Path}).String()
}

func (c *Client) requestToken(ctx context.Context, r Request, source string) (string, error) {
	body, err := c.send(ctx, Request{Method: http.MethodPut, URL: source, Header: r.Token.RequestHeader, Hints: r.Hints, MaxBytes: maxCredentials, onAttempt: r.onAttempt})
	if hasStatus(err, r.Token.AbsentOn...) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(body))
	switch {
	case token == "" && len(r.Token.AbsentOn) == 0:
		err = errors.New("the service gave an empty token")
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		err = errors.New("what the service gave is no token")
	}
	if err != nil {
		return "", &report.Error{Doing: "asking " + fetch.Redact(source), Err: err, Hint: "this is an error of the platform: start the machine again, and tell its support if it persists"}
	}
	return token, nil
}
