package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Credentials are how this machine proves to object stores who it is. A
// platform fills in what it has; what is nil, or returns nothing, is anonymous.
type Credentials struct {
	// AWS are keys for S3.
	AWS func(context.Context) (AWSKeys, error)
	// AWSRegion is where this machine is: buckets are looked for there first.
	AWSRegion func(context.Context) (string, error)
	// Google is a bearer token for Cloud Storage.
	Google func(context.Context) (string, error)
	// Azure is a bearer token for blob storage.
	Azure func(context.Context) (string, error)
}

// AWSKeys sign requests. Without an ID they are none.
type AWSKeys struct {
	ID, Secret, Token string
	Name              string // of the role, to be shown
}

const (
	// credentialTime is for how long a metadata service is asked.
	credentialTime = 15 * time.Second
	// credentialPause is how long after a failure it is asked again.
	credentialPause = time.Minute
	// renewBefore is how long before their end credentials are not used any more.
	renewBefore = 5 * time.Minute
	// tokenLife is that of the key to the metadata service itself, in seconds.
	tokenLife = "21600"
	// maxToken bounds the answer of a metadata service, in bytes.
	maxToken = 64 << 10
)

// remembered keeps what get has returned until shortly before its end, and an
// error for a while, so that a thousand files cost one inquiry.
func remembered[T any](c *Client, get func(context.Context) (T, time.Time, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var value T
	var until time.Time
	var failed error
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if c.Clock.now().Before(until) {
			return value, failed
		}
		ctx, cancel := context.WithTimeout(ctx, credentialTime)
		defer cancel()
		var end time.Time
		value, end, failed = get(ctx)
		until = end.Add(-renewBefore)
		if failed != nil {
			until = c.Clock.now().Add(credentialPause)
		}
		return value, failed
	}
}

// nobody tells whether a metadata service says that this machine has no identity.
func nobody(err error, codes ...int) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return false
	}
	for _, code := range codes {
		if status.Code == code {
			return true
		}
	}
	return false
}

// UseAWSRole makes the role of this EC2 instance the client's credentials for
// S3, and its region the first one to look in. The base is
// "http://169.254.169.254" on EC2.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func (c *Client) UseAWSRole(base string) {
	m := &imds{c, base}
	c.Credentials.AWS = remembered(c, m.keys)
	c.Credentials.AWSRegion = remembered(c, func(ctx context.Context) (string, time.Time, error) {
		region, err := m.get(ctx, "/latest/meta-data/placement/region")
		return strings.TrimSpace(string(region)), c.Clock.now().Add(24 * time.Hour), err
	})
}

// imds is the instance metadata service of EC2.
type imds struct {
	client *Client
	base   string
}

// get asks with a token, as version 2 of the service wants it. What has only
// version 1 knows no tokens.
func (m *imds) get(ctx context.Context, path string) ([]byte, error) {
	token, err := m.client.Ask(ctx, Inquiry{Method: http.MethodPut, URL: m.base + "/latest/api/token", Most: maxToken,
		Header: http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {tokenLife}}})
	if err != nil && !nobody(err, http.StatusNotFound, http.StatusMethodNotAllowed) {
		return nil, err
	}
	header := http.Header{}
	if len(token) > 0 {
		header.Set("X-Aws-Ec2-Metadata-Token", string(token))
	}
	return m.client.Ask(ctx, Inquiry{URL: m.base + path, Header: header, Most: maxToken})
}

func (m *imds) keys(ctx context.Context) (AWSKeys, time.Time, error) {
	const path = "/latest/meta-data/iam/security-credentials/"
	again := m.client.Clock.now().Add(renewBefore + credentialPause)
	roles, err := m.get(ctx, path)
	role, _, _ := strings.Cut(strings.TrimSpace(string(roles)), "\n")
	if nobody(err, http.StatusNotFound) || err == nil && role == "" {
		return AWSKeys{}, again, nil // no role, so anonymous
	}
	if err != nil {
		return AWSKeys{}, again, err
	}
	text, err := m.get(ctx, path+role)
	if err != nil {
		return AWSKeys{}, again, err
	}
	keys := AWSKeys{jsonText(text, "AccessKeyId"), jsonText(text, "SecretAccessKey"), jsonText(text, "Token"), printable(role)}
	if keys.ID == "" || keys.Secret == "" {
		return AWSKeys{}, again, fmt.Errorf("the metadata service gives no keys for the role %q: it says %q", keys.Name, printable(jsonText(text, "Code")))
	}
	end, err := time.Parse(time.RFC3339, jsonText(text, "Expiration"))
	if err != nil {
		end = again
	}
	return keys, end, nil
}

// UseGoogleToken makes the service account of this instance the client's
// credentials for Cloud Storage. The base is "http://169.254.169.254" on
// Compute Engine.
//
// https://docs.cloud.google.com/compute/docs/access/authenticate-workloads
func (c *Client) UseGoogleToken(base string) {
	c.Credentials.Google = c.bearer(Inquiry{
		URL: base + "/computeMetadata/v1/instance/service-accounts/default/token" +
			"?scopes=https://www.googleapis.com/auth/devstorage.read_only",
		Header: http.Header{"Metadata-Flavor": {"Google"}},
	}, http.StatusNotFound)
}

// UseAzureIdentity makes the managed identity of this machine the client's
// credentials for blob storage. The base is "http://169.254.169.254" on Azure.
//
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
func (c *Client) UseAzureIdentity(base string) {
	c.Credentials.Azure = c.bearer(Inquiry{
		URL:     base + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/",
		Header:  http.Header{"Metadata": {"true"}},
		RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests},
	}, http.StatusBadRequest)
}

// bearer asks for a token (RFC 6749, 5.1). Some statuses say that there is no
// identity.
func (c *Client) bearer(q Inquiry, none ...int) func(context.Context) (string, error) {
	q.Most = maxToken
	return remembered(c, func(ctx context.Context) (string, time.Time, error) {
		now := c.Clock.now()
		text, err := c.Ask(ctx, q)
		if nobody(err, none...) {
			return "", now.Add(renewBefore + credentialPause), nil
		}
		if err != nil {
			return "", now, err
		}
		token := jsonText(text, "access_token")
		if token == "" {
			return "", now, errors.New("the metadata service answers without a token")
		}
		life, err := time.ParseDuration(jsonText(text, "expires_in") + "s")
		if err != nil || life < renewBefore {
			life = renewBefore + credentialPause
		}
		return token, now.Add(life), nil
	})
}
