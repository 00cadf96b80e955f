package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/stores"
)

// A store is an emulation of one.
type store interface {
	http.Handler
	Requests() []string
	Problems() []string
}

// reads fetches from a store, and checks that it gets a secret or fails with these texts and
// the last of them as a hint, that the store has nothing to complain about, and that nothing
// secret is in the log or in the error.
func reads(t *testing.T, c *fetch.Client, log *testkit.Output, s store, source, want string, failure ...string) {
	t.Helper()
	got, err := get(t, c, resource(source))
	if got != want || (err == nil) != (failure == nil) {
		t.Errorf("%s: got %q, %v, want %q\n%s", source, got, err, want, log)
	}
	for i, text := range failure {
		switch {
		case err == nil:
		case i == len(failure)-1 && !strings.Contains(hint(err), text):
			t.Errorf("%s: the hint is %q, want %q", source, hint(err), text)
		case i < len(failure)-1 && !strings.Contains(err.Error(), text):
			t.Errorf("%s: %q is not in:\n%v", source, text, err)
		}
	}
	if problems := s.Problems(); problems != nil {
		t.Errorf("%s: the store says %q", source, problems)
	}
	for _, secret := range []string{"canary", "hvs.", "s3cr3t", "tok\n", "ya29", "eyJ", "Signature="} {
		if said := fmt.Sprint(log, err); strings.Contains(said, secret) {
			t.Errorf("%s: the secret %q is in:\n%s", source, secret, said)
		}
	}
}

const (
	secretARN     = "arn:aws:secretsmanager:us-west-2:1:secret:prod/db-AbCdEf"
	secretVersion = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE"
)

func newAWSStore() *stores.AWS {
	return &stores.AWS{Signatures: stores.NewSignatures(), Forbidden: map[string]bool{"eu-west-1 prod/key": true}, Answers: map[string]string{
		"eu-west-1 prod/db":             `{"ARN":"arn","Name":"prod/db","SecretString":"canary \"1\"","VersionStages":["AWSCURRENT"]}`,
		"eu-west-1 prod/db?AWSPREVIOUS": `{"SecretString":"canary 0"}`,
		"us-east-1 db?" + secretVersion: `{"SecretString":"canary 2"}`,
		"us-west-2 " + secretARN:        `{"SecretString":"canary 3"}`,
		"cn-north-1 db":                 `{"SecretString":"canary 4"}`,
		"eu-west-1 binary":              `{"SecretBinary":"Y2FuYXJ5AAEC"}`,
		"eu-west-1 json":                `{"SecretString":"{\"user\":\"web\",\"password\":\"canary\",\"port\":5432,\"tls\":true,\"x\":{\"y\":1},\"none\":null,\"\":\"e\"}"}`,
		"eu-west-1 neither":             `{"Name":"neither"}`,
		"eu-west-1 broken":              `{"SecretString":"canary`,
		"eu-west-1 odd":                 `{"SecretBinary":"canary!"}`,
		"eu-west-1 /a_+=.@-":            `{"SecretString":""}`,
	}}
}

var awsRegions = []string{"secretsmanager.eu-west-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com", "secretsmanager.us-west-2.amazonaws.com", "secretsmanager.cn-north-1.amazonaws.com.cn"}

func TestSecretsOfAWS(t *testing.T) {
	for source, want := range map[string]string{
		"aws-sm:prod/db":                                      `canary "1"`,
		"aws-sm:prod%2Fdb":                                    `canary "1"`,
		"aws-sm:prod/db?stage=AWSPREVIOUS":                    "canary 0",
		"aws-sm:db?region=us-east-1&version=" + secretVersion: "canary 2",
		"aws-sm:" + secretARN:                                 "canary 3",
		"aws-sm:db?region=cn-north-1":                         "canary 4",
		"aws-sm:binary":                                       "canary\x00\x01\x02",
		"aws-sm:json#password":                                "canary",
		"aws-sm:json#port":                                    "5432",
		"aws-sm:json#tls":                                     "true",
		"aws-sm:/a_+=.@-":                                     "",
	} {
		s := newAWSStore()
		c, log, _ := through(t, s.ServeHTTP, awsRegions...)
		asRole(c, role, "eu-west-1")
		reads(t, c, log, s, source, want)
	}
}

