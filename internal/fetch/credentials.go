package fetch

import (
	"context"
	"errors"
	"fmt"
	"github.com/firstlight-os/firstlight/internal/json"
	"net/http"
	"strings"
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

// AWSKeys sign requests. AbsentOn an ID they are none.
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
	// maxToken bounds the answer of a metadata service, in bytes.
	maxToken = 64 << 10
)

// EC2Token is the token of the second version of EC2's metadata service.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
var EC2Token = &Token{
	Path:          "/latest/api/token",
	RequestHeader: []string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600"},
	Header:        "X-Aws-Ec2-Metadata-Token",
	AbsentOn:      []int{http.StatusNotFound, http.StatusMethodNotAllowed},
}

// UseAWSRole makes the role of this EC2 instance the client's credentials for
// S3, and its region the first one to look in. The base is
// "http://169.254.169.254" on EC2; the others are as in MetadataRequest.OtherHosts.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func (c *Client) UseAWSRole(base string, also ...string) {
	m := &imds{c, base, also}
	keys := c.cached("aws", m.keys)
	c.Credentials.AWS = func(ctx context.Context) (AWSKeys, error) {
		text, err := keys(ctx)
		return parseKeys(text), err
	}
	c.Credentials.AWSRegion = c.cached("aws region", m.region)
}

// imds is the instance metadata service of EC2.
type imds struct {
	client *Client
	base   string
	also   []string
}

func (m *imds) get(ctx context.Context, path string) ([]byte, error) {
	return m.client.DoMetadata(ctx, MetadataRequest{URL: m.base + path, OtherHosts: m.also, Token: EC2Token, MaxBytes: maxToken})
}

func (m *imds) region(ctx context.Context) (string, time.Time, error) {
	region, err := m.get(ctx, "/latest/meta-data/placement/region")
	return strings.TrimSpace(string(region)), m.client.Clock.now().Add(24 * time.Hour), err
}

// keys are the name of the role and what the service says about it. They are
// empty if there is no role.
func (m *imds) keys(ctx context.Context) (string, time.Time, error) {
	const path = "/latest/meta-data/iam/security-credentials/"
	again := m.client.Clock.now().Add(renewBefore + credentialPause)
	roles, err := m.get(ctx, path)
	role, _, _ := strings.Cut(strings.TrimSpace(string(roles)), "\n")
	if answered(err, http.StatusNotFound) || err == nil && role == "" {
		return "", again, nil
	}
	if err != nil {
		return "", again, err
	}
	text, err := m.get(ctx, path+role)
	if err != nil {
		return "", again, err
	}
	whole := role + "\n" + string(text)
	if keys := parseKeys(whole); keys.ID == "" || keys.Secret == "" {
		return "", again, fmt.Errorf("the metadata service gives no keys for the role %q: it says %q", keys.Name, printable(json.Text(text, "Code")))
	}
	end, err := time.Parse(time.RFC3339, json.Text(text, "Expiration"))
	if err != nil {
		end = again
	}
	return whole, end, nil
}

func parseKeys(known string) AWSKeys {
	role, object, _ := strings.Cut(known, "\n")
	text := []byte(object)
	return AWSKeys{json.Text(text, "AccessKeyId"), json.Text(text, "SecretAccessKey"), json.Text(text, "Token"), printable(role)}
}

// UseGoogleToken makes the service account of this instance the client's
// credentials for Cloud Storage. The base is "http://169.254.169.254" on
// Compute Engine; the others are as in MetadataRequest.OtherHosts.
//
// https://docs.cloud.google.com/compute/docs/access/authenticate-workloads
func (c *Client) UseGoogleToken(base string, also ...string) {
	c.Credentials.Google = c.bearer("google", MetadataRequest{
		OtherHosts: also,
		URL: base + "/computeMetadata/v1/instance/service-accounts/default/token" +
			"?scopes=https://www.googleapis.com/auth/devstorage.read_only",
		Header: []string{"Metadata-Flavor", "Google"},
	}, http.StatusNotFound)
}

// UseAzureIdentity makes the managed identity of this machine the client's
// credentials for blob storage. The base is "http://169.254.169.254" on Azure.
//
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
func (c *Client) UseAzureIdentity(base string) {
	c.Credentials.Azure = c.bearer("azure", MetadataRequest{
		URL:     base + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/",
		Header:  []string{"Metadata", "true"},
		RetryOn: []int{http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests},
	}, http.StatusBadRequest)
}

// bearer asks for a token (RFC 6749, 5.1). Some statuses say that there is no
// identity.
func (c *Client) bearer(name string, q MetadataRequest, none ...int) func(context.Context) (string, error) {
	q.MaxBytes = maxToken
	return c.cached(name, func(ctx context.Context) (string, time.Time, error) {
		now := c.Clock.now()
		text, err := c.DoMetadata(ctx, q)
		if answered(err, none...) {
			return "", now.Add(renewBefore + credentialPause), nil
		}
		if err != nil {
			return "", now, err
		}
		token := json.Text(text, "access_token")
		if token == "" {
			return "", now, errors.New("the metadata service answers without a token")
		}
		life, err := time.ParseDuration(json.Text(text, "expires_in") + "s")
		if err != nil || life < renewBefore {
			life = renewBefore + credentialPause
		}
		return token, now.Add(life), nil
	})
}
