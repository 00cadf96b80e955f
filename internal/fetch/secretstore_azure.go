package fetch

import (
	"context"
	"net/url"
	"strings"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/storeurl"
)

// azureSecretsVersion is that of Key Vault's interface.
const azureSecretsVersion = "7.4"

var azureSecrets = &secretStore{"Azure Key Vault", askAzure, [][2]string{
	{"403", "give the managed identity of this machine the role \"Key Vault Secrets User\" (or, in an access policy, the permission to get secrets), let the vault's firewall admit this machine, and check that the secret is enabled"},
	{"401", "check that the vault belongs to the tenant of this machine's managed identity"},
	{"404", "check the names of the vault and the secret, and the version"},
}}

// azureIdentity is shown for a resource.
func (c *Client) azureIdentity(s *storeurl.Secret, resource string) *bearer {
	if s.ClientID != "" {
		resource += "&client_id=" + s.ClientID
	}
	return &bearer{c.Credentials.Azure, resource, "azure", "as this machine's managed identity",
		"give the machine a managed identity, and if it has several, say which one is meant by client_id=ID after a ? in the URL"}
}

// askAzure gets a secret of Azure Key Vault.
//
// https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
func askAzure(ctx context.Context, c *Client, s *storeurl.Secret) ([]byte, string, error) {
	u := &url.URL{Scheme: "https", Host: s.Host, Path: "/secrets/" + s.Name, RawQuery: "api-version=" + azureSecretsVersion}
	if s.Version != "" {
		u.Path += "/" + s.Version
	}
	_, cloud, _ := strings.Cut(s.Host, ".")
	return c.azureIdentity(s, "https://"+cloud).ask(ctx, c, u, decodeAzure)
}

func decodeAzure(answer []byte) ([]byte, error) {
	var a struct {
		Value *string `json:"value"`
	}
	if json.Unmarshal(answer, &a) != nil || a.Value == nil {
		return nil, errMakesNoSense
	}
	return []byte(*a.Value), nil
}