func TestSecretsOfAWSThatCannotBeHad(t *testing.T) {
	const asked = "\nasked as the role \"web\" (key AKIA1), in eu-west-1, for the secret "
	for source, want := range map[string][]string{
		"aws-sm:prod/key": {"fetching aws-sm:prod/key: AWS Secrets Manager: ", "400 Bad Request: AccessDeniedException, User: arn:aws:sts::1:assumed-role/web/i-1 is not authorized to perform: secretsmanager:GetSecretValue on resource: prod/key",
			asked + `"prod/key"`, "allow the role of this machine secretsmanager:GetSecretValue"},
		"aws-sm:none": {"ResourceNotFoundException, Secrets Manager can't find the specified secret.", asked + `"none"`,
			"check the name of the secret and the region"},
		"aws-sm:none?region=us-east-1": {"in us-east-1, for the secret", "?region=REGION"},
		"aws-sm:json#token":            {`the secret has no member "token"; it has 7 members`, asked, "look at the names of its members"},
		"aws-sm:json#none":             {`the secret has no member "none"; it has 7 members`, "look at the names of its members"},
		"aws-sm:json#x":                {`the member "x" of the secret is an object or a list, and not a text`, "look at the names of its members"},
		"aws-sm:prod/db#password":      {`the secret is not an object in JSON, so that it has no member "password"`, "leave out the #"},
		"aws-sm:neither":               {"the answer is not that of a store of secrets", "a proxy or a login page"},
		"aws-sm:broken":                {"the answer is not that of a store of secrets", "a proxy or a login page"},
		"aws-sm:odd":                   {"the answer is not that of a store of secrets", "a proxy or a login page"},
		"aws-sm:a b":                   {"this does not name a secret; it should look like aws-sm:NAME", "fix the URL"},
	} {
		s := newAWSStore()
		c, log, _ := through(t, s.ServeHTTP, awsRegions...)
		asRole(c, role, "eu-west-1")
		reads(t, c, log, s, source, "", want...)
		if len(s.Requests()) > 1 {
			t.Errorf("%s: it was asked %d times", source, len(s.Requests()))
		}
	}
}

func TestSecretsOfAWSNeedARole(t *testing.T) {
	failing := func(context.Context) (fetch.AWSKeys, error) {
		return fetch.AWSKeys{}, errors.New("asking X: it is off")
	}
	for name, tc := range map[string]struct {
		set  func(*fetch.Credentials)
		want []string
	}{
		"another platform": {func(k *fetch.Credentials) { *k = fetch.Credentials{} }, []string{"AWS Secrets Manager: the platform of this machine gives it no identity for this; the platform aws does", "ignition.platform.id"}},
		"no role": {func(k *fetch.Credentials) {
			k.AWS = func(context.Context) (fetch.AWSKeys, error) { return fetch.AWSKeys{}, nil }
		},
			[]string{"AWS Secrets Manager: this machine has no role", "associate-iam-instance-profile"}},
		"no service": {func(k *fetch.Credentials) { k.AWS = failing }, []string{"AWS Secrets Manager: getting the identity of this machine: asking X: it is off", ""}},
		"no region":  {func(k *fetch.Credentials) { k.AWSRegion = func(context.Context) (string, error) { return "", nil } }, []string{"does not say in which region", "?region=REGION"}},
		"odd region": {func(k *fetch.Credentials) {
			k.AWSRegion = func(context.Context) (string, error) { return "evil.example.com/", nil }
		}, []string{"does not say in which region", "?region=REGION"}},
		"no answer for the region": {func(k *fetch.Credentials) {
			k.AWSRegion = func(context.Context) (string, error) { return "", errors.New("it is off") }
		},
			[]string{"getting the identity of this machine: it is off", ""}},
		"a wrong secret": {func(k *fetch.Credentials) {
			k.AWS = func(context.Context) (fetch.AWSKeys, error) { wrong := role; wrong.Token = "old"; return wrong, nil }
		}, []string{"UnrecognizedClientException, The security token included in the request is invalid.", "check that the role of this machine still exists"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newAWSStore()
			c, log, _ := through(t, s.ServeHTTP, awsRegions...)
			asRole(c, role, "eu-west-1")
			tc.set(&c.Credentials)
			_, err := get(t, c, resource("aws-sm:prod/db"))
			if err == nil || !strings.Contains(err.Error(), tc.want[0]) || !strings.Contains(hint(err), tc.want[1]) {
				t.Errorf("got %v, hint %q\n%s", err, hint(err), log)
			}
		})
	}
}

