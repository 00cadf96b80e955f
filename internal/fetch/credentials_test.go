package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
)

// metadata answers paths with texts; "!404" is a status. It checks that each
// request has the header that its platform asks for.
type metadata struct {
	answers map[string]string
	header  string // "Header: value" of all but PUT
	asked   []string
}

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.RequestURI()
	m.asked = append(m.asked, key)
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
		want    AWSKeys
		err     string
	}{
		"a role":         {awsAnswers(), "X-Aws-Ec2-Metadata-Token: T", AWSKeys{"AKIA1", "s3cr3t", "tok", "web"}, ""},
		"version 1 only": {awsAnswers(putToken, "!404"), "X-Aws-Ec2-Metadata-Token: ", AWSKeys{"AKIA1", "s3cr3t", "tok", "web"}, ""},
		"no role":        {awsAnswers(getRoles, "!404"), "", AWSKeys{}, ""},
		"an empty role":  {awsAnswers(getRoles, "\n"), "X-Aws-Ec2-Metadata-Token: T", AWSKeys{}, ""},
		"switched off":   {awsAnswers(putToken, "!403"), "", AWSKeys{}, "/latest/api/token: the server answered 403 Forbidden"},
		"no keys":        {awsAnswers(getRoles+"web", `{"Code":"AssumeRoleUnauthorizedAccess"}`), "X-Aws-Ec2-Metadata-Token: T", AWSKeys{}, `gives no keys for the role "web": it says "AssumeRoleUnauthorizedAccess"`},
		"role vanishes":  {awsAnswers(getRoles+"web", "!404"), "X-Aws-Ec2-Metadata-Token: T", AWSKeys{}, "credentials/web: the server answered 404 Not Found"},
	} {
		if name == "no role" {
			tc.header = "X-Aws-Ec2-Metadata-Token: T"
		}
		srv := httptest.NewServer(&metadata{answers: tc.answers, header: tc.header})
		c, _, log := newTestClient(t)
		c.UseAWSRole(srv.URL)
		got, err := c.Credentials.AWS(t.Context())
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
	c.UseAWSRole(srv.URL)
	if got, err := c.Credentials.AWSRegion(t.Context()); got != "eu-west-1" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

const (
	googleToken = "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.googleapis.com/auth/devstorage.read_only"
	azureToken  = "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/"
)

func TestBearerTokens(t *testing.T) {
	for name, tc := range map[string]struct{ answer, want, err string }{
		"a token":        {`{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}`, "ya29.x", ""},
		"text as number": {`{"access_token":"ya29.x","expires_in":"3599"}`, "ya29.x", ""},
		"no identity":    {"none", "", ""},
		"forbidden":      {"!403", "", "the server answered 403 Forbidden"},
		"no token":       {`{"error":"x"}`, "", "the metadata service answers without a token"},
		"too much":       {strings.Repeat(" ", maxToken+1), "", "the answer has more than 65536 bytes"},
	} {
		for _, platform := range []struct {
			request, header, none string
			use                   func(*Client, string)
			get                   func(*Client) (string, error)
		}{
			{googleToken, "Metadata-Flavor: Google", "!404", func(c *Client, base string) { c.UseGoogleToken(base) }, func(c *Client) (string, error) { return c.Credentials.Google(t.Context()) }},
			{azureToken, "Metadata: true", "!400", (*Client).UseAzureIdentity, func(c *Client) (string, error) { return c.Credentials.Azure(t.Context()) }},
		} {
			answer := tc.answer
			if answer == "none" {
				answer = platform.none
			}
			srv := httptest.NewServer(&metadata{answers: map[string]string{platform.request: answer}, header: platform.header})
			c, _, _ := newTestClient(t)
			platform.use(c, srv.URL)
			got, err := platform.get(c)
			if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s, %s: got %q, %v, want %q, %q", platform.header, name, got, err, tc.want, tc.err)
			}
			srv.Close()
		}
	}
}

func TestCredentialsAreRemembered(t *testing.T) {
	m := &metadata{answers: map[string]string{googleToken: `{"access_token":"a","expires_in":3600}`}, header: "Metadata-Flavor: Google"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, h, _ := newTestClient(t)
	c.UseGoogleToken(srv.URL)
	for i, tc := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {0, 1}, {54 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}} {
		h.now = h.now.Add(tc.after)
		if _, err := c.Credentials.Google(t.Context()); err != nil || len(m.asked) != tc.asked {
			t.Errorf("step %d: asked %d times, %v", i, len(m.asked), err)
		}
	}
	m.answers[googleToken] = "!403"
	for i, tc := range []struct {
		after time.Duration
		asked int
	}{{time.Hour, 3}, {30 * time.Second, 3}, {31 * time.Second, 4}} {
		h.now = h.now.Add(tc.after)
		if _, err := c.Credentials.Google(t.Context()); err == nil || len(m.asked) != tc.asked {
			t.Errorf("failure, step %d: asked %d times, %v", i, len(m.asked), err)
		}
	}
}

