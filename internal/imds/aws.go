package imds

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
)

// AWSCredentials are those of the role of an EC2 instance, and its region. The
// base is "http://169.254.169.254" on EC2, the other hosts are as in Request.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
func (c *Client) AWSCredentials(base string, otherHosts ...string) fetch.Credentials {
	get := func(ctx context.Context, path string) (string, error) {
		text, err := c.Do(ctx, Request{URL: base + "/latest/meta-data/" + path, OtherHosts: otherHosts, Token: EC2Token, MaxBytes: maxCredentials})
		return strings.TrimSpace(string(text)), err
	}
	return fetch.Credentials{
		AWS: func(ctx context.Context) (fetch.AWSKeys, error) {
			text, err := c.cached(ctx, "aws", func(ctx context.Context) (string, time.Time, error) { return c.requestKeys(ctx, get) })
			return parseKeys(text), err
		},
		AWSRegion: func(ctx context.Context) (string, error) {
			return c.cached(ctx, "aws region", func(ctx context.Context) (string, time.Time, error) {
				region, err := get(ctx, "placement/region")
				return region, c.fetch.Clock.Now().Add(24 * time.Hour), err
			})
		},
	}
}

// requestKeys returns the name of the role, a line end, and what the service
// says about the role. It is empty if the instance has no role.
func (c *Client) requestKeys(ctx context.Context, get func(ctx context.Context, path string) (string, error)) (keys string, end time.Time, err error) {
	const path = "iam/security-credentials/"
	end = c.shortTerm()
	roles, err := get(ctx, path)
	role, _, _ := strings.Cut(roles, "\n")
	if hasStatus(err, http.StatusNotFound) || err == nil && role == "" {
		return "", end, nil
	}
	if err != nil {
		return "", end, err
	}
	text, err := get(ctx, path+role)
	if err != nil {
		return "", end, err
	}
	keys = role + "\n" + text
	if k := parseKeys(keys); k.ID == "" || k.Secret == "" {
		return "", end, fmt.Errorf("the metadata service gives no keys for the role %q: it says %q", k.Name, fetch.Printable(json.Text([]byte(text), "Code")))
	}
	if t, err := time.Parse(time.RFC3339, json.Text([]byte(text), "Expiration")); err == nil {
		end = t
	}
	return keys, end, nil
}

func parseKeys(keys string) fetch.AWSKeys {
	role, object, _ := strings.Cut(keys, "\n")
	text := []byte(object)
	return fetch.AWSKeys{ID: json.Text(text, "AccessKeyId"), Secret: json.Text(text, "SecretAccessKey"), Token: json.Text(text, "Token"), Name: fetch.Printable(role)}
}

// shortTerm is the end of what is cached although it has none of its own.
func (c *Client) shortTerm() time.Time { return c.fetch.Clock.Now().Add(renewBefore + failurePause) }
