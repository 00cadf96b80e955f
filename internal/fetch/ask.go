package fetch

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Ask asks the server of an HTTP resource once whether Fetch would get it, and how large
// it is, in bytes; -1 if it does not say. The body is not read. Servers that refuse HEAD,
// those of URLs that are signed for GET among them, are asked by GET.
func (c *Client) Ask(ctx context.Context, r config.Resource) (size int64, err error) {
	source := config.ValueOr(r.Source, "")
	size, err = c.ask(ctx, source, r)
	if err != nil {
		err = &report.Error{Doing: "asking for " + Redact(source), Origin: r.Origin("source"), Err: failure{err}, Hint: Hint(err)}
	}
	return size, err
}

// CanAsk reports whether a resource is one that Ask is for.
func CanAsk(r config.Resource) bool {
	scheme, _, _ := strings.Cut(config.ValueOr(r.Source, ""), ":")
	return strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")
}

func (c *Client) ask(ctx context.Context, source string, r config.Resource) (int64, error) {
	u, err := url.Parse(source)
	if err != nil {
		return 0, errors.New("this is not a URL that can be requested")
	}
	headers, err := headersOf(download{headers: r.HTTPHeaders})
	if err != nil {
		return 0, err
	}
	allowed := safeRedirects
	if r.Verification.Hash != nil {
		allowed = allRedirects
	}
	var resp *http.Response
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		req := newGet(u, headers.Clone())
		req.Method = method
		if resp, err = c.do(c.transports().proxied, allowed, req.WithContext(ctx)); err == nil {
			resp.Body.Close()
			return resp.ContentLength, nil
		}
		var status *StatusError
		if !errors.As(err, &status) {
			break
		}
	}
	return 0, err
}