func TestSecretsOfAWSAreAskedForAgain(t *testing.T) {
	s := newAWSStore()
	s.Busy = 3
	c, log, _ := through(t, s.ServeHTTP, awsRegions...)
	asRole(c, role, "eu-west-1")
	reads(t, c, log, s, "aws-sm:prod/db", `canary "1"`)
	if n := len(s.Requests()); n != 4 || !strings.Contains(log.String(), "400 Bad Request: ThrottlingException, Rate exceeded") {
		t.Errorf("asked %d times\n%s", n, log)
	}
	s = newAWSStore()
	s.Clock = func() time.Time { return time.Now().Add(-20 * 24 * time.Hour) }
	c, log, _ = through(t, s.ServeHTTP, awsRegions...)
	asRole(c, role, "eu-west-1")
	reads(t, c, log, s, "aws-sm:prod/db", `canary "1"`)
	if !strings.Contains(log.String(), "the clocks of this machine and of Amazon are 480h0m0s apart; the request is signed with Amazon's time") {
		t.Errorf("the log says:\n%s", log)
	}
}

// An answer that breaks off is asked for again as a whole, and what is too large is not kept.
func TestAnswersOfStores(t *testing.T) {
	s, asked := newAWSStore(), 0
	c, log, _ := through(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"SecretString":"canary`)
			return
		}
		s.ServeHTTP(w, r)
	}, awsRegions...)
	asRole(c, role, "eu-west-1")
	reads(t, c, log, s, "aws-sm:prod/db", `canary "1"`)
	if asked != 2 || !strings.Contains(log.String(), "the answer broke off after 23 bytes") {
		t.Errorf("asked %d times\n%s", asked, log)
	}
	c, log, _ = through(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("canary ", 1<<20)) }, awsRegions...)
	asRole(c, role, "eu-west-1")
	reads(t, c, log, s, "aws-sm:prod/db", "", "the answer has more than 4194304 bytes", "check the URL")
	c, log, _ = through(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example.com/", http.StatusFound)
	}, awsRegions...)
	asRole(c, role, "eu-west-1")
	reads(t, c, log, s, "aws-sm:prod/db", "", "AWS Secrets Manager: ", "302 Found", "check the URL")
}

// given returns a token for one thing.
func given(t *testing.T, forWhat, token string) func(context.Context, string) (string, error) {
	return func(_ context.Context, what string) (string, error) {
		if what != forWhat {
			t.Errorf("a token for %q was asked for, want %q", what, forWhat)
		}
		return token, nil
	}
}

