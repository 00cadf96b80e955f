package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/storeurl"
	"github.com/firstlight-os/firstlight/internal/system"
)

// maxAnswer bounds what a store of secrets answers, in bytes: far more than a secret has in
// any of them.
const maxAnswer = 4 << 20

// A secretStore is a service that answers with a secret in JSON when it is shown who asks.
type secretStore struct {
	name string
	// ask asks for a secret once. It returns as a phrase as whom, as far as it came.
	ask func(context.Context, *Client, *storeurl.Secret) (secret []byte, who string, err error)
	// hints are what can be done about an error, by its code in the answer or by its status.
	hints [][2]string
}

// open opens a secret of the store. It is small, so that it is read at once, and from its
// beginning in each attempt; it is nowhere but in memory.
func (s *secretStore) open(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := storeurl.Parse(d.source)
	if err != nil {
		return nil, err
	}
	return c.openResuming(ctx, d, cmp.Or(u.Host, u.Scheme), func(ctx context.Context, _ resumePoint) (*response, error) {
		secret, who, err := s.ask(ctx, c, u)
		if err == nil {
			secret, err = memberOf(secret, u.Member)
		}
		if err != nil {
			return nil, c.explainSecret(err, s, u, who)
		}
		return &response{body: io.NopCloser(bytes.NewReader(secret)), size: int64(len(secret))}, nil
	})
}

// jsonRequest is one to a store. The headers are names and values in turn.
func jsonRequest(method string, u *url.URL, body []byte, headers ...string) *http.Request {
	req := &http.Request{Method: method, URL: u, Body: body, Header: http.Header{}}
	headers = append(headers, "Accept", "application/json", "Accept-Encoding", "identity", "User-Agent", system.UserAgent())
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req
}

// sendForJSON sends a request to a store once, and returns what it answers. Redirects are
// not followed: what is sent is for this server.
func (c *Client) sendForJSON(ctx context.Context, req *http.Request) ([]byte, error) {
	resp, err := c.do(c.transports().proxied, noRedirects, req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil && !errors.Is(err, ErrStalled):
		err = ErrCut
		fallthrough
	case err != nil:
		return nil, fmt.Errorf("HTTP: %w after %s", err, system.Plural(len(answer), "byte"))
	case len(answer) > maxAnswer:
		return nil, noSecret("check the URL", "the answer has more than %d bytes", maxAnswer)
	}
	return answer, nil
}

// A bearer is what a store wants to see that takes tokens of a platform.
type bearer struct {
	token              func(ctx context.Context, forWhat string) (string, error)
	forWhat            string // the scope or the resource of the token
	platform, identity string // which has it, and a phrase for it
	hint               string // for a machine without an identity
}

// get returns the token.
func (b *bearer) get(ctx context.Context) (string, error) {
	if b.token == nil {
		return "", noIdentity(b.platform)
	}
	token, err := b.token(ctx, b.forWhat)
	switch {
	case err != nil:
		return "", &identityError{err}
	case token == "":
		return "", noSecret(b.hint, "this machine has no identity")
	}
	return token, nil
}

// ask requests a URL with the token.
func (b *bearer) ask(ctx context.Context, c *Client, u *url.URL, decode func(answer []byte) ([]byte, error)) (secret []byte, who string, err error) {
	token, err := b.get(ctx)
	if err != nil {
		return nil, "", err
	}
	answer, err := c.sendForJSON(ctx, jsonRequest(http.MethodGet, u, nil, "Authorization", "Bearer "+token))
	if err != nil {
		return nil, b.identity, err
	}
	secret, err = decode(answer)
	return secret, b.identity, err
}

// memberOf returns a member of a secret that is an object in JSON, or all of it.
func memberOf(secret []byte, name string) ([]byte, error) {
	if name == "" {
		return secret, nil
	}
	const hint = "look at the names of its members; what follows the # in the URL is one of them"
	var members map[string]any
	if json.Unmarshal(secret, &members) != nil { // its error has parts of the secret
		return nil, noSecret("leave out the # and what follows it for the secret as it is", "the secret is not an object in JSON, so that it has no member %q", name)
	}
	switch value := members[name].(type) {
	case string:
		return []byte(value), nil
	case json.Number:
		return []byte(value), nil
	case bool:
		return strconv.AppendBool(nil, value), nil
	case nil:
		return nil, noSecret(hint, "the secret has no member %q; it has %s", name, system.Plural(len(members), "member"))
	}
	return nil, noSecret(hint, "the member %q of the secret is an object or a list, and not a text", name)
}
