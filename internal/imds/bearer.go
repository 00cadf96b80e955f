package imds

import (
	"context"
	"errors"
	"net/url"
	"strings"
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
	account := func(what string) Request {
		return Request{URL: base + "/computeMetadata/v1/instance/service-accounts/default/" + what, OtherHosts: otherHosts, Header: []string{"Metadata-Flavor", "Google"}}
	}
	return fetch.Credentials{
		Google: func(ctx context.Context, scope string) (string, error) {
			return c.bearer(ctx, "google "+scope, account("token?scopes="+scope), http.StatusNotFound)
		},
		// https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity
		GoogleIdentity: func(ctx context.Context, audience string) (string, error) {
			return c.text(ctx, account("identity?audience="+url.QueryEscape(audience)+"&format=full"), http.StatusNotFound)
		},
	}
}

// AzureCredentials are those of the managed identity of a machine. The base is
// "http://169.254.169.254" on Azure.
//
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
func (c *Client) AzureCredentials(base string) fetch.Credentials {
	metadata := func(what string) Request {
		return Request{URL: base + "/metadata/" + what, Header: []string{"Metadata", "true"},
			RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests}}
	}
	return fetch.Credentials{
		Azure: func(ctx context.Context, resource string) (string, error) {
			return c.bearer(ctx, "azure "+resource, metadata("identity/oauth2/token?api-version=2018-02-01&resource="+resource), http.StatusBadRequest)
		},
		// https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
		AzureMachine: func(ctx context.Context) (string, error) {
			return c.text(ctx, metadata("instance/compute?api-version=2021-01-01"))
		},
	}
}

// text makes a request in the time that credentials may take. The statuses none say that
// the machine has no identity.
func (c *Client) text(ctx context.Context, r Request, none ...int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	r.MaxBytes = maxCredentials
	text, err := c.Do(ctx, r)
	if hasStatus(err, none...) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// bearer requests a bearer token (RFC 6749, 5.1), which is cached by a name. The status none
// says that the machine has no identity.
func (c *Client) bearer(ctx context.Context, name string, r Request, none int) (string, error) {
	r.MaxBytes = maxCredentials
	return c.cached(ctx, name, func(ctx context.Context) (token string, end time.Time, err error) {
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