func TestSecretsOfGoogle(t *testing.T) {
	const (
		host    = "secretmanager.googleapis.com/v1/projects/"
		europe  = "secretmanager.europe-west1.rep.googleapis.com/v1/projects/"
		asked   = "\nasked as this instance's service account for the secret "
		project = "gcp-sm:projects/p/"
	)
	for name, tc := range map[string]struct {
		source, want string
		set          func(*stores.Google, *fetch.Credentials)
		failure      []string
	}{
		"newest":    {project + "secrets/db", "canary 1", nil, nil},
		"version":   {project + "secrets/db/versions/7", "canary\x00\xff", nil, nil},
		"project":   {"gcp-sm:projects/example.com:p/secrets/db", "canary 2", nil, nil},
		"location":  {project + "locations/europe-west1/secrets/db", "canary 3", nil, nil},
		"empty":     {project + "secrets/empty", "", nil, nil},
		"a member":  {project + "secrets/json#a%20b", "canary 4", nil, nil},
		"damaged":   {project + "secrets/db", "canary 1", func(s *stores.Google, _ *fetch.Credentials) { s.Damaged = 2 }, nil},
		"forbidden": {project + "secrets/root", "", nil, []string{"fetching gcp-sm:projects/p/secrets/root: Google Secret Manager: ", "403 Forbidden: PERMISSION_DENIED, Permission 'secretmanager.versions.access' denied", asked + `"projects/p/secrets/root"`, "roles/secretmanager.secretAccessor"}},
		"disabled":  {project + "secrets/off", "", nil, []string{"400 Bad Request: FAILED_PRECONDITION, Secret Version is in DISABLED state.", asked, "disabled or destroyed"}},
		"no secret": {project + "secrets/none", "", nil, []string{"404 Not Found: NOT_FOUND", asked, "check the project, the secret and the version"}},
		"old token": {project + "secrets/db", "", func(_ *stores.Google, k *fetch.Credentials) {
			k.Google = given(t, "https://www.googleapis.com/auth/cloud-platform", "ya29.old")
		}, []string{"401 Unauthorized: UNAUTHENTICATED", asked, "service account"}},
		"no account": {project + "secrets/db", "", func(_ *stores.Google, k *fetch.Credentials) {
			k.Google = given(t, "https://www.googleapis.com/auth/cloud-platform", "")
		}, []string{"Google Secret Manager: this machine has no identity", "give the instance a service account"}},
		"elsewhere": {project + "secrets/db", "", func(_ *stores.Google, k *fetch.Credentials) { k.Google = nil }, []string{"the platform of this machine gives it no identity for this; the platform gcp does", "ignition.platform.id"}},
		"no service": {project + "secrets/db", "", func(_ *stores.Google, k *fetch.Credentials) {
			k.Google = func(context.Context, string) (string, error) { return "", errors.New("asking X: it is off") }
		}, []string{"Google Secret Manager: getting the identity of this machine: asking X: it is off", ""}},
		"no member": {project + "secrets/json#b", "", nil, []string{`the secret has no member "b"; it has 1 member`, "look at the names"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stores.Google{Token: "ya29.good", Forbidden: map[string]bool{host + "p/secrets/root/versions/latest": true}, Disabled: map[string]bool{host + "p/secrets/off/versions/latest": true},
				Secrets: map[string]string{host + "p/secrets/db/versions/latest": "canary 1", host + "p/secrets/db/versions/7": "canary\x00\xff", host + "example.com:p/secrets/db/versions/latest": "canary 2",
					europe + "p/locations/europe-west1/secrets/db/versions/latest": "canary 3", host + "p/secrets/json/versions/latest": `{"a b":"canary 4"}`, host + "p/secrets/empty/versions/latest": ""}}
			c, log, _ := through(t, s.ServeHTTP, "secretmanager.googleapis.com", "secretmanager.europe-west1.rep.googleapis.com")
			c.Credentials.Google = given(t, "https://www.googleapis.com/auth/cloud-platform", "ya29.good")
			if tc.set != nil {
				tc.set(s, &c.Credentials)
			}
			reads(t, c, log, s, tc.source, tc.want, tc.failure...)
			if name == "damaged" && !strings.Contains(log.String(), "HTTP: the checksum of the answer is wrong") {
				t.Errorf("the log says:\n%s", log)
			}
		})
	}
}

