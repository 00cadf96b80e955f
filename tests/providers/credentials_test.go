package providers_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/providers"
)

// client has the credentials of a platform.
func client(t *testing.T, platform string) *fetch.Client {
	t.Helper()
	p, err := providers.ByID(platform)
	if err != nil {
		t.Fatal(err)
	}
	c := fetch.New(nil, 10*time.Minute)
	c.Credentials = p.Credentials(imds.New(c))
	return c
}

// whole is a role's keys as EC2 gives them.
const whole = `{"Code":"Success","AccessKeyId":"AKIA1","SecretAccessKey":"s3cr3t","Token":"tok","Expiration":"2099-01-01T00:00:00Z"}`

func TestCredentialsOverIPv6(t *testing.T) {
	const roles = "/latest/meta-data/iam/security-credentials/"
	var asked []string
	serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method)
		answers := map[string]string{"/latest/api/token": "T", roles: "web", roles + "web": whole, "/latest/meta-data/placement/region": "eu-west-1",
			"/computeMetadata/v1/instance/service-accounts/default/token": `{"access_token":"ya29","expires_in":3599}`}
		if !strings.HasPrefix(r.Host, "[fd") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.WriteString(w, answers[r.URL.Path])
	}))
	without(t, everywhere+"/32")
	aws, gcp := client(t, "aws"), client(t, "gcp")
	keys, err := aws.Credentials.AWS(t.Context())
	region, rerr := aws.Credentials.AWSRegion(t.Context())
	if err != nil || rerr != nil || keys.ID != "AKIA1" || region != "eu-west-1" || strings.Join(asked, " ") != "PUT GET GET GET" {
		t.Errorf("got the keys %s, %v, the region %q, %v, by %v", keys.ID, err, region, rerr, asked)
	}
	if token, err := gcp.Credentials.Google(t.Context(), "scope"); token != "ya29" || err != nil {
		t.Errorf("got %q, %v", token, err)
	}
}
