package imds

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/json"
)

// metadata answers paths with texts; "!404" is a status. It checks that each
// request has the header that its platform asks for.
type metadata struct {
	answers map[string]string
	header  string   // "Header: value" of all but PUT
	got     []string // the requests
}

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.RequestURI()
	m.got = append(m.got, key)
	name, value, _ := strings.Cut(m.header, ": ")
	if r.Method == http.MethodPut {
		name, value = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600"
	}
	answer, ok := m.answers[key]
	var status int
	switch {
	case r.Header.Get(name) != value:
		w.WriteHeader(http.StatusUnauthorized)
	case !ok:
		http.NotFound(w, r)
	case strings.HasPrefix(answer, "!"):
		fmt.Sscanf(answer, "!%d", &status)
		w.WriteHeader(status)
	default:
		io.WriteString(w, answer)
	}
}

const (
	putToken = "PUT /latest/api/token"
	getRoles = "GET /latest/meta-data/iam/security-credentials/"
	keysJSON = `{"Code":"Success","AccessKeyId":"AKIA1","SecretAccessKey":"s3cr3t","Token":"tok","Expiration":"2030-01-02T04:04:05Z"}`
)

var webKeys = fetch.AWSKeys{ID: "AKIA1", Secret: "s3cr3t", Token: "tok", Name: "web"}

func awsAnswers(more ...string) map[string]string {
	a := map[string]string{putToken: "T", getRoles: "web\n", getRoles + "web": keysJSON, "GET /latest/meta-data/placement/region": "eu-west-1\n"}
	for i := 0; i < len(more); i += 2 {
		a[more[i]] = more[i+1]
	}
	return a
}

func TestAWSRole(t *testing.T) {
	for name, tc := range map[string]struct {
		answers map[string]string
		header  string
		want    fetch.AWSKeys
		err     string
	}{
		"a role":         {awsAnswers(), "X-Aws-Ec2-Metadata-Token: T", webKeys, ""},
		"version 1 only": {awsAnswers(putToken, "!404"), "X-Aws-Ec2-Metadata-Token: ", webKeys, ""},
		"no role":        {awsAnswers(getRoles, "!404"), "", fetch.AWSKeys{}, ""},
		"an empty role":  {awsAnswers(getRoles, "\n"), "X-Aws-Ec2-Metadata-Token: T", fetch.AWSKeys{}, ""},
		"switched off":   {awsAnswers(putToken, "!403"), "", fetch.AWSKeys{}, "/latest/api/token: the server answered 403 Forbidden"},
		"no keys":        {awsAnswers(getRoles+"web", `{"Code":"AssumeRoleUnauthorizedAccess"}`), "X-Aws-Ec2-Metadata-Token: T", fetch.AWSKeys{}, `gives no keys for the role "web": it says "AssumeRoleUnauthorizedAccess"`},
		"role vanishes":  {awsAnswers(getRoles+"web", "!404"), "X-Aws-Ec2-Metadata-Token: T", fetch.AWSKeys{}, "credentials/web: the server answered 404 Not Found"},
	} {
		if name == "no role" {
			tc.header = "X-Aws-Ec2-Metadata-Token: T"
		}
		srv := httptest.NewServer(&metadata{answers: tc.answers, header: tc.header})
		c, _, log := newTestClient(t)
		got, err := c.AWSCredentials(srv.URL).AWS(t.Context())
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %+v, %v, want %+v, %q", name, got, err, tc.want, tc.err)
		}
		if strings.Contains(log.String(), "s3cr3t") {
			t.Errorf("%s: the secret is in the log", name)
		}
		srv.Close()
	}
}