func TestSecretsOfAzure(t *testing.T) {
	const asked = "\nasked as this machine's managed identity for the secret "
	for name, tc := range map[string]struct {
		source, want string
		set          func(*fetch.Credentials)
		failure      []string
	}{
		"newest":  {"azure-kv:web/db", "canary 1", nil, nil},
		"version": {"azure-kv:web/db/0123abcd", "canary 0", nil, nil},
		"a host":  {"azure-kv:web.vault.azure.net/db", "canary 1", nil, nil},
		"one of several identities": {"azure-kv:web/db?client_id=00001111-aaaa", "canary 1", func(k *fetch.Credentials) {
			k.Azure = given(t, "https://vault.azure.net&client_id=00001111-aaaa", "eyJgood")
		}, nil},
		"china":     {"azure-kv:web.vault.azure.cn/db", "canary 2", func(k *fetch.Credentials) { k.Azure = given(t, "https://vault.azure.cn", "eyJgood") }, nil},
		"a member":  {"azure-kv:web/json#k", "canary 3", nil, nil},
		"forbidden": {"azure-kv:web/root", "", nil, []string{"fetching azure-kv:web/root: Azure Key Vault: ", "403 Forbidden: Forbidden, Caller is not authorized", asked + `"root"`, "Key Vault Secrets User"}},
		"no secret": {"azure-kv:web/none", "", nil, []string{"404 Not Found: SecretNotFound, A secret with", asked + `"none"`, "check the names of the vault and the secret"}},
		"old token": {"azure-kv:web/db", "", func(k *fetch.Credentials) { k.Azure = given(t, "https://vault.azure.net", "eyJold") }, []string{"401 Unauthorized: Unauthorized, AKV10032: Invalid issuer.", asked, "the tenant"}},
		"no identity": {"azure-kv:web/db", "", func(k *fetch.Credentials) { k.Azure = given(t, "https://vault.azure.net", "") },
			[]string{"Azure Key Vault: this machine has no identity", "give the machine a managed identity, and if it has several, say which one is meant by client_id=ID"}},
		"elsewhere":  {"azure-kv:web/db", "", func(k *fetch.Credentials) { k.Azure = nil }, []string{"the platform of this machine gives it no identity for this; the platform azure does", "ignition.platform.id"}},
		"throttling": {"azure-kv:web/busy", "canary 4", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stores.Azure{Token: "eyJgood", Errors: map[string]string{"web.vault.azure.net/secrets/root": "403 Forbidden Caller is not authorized"},
				Secrets: map[string]string{"web.vault.azure.net/secrets/db": "canary 1", "web.vault.azure.net/secrets/db/0123abcd": "canary 0", "web.vault.azure.cn/secrets/db": "canary 2",
					"web.vault.azure.net/secrets/json": `{"k":"canary 3"}`, "web.vault.azure.net/secrets/busy": "canary 4"}}
			busy := 2
			c, log, _ := through(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/secrets/busy" && busy > 0 {
					busy--
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(429)
					return
				}
				s.ServeHTTP(w, r)
			}, "*.vault.azure.net", "*.vault.azure.cn")
			c.Credentials.Azure = given(t, "https://vault.azure.net", "eyJgood")
			if tc.set != nil {
				tc.set(&c.Credentials)
			}
			reads(t, c, log, s, tc.source, tc.want, tc.failure...)
		})
	}
}

// held are credentials of a machine.
type held map[string]string

func (h held) Credential(_ context.Context, name string) ([]byte, error) {
	text, ok := h[name]
	if !ok {
		return nil, fmt.Errorf("there is no credential %q: %w", name, fs.ErrNotExist)
	}
	return []byte(text), nil
}

func (held) Decrypt(context.Context, io.Reader) (io.Reader, error) { panic("nothing is encrypted") }

// tokens are those of vaults, in memory.
type tokens struct {
	sync.Map
	until sync.Map
}

func (k *tokens) Load(name string) (string, bool) {
	token, ok := k.Map.Load(name)
	if !ok {
		return "", false
	}
	return token.(string), true
}

func (k *tokens) Store(name, token string, until time.Time) {
	k.Map.Store(name, token)
	k.until.Store(name, until)
}

