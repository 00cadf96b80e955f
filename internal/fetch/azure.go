package fetch

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/http"
)

// azureVersion is that of the blob service's interface. Bearer tokens exist
// since 2017-11-09.
const azureVersion = "2020-04-08"

// azureStorage is what tokens for the blob service are for.
const azureStorage = "https://storage.azure.com/"

// isAzure reports whether a URL is that of a blob, https://ACCOUNT.blob.core.
// windows.net/CONTAINER/BLOB, without a signature of its own.
func isAzure(u *url.URL) bool {
	container, blob, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return u.Scheme == "https" && strings.HasSuffix(strings.ToLower(u.Hostname()), ".blob.core.windows.net") &&
		container != "" && blob != "" && !strings.Contains(blob, "/") && !u.Query().Has("sig")
}

// azureBeforePlain requests a blob with this machine's identity, and if the store
// refuses that, without one.
//
// https://learn.microsoft.com/rest/api/storageservices/get-blob
func (c *Client) azureBeforePlain(u *url.URL, plain opener) opener {
	container, blob, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	account, _, _ := strings.Cut(u.Host, ".")
	about := storeError{Store: "Azure blob storage", Bucket: account + "/" + container, Object: blob}
	signed := withStoreError(&about, c.httpOpener(safeRedirects, func(ctx context.Context) (*http.Request, error) {
		headers := defaultHeaders()
		headers.Set("X-Ms-Version", azureVersion)
		about.Identity = c.authorize(ctx, headers, c.Credentials.Azure, azureStorage, "as this machine's managed identity")
		return newGet(u, headers), nil
	}))
	return func(ctx context.Context, at resumePoint) (*response, error) {
		r, err := signed(ctx, at)
		if err == nil || c.classify(err).Kind != Permanent {
			return r, err
		}
		c.Log.Info(fmt.Sprintf("%v; it is asked for without an identity", err))
		if r, plainErr := plain(ctx, at); plainErr == nil || c.classify(plainErr).Kind != Permanent {
			return r, plainErr
		}
		return nil, err
	}
}
