package fetch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/storeurl"
)

var awsSecrets = &secretStore{"AWS Secrets Manager", askAWS, [][2]string{
	{"ResourceNotFoundException", "check the name of the secret and the region; another one than this machine's is set by ?region=REGION in the URL"},
	{"AccessDeniedException", "allow the role of this machine secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key if it is not encrypted by the default one"},
	{"DecryptionFailure", "allow the role of this machine kms:Decrypt on the key that encrypts the secret"},
	{"InvalidRequestException", "the secret has no value, or is scheduled for deletion: aws secretsmanager restore-secret"},
	{"InvalidSignatureException", "check this machine's clock"},
	{"UnrecognizedClientException", "check that the role of this machine still exists, and that the region is enabled for its account"},
}}

// busyAtAWS are errors of a service that has too much to do, which it gives the status 400.
var busyAtAWS = []string{"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"}

// askAWS gets a secret of AWS Secrets Manager. By its errors it corrects our clock.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func askAWS(ctx context.Context, c *Client, s *storeurl.Secret) (secret []byte, who string, err error) {
	keys, err := c.awsKeys(ctx)
	if err != nil {
		return nil, "", err
	}
	region, err := c.awsRegion(ctx, s)
	if err != nil {
		return nil, "", err
	}
	who = fmt.Sprintf("as the role %q (key %s), in %s,", keys.Name, Printable(keys.ID), region)
	secret, err = c.askAWSAt(ctx, s, keys, region, 0)
	var status *StatusError
	if !errors.As(err, &status) {
		return secret, who, err
	}
	if slices.Contains(busyAtAWS, jsonCode(status.excerpt)) {
		return nil, who, &AttemptError{Kind: ServerBusy, Err: err}
	}
	if skew := c.skewAtAWS(status); skew != 0 {
		c.Log.Warn(fmt.Sprintf("the clocks of this machine and of Amazon are %v apart; the request is signed with Amazon's time", skew.Abs().Round(time.Minute)))
		secret, err = c.askAWSAt(ctx, s, keys, region, skew)
	}
	return secret, who, err
}

// awsKeys returns the keys of this machine's role.
func (c *Client) awsKeys(ctx context.Context) (keys AWSKeys, err error) {
	if c.Credentials.AWS == nil {
		return keys, noIdentity("aws")
	}
	keys, err = c.Credentials.AWS(ctx)
	switch {
	case err != nil:
		err = &identityError{err}
	case keys.ID == "":
		err = noSecret("give the instance a profile with a role that may read the secret: aws ec2 associate-iam-instance-profile", "this machine has no role")
	}
	return keys, err
}

// awsRegion returns the region of a secret, which is this machine's if the URL has none.
func (c *Client) awsRegion(ctx context.Context, s *storeurl.Secret) (string, error) {
	if s.Region != "" {
		return s.Region, nil
	}
	region, err := c.Credentials.AWSRegion(ctx)
	switch {
	case err != nil:
		err = &identityError{err}
	case !isRegion(region):
		err = noSecret("set it by ?region=REGION in the URL", "the metadata service does not say in which region this machine is")
	}
	return region, err
}

// askAWSAt sends one request, signed with a clock that is before ours by skew.
func (c *Client) askAWSAt(ctx context.Context, s *storeurl.Secret, keys AWSKeys, region string, skew time.Duration) ([]byte, error) {
	wanted := map[string]string{"SecretId": s.Name}
	if s.Version != "" {
		wanted["VersionId"] = s.Version
	}
	if s.Stage != "" {
		wanted["VersionStage"] = s.Stage
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	req := jsonRequest(http.MethodPost, awsService(serviceSecrets, region), body, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "secretsmanager.GetSecretValue")
	sign(req, keys, serviceSecrets, region, c.Clock.Now().Add(skew))
	answer, err := c.sendForJSON(ctx, req)
	if err != nil {
		return nil, err
	}
	return decodeAWS(answer)
}

// awsService returns the URL of a service in a region.
func awsService(service, region string) *url.URL {
	return &url.URL{Scheme: "https", Host: service + "." + region + "." + partitions[partitionOf(region)].suffix, Path: "/"}
}

// skewAtAWS returns how far Amazon's clock is before ours, if that may be why a signature is
// refused.
func (c *Client) skewAtAWS(status *StatusError) time.Duration {
	const least = 4 * time.Minute // Amazon tolerates five
	date, err := http.ParseTime(status.header.Get("Date"))
	skew := date.Sub(c.Clock.Now())
	if jsonCode(status.excerpt) != "InvalidSignatureException" || err != nil || skew.Abs() < least {
		return 0
	}
	return skew
}

// decodeAWS returns the secret of an answer, which is a text or base64.
func decodeAWS(answer []byte) ([]byte, error) {
	var a struct{ SecretString, SecretBinary *string }
	switch err := json.Unmarshal(answer, &a); {
	case err != nil || a.SecretString == nil && a.SecretBinary == nil:
		return nil, errMakesNoSense
	case a.SecretString != nil:
		return []byte(*a.SecretString), nil
	}
	return decodeBase64(*a.SecretBinary)
}

func decodeBase64(text string) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errMakesNoSense
	}
	return secret, nil
}