var appRole = held{"firstlight.vault.role_id": "canary-role\n", "firstlight.vault.secret_id": "canary-id\n"}

func newVault() *stores.Vault {
	return &stores.Vault{Signatures: stores.NewSignatures(), Host: "vault.example.com:8200", STS: "sts.amazonaws.com", STSRegion: "us-east-1", Lease: 3600,
		Secrets: map[string]string{"secret/web": `{"key":"canary 1","port":443,"deep":{"a":1}}`, "secret/web?2": `{"key":"canary 2"}`, "kv/team/a/b c": `{"k#":"canary 3"}`},
		Deleted: map[string]bool{"secret/web?3": true}, Forbidden: map[string]bool{"secret/root": true},
		Logins: map[string]map[string]string{
			"approle": {"role_id": "canary-role", "secret_id": "canary-id"},
			"aws":     {"role": "web"}, "aws-2": {"role": "web"},
			"gcp":   {"role": "web", "jwt": "eyJgood"},
			"azure": {"role": "web", "jwt": "eyJgood", "subscription_id": "s-1", "resource_group_name": "group", "vm_name": "web1", "vmss_name": ""},
		}}
}

// atVault is a client with an AppRole.
func atVault(t *testing.T, s *stores.Vault) (*fetch.Client, *testkit.Output) {
	t.Helper()
	c, log, _ := through(t, s.ServeHTTP, "vault.example.com")
	c.Secrets = appRole
	c.Credentials.Tokens = new(tokens)
	return c, log
}

const vaultURL = "vault:https://vault.example.com:8200/"