func TestAWSRegion(t *testing.T) {
	srv := httptest.NewServer(&metadata{answers: awsAnswers(), header: "X-Aws-Ec2-Metadata-Token: T"})
	defer srv.Close()
	c, _, _ := newTestClient(t)
	if got, err := c.AWSCredentials(srv.URL).AWSRegion(t.Context()); got != "eu-west-1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

const (
	googleScope   = "https://www.googleapis.com/auth/devstorage.read_only"
	googleToken   = "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=" + googleScope
	azureResource = "https://storage.azure.com/"
	azureToken    = "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + azureResource
)

func TestBearerTokens(t *testing.T) {
	for name, tc := range map[string]struct{ answer, want, err string }{
		"a token":        {`{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}`, "ya29.x", ""},
		"text as number": {`{"access_token":"ya29.x","expires_in":"3599"}`, "ya29.x", ""},
		"no identity":    {"none", "", ""},
		"forbidden":      {"!403", "", "the server answered 403 Forbidden"},
		"no token":       {`{"error":"x"}`, "", "the metadata service answers without a token"},
		"too much":       {strings.Repeat(" ", maxCredentials+1), "", "the answer has more than 65536 bytes"},
	} {
		for _, platform := range []struct {
			request, header, none string
			get                   func(*Client, string) (string, error)
		}{
			{googleToken, "Metadata-Flavor: Google", "!404", func(c *Client, base string) (string, error) {
				return c.GoogleCredentials(base).Google(t.Context(), googleScope)
			}},
			{azureToken, "Metadata: true", "!400", func(c *Client, base string) (string, error) {
				return c.AzureCredentials(base).Azure(t.Context(), azureResource)
			}},
		} {
			answer := tc.answer
			if answer == "none" {
				answer = platform.none
			}
			srv := httptest.NewServer(&metadata{answers: map[string]string{platform.request: answer}, header: platform.header})
			c, _, _ := newTestClient(t)
			got, err := platform.get(c, srv.URL)
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s, %s: got %q, %v, want %q, %q", platform.header, name, got, err, tc.want, tc.err)
			}
			srv.Close()
		}
	}
}

func TestCredentialsAreCached(t *testing.T) {
	m := &metadata{answers: map[string]string{googleToken: `{"access_token":"a","expires_in":3600}`}, header: "Metadata-Flavor: Google"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, clock, _ := newTestClient(t)
	token := c.GoogleCredentials(srv.URL).Google
	for i, tc := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}} {
		clock.sleep(t.Context(), tc.after)
		if _, err := token(t.Context(), googleScope); err != nil || len(m.got) != tc.asked {
			t.Errorf("step %d: asked %d times, %v", i, len(m.got), err)
		}
	}
	m.answers[googleToken] = "!403"
	for i, tc := range []struct {
		after time.Duration
		asked int
	}{{time.Hour, 3}, {30 * time.Second, 3}, {31 * time.Second, 4}} {
		clock.sleep(t.Context(), tc.after)
		if _, err := token(t.Context(), googleScope); err == nil || len(m.got) != tc.asked {
			t.Errorf("failure, step %d: asked %d times, %v", i, len(m.got), err)
		}
	}
}

// inLaterProcess is a client whose cache went through a file.
func inLaterProcess(t *testing.T, c *Client) *Client {
	t.Helper()
	text, err := json.Marshal(c.ExportCredentials())
	if err != nil {
		t.Fatal(err)
	}
	var cache CredentialCache
	if err := json.Unmarshal(text, &cache); err != nil {
		t.Fatal(err)
	}
	later, clock, _ := newTestClient(t)
	clock.time = c.fetch.Clock.Now()
	later.ImportCredentials(cache)
	return later
}

