package imds

import (
	"context"
	"errors"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
)

// GoogleCredentials are those of the service account of an instance. The base is
// "http://169.254.169.254" on Compute Engine, the other hosts are as in Request.
//
// https://docs.cloud.google.com/compute/docs/access/authenticate-workloads
func (c *Client) GoogleCredentials(base string, otherHosts ...string) fetch.Credentials {
	return fetch.Credentials{Google: c.bearer("google", Request{
		OtherHosts: otherHosts,
		URL: base + "/computeMetadata/v1/instance/service-accounts/default/token" +
			"?scopes=https://www.googleapis.com/auth/devstorage.read_only",
		Header: []string{"Metadata-Flavor", "Google"},
	}, http.StatusNotFound)}
}

// AzureCredentials are those of the managed identity of a machine. The base is
// "http://169.254.169.254" on Azure.
//
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
func (c *Client) AzureCredentials(base string) fetch.Credentials {
	return fetch.Credentials{Azure: c.bearer("azure", Request{
		URL:     base + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/",
		Header:  []string{"Metadata", "true"},
		RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests},
	}, http.StatusBadRequest)}
}

// bearer requests a bearer token (RFC 6749, 5.1). The status none says that the
// machine has no identity.
func (c *Client) bearer(name string, r Request, none int) func(context.Context) (string, error) {
	r.MaxBytes = maxCredentials
	return c.cached(name, func(ctx context.Context) (token string, end time.Time, err error) {
		end = c.shortTerm()
		text, err := c.Do(ctx, r)
		if hasStatus(err, none) {
			return "", end, nil
		}
		if err != nil {
			return "", end, err
		}
		if token = json.Text(text, "access_token"); token == "" {
			return "", end, errors.New("the metadata service answers without a token")
		}
		if life, err := time.ParseDuration(json.Text(text, "expires_in") + "s"); err == nil && life >= renewBefore {
			end = c.fetch.Clock.Now().Add(life)
		}
		return token, end, nil
	})
}