func TestMetadataServicesAreAskedWithoutTheProxy(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "direct") }))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	dead := "http://127.0.0.1:1"
	if err := c.Configure(t.Context(), config.Ignition{Proxy: config.Proxy{HTTPProxy: &dead}}); err != nil {
		t.Fatal(err)
	}
	// A name would be asked for at the proxy; 127.0.0.1 never is, so look at the rule.
	req, _ := http.NewRequest(http.MethodGet, "http://169.254.169.254/", nil)
	if u, err := c.transports().direct.Proxy(req); u != nil || err != nil {
		t.Errorf("asked through %v, %v", u, err)
	}
	if u, err := c.transports().proxied.Proxy(req); u == nil || err != nil {
		t.Errorf("contents are asked for through %v, %v", u, err)
	}
	if got, err := c.DoMetadata(t.Context(), MetadataRequest{URL: srv.URL}); string(got) != "direct" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestInquiries(t *testing.T) {
	var asked []string
	statuses := []int{410, 429, 503, 200}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("X-Flavor"), body))
		w.WriteHeader(statuses[min(len(asked), len(statuses))-1])
		io.WriteString(w, "answer")
	}))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	q := MetadataRequest{Method: "POST", URL: srv.URL + "/x?k=v", Header: []string{"x-flavor", "F"}, Body: []byte("b"), RetryOn: []int{410}}
	if got, err := c.DoMetadata(t.Context(), q); string(got) != "answer" || err != nil || strings.Join(asked, "\n") != strings.TrimSpace(strings.Repeat("POST /x?k=v F b\n", 4)) {
		t.Errorf("got %q, %v, asked\n%s", got, err, strings.Join(asked, "\n"))
	}
	asked, statuses = nil, []int{410}
	q.RetryOn = nil
	if _, err := c.DoMetadata(t.Context(), q); err == nil || !strings.Contains(err.Error(), "asking "+srv.URL+"/x?...: the server answered 410 Gone") || len(asked) != 1 {
		t.Errorf("asked %d times: %v", len(asked), err)
	}
	if _, err := c.DoMetadata(t.Context(), MetadataRequest{URL: "http://"}); err == nil || !strings.Contains(err.Error(), "this is not a URL that can be requested") {
		t.Errorf("got %v", err)
	}
	c.Offline = true
	if _, err := c.DoMetadata(t.Context(), q); !errors.Is(err, ErrNeedNetwork) {
		t.Errorf("offline: %v", err)
	}
}

// again is a client of a later process, to which everything went through a file.
func again(t *testing.T, c *Client) *Client {
	t.Helper()
	text, err := json.Marshal(c.ExportCredentials())
	if err != nil {
		t.Fatal(err)
	}
	var kept CredentialCache
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	later, h, _ := newTestClient(t)
	h.now = c.Clock.now()
	later.ImportCredentials(kept)
	return later
}

func TestWhatWasLearnedIsKeptForLaterProcesses(t *testing.T) {
	m := &metadata{answers: awsAnswers(), header: "X-Aws-Ec2-Metadata-Token: T"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, h, _ := newTestClient(t)
	want := AWSKeys{"AKIA1", "s3cr3t", "tok", "web"}
	for i, asked := range []int{4, 4, 4} { // a token, the roles, the keys, the region
		c.UseAWSRole(srv.URL)
		keys, err := c.Credentials.AWS(t.Context())
		region, rerr := c.Credentials.AWSRegion(t.Context())
		if keys != want || region != "eu-west-1" || err != nil || rerr != nil || len(m.asked) != asked {
			t.Errorf("process %d: asked %d times, got %+v, %q, %v, %v", i, len(m.asked), keys, region, err, rerr)
		}
		c = again(t, c)
	}
	h.now = h.now.Add(2 * time.Hour) // the keys' end
	c.Clock = h.clock()
	c.UseAWSRole(srv.URL)
	if _, err := c.Credentials.AWS(t.Context()); err != nil || len(m.asked) != 7 {
		t.Errorf("after their end: asked %d times, %v", len(m.asked), err)
	}
}

func TestThatThereIsNoIdentityIsKeptToo(t *testing.T) {
	m := &metadata{answers: map[string]string{azureToken: "!400"}, header: "Metadata: true"}
	srv := httptest.NewServer(m)
	defer srv.Close()
	c, _, _ := newTestClient(t)
	for range 2 {
		c.UseAzureIdentity(srv.URL)
		if got, err := c.Credentials.Azure(t.Context()); got != "" || err != nil || len(m.asked) != 1 {
			t.Errorf("asked %d times, got %q, %v", len(m.asked), got, err)
		}
		c = again(t, c)
	}
}