func TestSecretsOfVaults(t *testing.T) {
	for name, tc := range map[string]struct {
		source, want string
		set          func(*stores.Vault, *fetch.Client)
		failure      []string
	}{
		"newest":    {"secret/web#key", "canary 1", nil, nil},
		"number":    {"secret/web#port", "443", nil, nil},
		"version":   {"secret/web?version=2#key", "canary 2", nil, nil},
		"deep":      {"kv%2Fteam/a/b%20c#k%23", "canary 3", nil, nil},
		"namespace": {"secret/web?namespace=team/x#key", "canary 1", func(s *stores.Vault, _ *fetch.Client) { s.Namespace = "team/x" }, nil},
		"no secret ID": {"secret/web#key", "canary 1", func(s *stores.Vault, c *fetch.Client) {
			c.Secrets, s.Logins["approle"] = held{"firstlight.vault.role_id": "canary-role"}, map[string]string{"role_id": "canary-role"}
		}, nil},
		"another mount": {"secret/web?auth=machines/approle#key", "canary 1", func(s *stores.Vault, _ *fetch.Client) { s.Logins["machines/approle"] = s.Logins["approle"] }, nil},
		"AWS":           {"secret/web?role=web#key", "canary 1", func(_ *stores.Vault, c *fetch.Client) { asRole(c, role, "eu-west-1") }, nil},
		"AWS in a region": {"secret/web?role=web&auth=aws-2&region=cn-north-1#key", "canary 1", func(s *stores.Vault, c *fetch.Client) {
			asRole(c, role, "eu-west-1")
			s.STS, s.STSRegion = "sts.cn-north-1.amazonaws.com.cn", "cn-north-1"
		}, nil},
		"Google": {"secret/web?role=web#key", "canary 1", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.GoogleIdentity = given(t, "http://vault/web", "eyJgood")
		}, nil},
		"Azure": {"secret/web?role=web#key", "canary 1", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.Azure = given(t, "https://management.azure.com/", "eyJgood")
			c.Credentials.AzureMachine = func(context.Context) (string, error) {
				return `{"subscriptionId":"s-1","resourceGroupName":"group","name":"web1","vmScaleSetName":"","vmId":"x"}`, nil
			}
		}, nil},
		"sealed for a while": {"secret/web#key", "canary 1", func(s *stores.Vault, _ *fetch.Client) { s.Sealed = 4 }, nil},

		"forbidden": {"secret/root#key", "", nil, []string{"fetching " + vaultURL + "secret/root: the vault: ", "403 Forbidden: 1 error occurred: * permission denied", "\nasked by AppRole for the secret \"root\"", `have a policy of this login allow "read" at MOUNT/data/PATH`}},
		"not there": {"secret/none#key", "", nil, []string{"404 Not Found\nasked by AppRole", "kv get -mount=MOUNT PATH"}},
		"deleted":   {"secret/web?version=3#key", "", nil, []string{"fetching " + vaultURL + "secret/web?...: the vault: version 3 of the secret was deleted\nasked by AppRole", "vault kv undelete"}},
		"no member": {"secret/web#token", "", nil, []string{`the secret has no member "token"; it has 3 members`, "look at the names"}},
		"no text":   {"secret/web#deep", "", nil, []string{`the member "deep" of the secret is an object or a list`, "look at the names"}},
		"no role ID": {"secret/web#key", "", func(_ *stores.Vault, c *fetch.Client) { c.Secrets = held{"firstlight.vault.secret_id": "canary-id"} },
			[]string{"the vault: getting the identity of this machine: there is no credential \"firstlight.vault.role_id\"", ""}},
		"no credentials": {"secret/web#key", "", func(_ *stores.Vault, c *fetch.Client) { c.Secrets = nil }, []string{"the secrets of a machine can be read in its first boot only", ""}},
		"a wrong secret ID": {"secret/web#key", "", func(_ *stores.Vault, c *fetch.Client) {
			c.Secrets = held{"firstlight.vault.role_id": "canary-role", "firstlight.vault.secret_id": "canary-other"}
		}, []string{"the vault: logging in: ", "400 Bad Request: invalid role or secret ID: *** ***\nasked by AppRole", "a secret ID may have been used up"}},
		"no such method": {"secret/web?auth=other#key", "", nil, []string{"logging in: ", "404 Not Found: no handler for route", ""}},
		"no cloud":       {"secret/web?role=web#key", "", nil, []string{"gives it no identity that a vault knows; the platforms aws, azure and gcp do", "firstlight.vault.role_id"}},
		"no role at AWS": {"secret/web?role=web#key", "", func(_ *stores.Vault, c *fetch.Client) { asRole(c, fetch.AWSKeys{}, "") }, []string{"this machine has no role", "instance-profile"}},
		"no identity at Google": {"secret/web?role=web#key", "", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.GoogleIdentity = given(t, "http://vault/web", "")
		},
			[]string{"this machine has no identity\nasked as the role \"web\" by the identity of this machine at the platform gcp", "give the instance a service account"}},
		"one of several identities of Azure": {"secret/web?role=web&client_id=00001111-aaaa#key", "canary 1", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.Azure = given(t, "https://management.azure.com/&client_id=00001111-aaaa", "eyJgood")
			c.Credentials.AzureMachine = func(context.Context) (string, error) {
				return `{"subscriptionId":"s-1","resourceGroupName":"group","name":"web1"}`, nil
			}
		}, nil},
		"no answer of Azure": {"secret/web?role=web#key", "", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.Azure = given(t, "https://management.azure.com/", "eyJgood")
			c.Credentials.AzureMachine = func(context.Context) (string, error) { return "", errors.New("asking X: it is off") }
		}, []string{"getting the identity of this machine: asking X: it is off", ""}},
		"another role": {"secret/web?role=db#key", "", func(_ *stores.Vault, c *fetch.Client) {
			c.Credentials.GoogleIdentity = given(t, "http://vault/db", "eyJgood")
		}, []string{"400 Bad Request", "check that the role exists"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newVault()
			c, log := atVault(t, s)
			if tc.set != nil {
				tc.set(s, c)
			}
			reads(t, c, log, s, vaultURL+tc.source, tc.want, tc.failure...)
		})
	}
}

