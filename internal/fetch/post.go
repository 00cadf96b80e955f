package fetch

import (
	"context"
	"errors"
	"net/url"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
)

// Post sends JSON to a URL, by the settings of the last Configure and the same policy of
// retries as fetches. Only ctx limits the time. Redirects are not followed: what is sent
// is for this server.
func (c *Client) Post(ctx context.Context, target string, body []byte) error {
	u, err := url.Parse(target)
	if err == nil {
		err = config.CheckURL(target)
	}
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("this is not a URL of http or https")
	}
	return c.retry(ctx, retry{what: "POST " + Redact(target)}, func() error {
		req := &http.Request{Method: http.MethodPost, URL: u, Header: defaultHeaders(), Body: body}
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.do(c.transports().proxied, noRedirects, req.WithContext(ctx))
		var status *StatusError
		switch {
		case err == nil:
			resp.Body.Close()
		case errors.As(err, &status) && status.Code/100 == 2: // created, accepted
			err = nil
		}
		return err
	})
}
