package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/http"
)

const (
	gcsHost  = "storage.googleapis.com"
	gcsScope = "https://www.googleapis.com/auth/devstorage.read_only"
)

// openGCS gets an object of Google Cloud Storage: gs://BUCKET/OBJECT.
//
// https://docs.cloud.google.com/storage/docs/json_api/v1/objects/get
func openGCS(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := url.Parse(d.source)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("this is not the URL of an object; it should look like gs://BUCKET/OBJECT")
	}
	about := storeError{Store: "Google Cloud Storage", Bucket: u.Host, Object: strings.TrimPrefix(u.Path, "/"), Identity: "anonymously"}
	object := &url.URL{Scheme: "https", Host: gcsHost, RawQuery: "alt=media",
		Path:    "/storage/v1/b/" + about.Bucket + "/o/" + about.Object,
		RawPath: "/storage/v1/b/" + url.PathEscape(about.Bucket) + "/o/" + url.PathEscape(about.Object)}
	open := withStoreError(&about, c.httpOpener(safeRedirects, func(ctx context.Context) (*http.Request, error) {
		headers := defaultHeaders()
		about.Identity = "anonymously"
		if c.Credentials.Google != nil {
			about.Identity = c.authorize(ctx, headers, c.Credentials.Google, gcsScope, "as this instance's service account")
		}
		return newGet(object, headers), nil
	}))
	return c.openResuming(ctx, d, u.Host, open)
}

// authorize adds a bearer token for something to headers and returns whose it is. Without
// one the request is anonymous: the object may be public.
func (c *Client) authorize(ctx context.Context, headers http.Header, token func(ctx context.Context, forWhat string) (string, error), forWhat, who string) string {
	value, err := token(ctx, forWhat)
	switch {
	case err != nil:
		c.Log.Warn(fmt.Sprintf("%v; the object is asked for anonymously", err))
		return fmt.Sprintf("anonymously (no credentials: %v)", err)
	case value == "":
		return "anonymously (this machine has no identity)"
	}
	headers.Set("Authorization", "Bearer "+value)
	return who
}