// One login is for all secrets, and for later processes; if its token is refused there is
// another one, but only one.
func TestLoginsToVaultsAreFewAndRenewed(t *testing.T) {
	s := newVault()
	s.Lease = 600
	c, log := atVault(t, s)
	kept := new(tokens)
	c.Credentials.Tokens = kept
	began := c.Clock.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { reads(t, c, log, s, vaultURL+"secret/web#key", "canary 1") })
	}
	all.Wait()
	logins := func() int { return strings.Count(strings.Join(s.Requests(), " "), "/v1/auth/approle/login") }
	if logins() != 1 {
		t.Errorf("20 secrets took %d logins", logins())
	}
	const name = "vault vault.example.com:8200  approle "
	stored, ok := kept.until.Load(name)
	if until, _ := stored.(time.Time); !ok || until.Before(began.Add(9*time.Minute)) || until.After(c.Clock.Now().Add(9*time.Minute)) {
		t.Errorf("a token of 10 minutes, given after %v, is used until %v", began, until)
	}
	later, log := atVault(t, s)
	later.Credentials.Tokens = kept
	reads(t, later, log, s, vaultURL+"secret/web#key", "canary 1")
	if logins() != 1 {
		t.Errorf("a later process logs in again")
	}
	s.Revoke()
	reads(t, later, log, s, vaultURL+"secret/web#key", "canary 1")
	if logins() != 2 {
		t.Errorf("after the token was revoked: %d logins", logins())
	}
	reads(t, later, log, s, vaultURL+"secret/root#key", "", "permission denied", "have a policy")
	if logins() != 3 { // as a token that is refused and a path that is forbidden look the same
		t.Errorf("after a path that is forbidden: %d logins", logins())
	}
	none, log := atVault(t, s)
	none.Credentials.Tokens = nil
	reads(t, none, log, s, vaultURL+"secret/web#key", "canary 1")
}

// Without a limit of time a sealed vault is waited for; with one the error says what to do.
func TestSealedVault(t *testing.T) {
	s := newVault()
	s.Sealed = 1 << 30
	c, log := atVault(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	pauses, sleep := 0, c.Clock.Sleep
	c.Clock.Sleep = func(ctx context.Context, d time.Duration) error {
		if pauses++; pauses == 3 {
			cancel()
		}
		return sleep(ctx, d+20*time.Second)
	}
	_, err := c.Bytes(ctx, resource(vaultURL+"secret/web#key"), limit)
	if err == nil || !strings.Contains(err.Error(), "503 Service Unavailable: Vault is sealed") || !strings.Contains(hint(err), "unseal the vault (vault operator unseal)") {
		t.Errorf("got %v, hint %q\n%s", err, hint(err), log)
	}
	if !strings.Contains(log.String(), "WARNING") {
		t.Errorf("nobody is told while it is sealed:\n%s", log)
	}
}

// A server that is not the active one redirects to it. What a login shows is for no other one.
func TestRedirectsOfVaults(t *testing.T) {
	asked := 0
	c, log, _ := through(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "https://other.example.com:8200"+r.URL.Path, http.StatusTemporaryRedirect)
	}, "vault.example.com", "other.example.com")
	c.Secrets = appRole
	reads(t, c, log, newVault(), vaultURL+"secret/web#key", "", "logging in: ", "307 Temporary Redirect", "the address of the active server")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// What the answer of a vault has instead of a token is not used.
func TestOddTokensOfVaults(t *testing.T) {
	for _, text := range []string{"", "{", "{}", `{"auth":null}`, `{"auth":{"client_token":""}}`, `{"auth":{"client_token":"a\r\nX: y"}}`, `{"auth":{"client_token":"a","lease_duration":"1"}}`} {
		s := newVault()
		c, log := atVault(t, s)
		c2, _, _ := through(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }, "vault.example.com")
		c2.Secrets, c2.Credentials.Tokens = c.Secrets, c.Credentials.Tokens
		reads(t, c2, log, s, vaultURL+"secret/web#key", "", "the answer is not that of a store of secrets", "a proxy or a login page")
	}
}
