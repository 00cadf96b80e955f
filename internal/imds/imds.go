// Package imds asks metadata services of platforms: for user data, for tokens,
// and for the credentials that object stores are shown.
package imds

import (
	"context"

	"github.com/firstlight-os/firstlight/internal/fetch"
)

type (
	Request         = fetch.MetadataRequest
	Token           = fetch.Token
	Hint            = fetch.Hint
	CredentialCache = fetch.CredentialCache
)

// EC2Token is the token of the second version of EC2's metadata service.
var EC2Token = fetch.EC2Token

// A Client makes metadata requests.
type Client struct{ fetch *fetch.Client }

// New makes a client that reaches services by the transports of c.
func New(c *fetch.Client) *Client { return &Client{c} }

// Do sends a metadata request until there is an answer.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	return c.fetch.DoMetadata(ctx, r)
}

// ExportCredentials returns what metadata services have said so far.
func (c *Client) ExportCredentials() CredentialCache { return c.fetch.ExportCredentials() }

// ImportCredentials is to be called before anything is fetched.
func (c *Client) ImportCredentials(k CredentialCache) { c.fetch.ImportCredentials(k) }

// AWSCredentials are the role of this EC2 instance, and its region.
func (c *Client) AWSCredentials(base string, otherHosts ...string) fetch.Credentials {
	c.fetch.UseAWSRole(base, otherHosts...)
	return c.fetch.Credentials
}

// GoogleCredentials are the service account of this instance.
func (c *Client) GoogleCredentials(base string, otherHosts ...string) fetch.Credentials {
	c.fetch.UseGoogleToken(base, otherHosts...)
	return c.fetch.Credentials
}

// AzureCredentials are the managed identity of this machine.
func (c *Client) AzureCredentials(base string) fetch.Credentials {
	c.fetch.UseAzureIdentity(base)
	return c.fetch.Credentials
}