func TestCredentialsAreCachedForLaterProcesses(t *testing.T) {
	m := &metadata{answers: awsAnswers(), header: "X-Aws-Ec2-Metadata-Token: T"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, _, _ := newTestClient(t)
	want := webKeys
	for i, asked := range []int{4, 4, 4} { // a token, the roles, the keys, the region
		credentials := c.AWSCredentials(srv.URL)
		keys, err := credentials.AWS(t.Context())
		region, rerr := credentials.AWSRegion(t.Context())
		if keys != want || region != "eu-west-1" || err != nil || rerr != nil || len(m.got) != asked {
			t.Errorf("process %d: asked %d times, got %+v, %q, %v, %v", i, len(m.got), keys, region, err, rerr)
		}
		c = inLaterProcess(t, c)
	}
	c.fetch.Clock.Sleep(t.Context(), 2*time.Hour) // the keys' end
	if _, err := c.AWSCredentials(srv.URL).AWS(t.Context()); err != nil || len(m.got) != 7 {
		t.Errorf("after their end: asked %d times, %v", len(m.got), err)
	}
}

func TestMissingIdentityIsCachedForLaterProcesses(t *testing.T) {
	m := &metadata{answers: map[string]string{azureToken: "!400"}, header: "Metadata: true"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, _, _ := newTestClient(t)
	for range 2 {
		if got, err := c.AzureCredentials(srv.URL).Azure(t.Context(), azureResource); got != "" || err != nil || len(m.got) != 1 {
			t.Errorf("asked %d times, got %q, %v", len(m.got), got, err)
		}
		c = inLaterProcess(t, c)
	}
}

func TestTokensForSeveralThings(t *testing.T) {
	const otherScope, otherResource = "https://www.googleapis.com/auth/cloud-platform", "https://vault.azure.net"
	google := &metadata{answers: map[string]string{googleToken: `{"access_token":"a","expires_in":3600}`,
		"GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=" + otherScope: `{"access_token":"b","expires_in":3600}`}, header: "Metadata-Flavor: Google"}
	azure := &metadata{answers: map[string]string{azureToken: `{"access_token":"a","expires_in":3600}`,
		"GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + otherResource: `{"access_token":"b","expires_in":3600}`}, header: "Metadata: true"}
	atGoogle, atAzure := httptest.NewServer(google), httptest.NewServer(azure)
	defer atGoogle.Close()
	defer atAzure.Close()
	c, _, _ := newTestClient(t)
	g, a := c.GoogleCredentials(atGoogle.URL), c.AzureCredentials(atAzure.URL)
	for range 2 {
		for _, tc := range []struct {
			get           func(context.Context, string) (string, error)
			forWhat, want string
		}{{g.Google, googleScope, "a"}, {g.Google, otherScope, "b"}, {a.Azure, azureResource, "a"}, {a.Azure, otherResource, "b"}} {
			if got, err := tc.get(t.Context(), tc.forWhat); got != tc.want || err != nil {
				t.Errorf("for %s: got %q, %v, want %q", tc.forWhat, got, err, tc.want)
			}
		}
	}
	if len(google.got) != 2 || len(azure.got) != 2 {
		t.Errorf("asked %q and %q", google.got, azure.got)
	}
}

func TestWhatVaultsWantToSee(t *testing.T) {
	const identity = "GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=http%3A%2F%2Fvault%2Fweb+1&format=full"
	m := &metadata{answers: map[string]string{identity: "eyJ.a.b\n"}, header: "Metadata-Flavor: Google"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, _, log := newTestClient(t)
	get := c.GoogleCredentials(srv.URL).GoogleIdentity
	if got, err := get(t.Context(), "http://vault/web 1"); got != "eyJ.a.b" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	m.answers[identity] = "!404"
	if got, err := get(t.Context(), "http://vault/web 1"); got != "" || err != nil {
		t.Errorf("without a service account: got %q, %v", got, err)
	}
	if strings.Contains(log.String(), "eyJ") {
		t.Errorf("the token is in the log:\n%s", log)
	}
	srv2 := httptest.NewServer(&metadata{answers: map[string]string{"GET /metadata/instance/compute?api-version=2021-01-01": `{"name":"web1"}`}, header: "Metadata: true"})
	defer srv2.Close()
	if got, err := c.AzureCredentials(srv2.URL).AzureMachine(t.Context()); got != `{"name":"web1"}` || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTokensOfOthersAreKept(t *testing.T) {
	c, clock, _ := newTestClient(t)
	c.Store("vault v", "hvs", clock.now().Add(time.Minute))
	later := inLaterProcess(t, c)
	if got, ok := later.Load("vault v"); got != "hvs" || !ok {
		t.Errorf("got %q, %t", got, ok)
	}
	later.fetch.Clock.Sleep(t.Context(), time.Minute)
	if _, ok := later.Load("vault v"); ok {
		t.Error("it is used after its end")
	}
}
