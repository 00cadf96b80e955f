package redteam_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/emulator"
	"github.com/firstlight-os/firstlight/tests/canary"
	"github.com/firstlight-os/firstlight/tests/sandbox"
	"github.com/firstlight-os/firstlight/tests/stores"
)

// A storeCase is a machine of a platform whose config names a secret in a store.
type storeCase struct {
	platform, source string
	hosts            []string          // of the store
	credentials      map[string]string // what the metadata service says of the machine, by URI
	store            http.Handler
	problems         func() []string
}

// googleJWT is where the metadata service has the identity for the role of a vault.
const googleJWT = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=http%3A%2F%2Fvault%2Fweb&format=full"

// storeCases are all stores. The secret is the canary of that name; tokens and keys of the
// machine are others.
func storeCases(b canary.Birds) map[string]storeCase {
	secret, token, key := b.Word("secret"), b.Word("token"), b.Word("key")
	signatures := stores.Signatures{Keys: map[string]string{"AKIA1": key}, Token: token, Clock: time.Now}
	const roles = "/latest/meta-data/iam/security-credentials/"
	atAWS := map[string]string{roles: "web", "/latest/meta-data/placement/region": "eu-west-1",
		roles + "web": fmt.Sprintf(`{"Code":"Success","AccessKeyId":"AKIA1","SecretAccessKey":%q,"Token":%q,"Expiration":"2099-01-01T00:00:00Z"}`, key, token)}
	bearer := fmt.Sprintf(`{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, token)
	member := fmt.Sprintf(`{"user":"web","password":%q}`, secret)
	vault := func(login map[string]string) *stores.Vault {
		return &stores.Vault{Signatures: signatures, Host: "vault.example.com", STS: "sts.amazonaws.com", STSRegion: "us-east-1", Lease: 3600, Secrets: map[string]string{"kv/web": member},
			Logins: map[string]map[string]string{"approle": login, "aws": login, "gcp": login, "azure": login}}
	}
	aws := &stores.AWS{Signatures: signatures, Answers: map[string]string{"eu-west-1 prod/db": fmt.Sprintf(`{"SecretString":%q}`, member)}}
	google := &stores.Google{Token: token, Secrets: map[string]string{"secretmanager.googleapis.com/v1/projects/p/secrets/db/versions/latest": secret}}
	azure := &stores.Azure{Token: token, Secrets: map[string]string{"web.vault.azure.net/secrets/db": secret}}
	byAWS := vault(map[string]string{"role": "web"})
	byGoogle := vault(map[string]string{"role": "web", "jwt": token})
	byAzure := vault(map[string]string{"role": "web", "jwt": token, "subscription_id": "s", "resource_group_name": "g", "vm_name": "web1", "vmss_name": ""})
	byAppRole := vault(map[string]string{"role_id": token, "secret_id": key})
	byAppRole.Uses = 1 // the stages have one login
	const web = "vault:https://vault.example.com/kv/web?role=web#password"
	return map[string]storeCase{
		"AWS Secrets Manager": {"aws", "aws-sm:prod/db#password", []string{"secretsmanager.eu-west-1.amazonaws.com"}, atAWS, aws, aws.Problems},
		"Google Secret Manager": {"gcp", "gcp-sm:projects/p/secrets/db", []string{"secretmanager.googleapis.com"},
			map[string]string{"/computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.googleapis.com/auth/cloud-platform": bearer}, google, google.Problems},
		"Azure Key Vault": {"azure", "azure-kv:web/db", []string{"web.vault.azure.net"},
			map[string]string{"/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net": bearer}, azure, azure.Problems},
		"a vault by AWS":    {"aws", web, []string{"vault.example.com"}, atAWS, byAWS, byAWS.Problems},
		"a vault by Google": {"gcp", web, []string{"vault.example.com"}, map[string]string{googleJWT: token}, byGoogle, byGoogle.Problems},
		"a vault by Azure": {"azure", web, []string{"vault.example.com"}, map[string]string{
			"/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/": bearer,
			"/metadata/instance/compute?api-version=2021-01-01":                                             `{"subscriptionId":"s","resourceGroupName":"g","name":"web1","vmScaleSetName":""}`}, byAzure, byAzure.Problems},
		"a vault by AppRole": {"hetzner", "vault:https://vault.example.com/kv/web#password", []string{"vault.example.com"}, nil, byAppRole, byAppRole.Problems},
	}
}

// config names the secret, behind a proxy and an authority of its own.
func (c storeCase) config(proxy string, authority []byte) string {
	bundle := "data:;base64," + base64.StdEncoding.EncodeToString(authority)
	return fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1", "proxy": {"httpsProxy": %q}, "security": {"tls": {"certificateAuthorities": [{"source": %q}]}}, "timeouts": {"httpTotal": 60}},
  "storage": {"files": [{"path": "/srv/secret", "mode": 384, "contents": {"source": %q}}]}}`, proxy, bundle, c.source)
}

// boot starts the metadata service and the store, and returns a machine of the platform that
// has the credentials of an AppRole.
func (c storeCase) boot(t *testing.T, b canary.Birds, store http.Handler) *machine {
	t.Helper()
	proxy, authority := stores.Serve(t, store, c.hosts...)
	service, ok := emulator.Find(c.platform)
	if !ok {
		t.Fatal(c.platform)
	}
	also := maps.Clone(service.Also)
	if also == nil {
		also = map[string]string{}
	}
	maps.Copy(also, c.credentials)
	service.Also = also
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: service.Handler(c.config(proxy, authority))}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close(); l.Close() })
	m := newMachine(t, b)
	given := t.TempDir()
	for name, text := range map[string]string{"firstlight.vault.role_id": b["token"] + "\n", "firstlight.vault.secret_id": b["key"] + "\n"} {
		if err := os.WriteFile(given+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m.env = append(m.env, "CREDENTIALS_DIRECTORY="+given)
	return m
}

// Whole boots: the secret is in its file, and nowhere else at any time. The tokens that it
// takes are in the state of the stages, until the last one.
func TestSecretsOfStoresAreInTheirFilesOnly(t *testing.T) {
	for name := range storeCases(canary.Birds{}) {
		t.Run(name, func(t *testing.T) {
			b := canary.Birds{}
			c := storeCases(b)[name]
			m := c.boot(t, b, c.store)
			left := canary.Files{Birds: canary.Birds{"secret": b["secret"]}, Dirs: []string{m.path("run")}, MayHold: func(string, fs.FileMode) bool { return false }}
			for _, stage := range []string{"fetch", "files", "umount"} {
				stop := left.Watch(t)
				status := m.run(c.platform, stage)
				stop()
				if status != 0 {
					t.Fatalf("%s: status %d", stage, status)
				}
			}
			if text, err := os.ReadFile(m.path("root/srv/secret")); string(text) != b["secret"] {
				t.Errorf("the file has %q, %v", text, err)
			}
			if problems := c.problems(); problems != nil {
				t.Errorf("the store says %q", problems)
			}
			left.Birds = b // the last stage leaves no tokens
			left.Look(t)
		})
	}
}

// Without the stages there is one process, and one login, too.
func TestApplyingAConfigLogsInOnce(t *testing.T) {
	b := canary.Birds{}
	c := storeCases(b)["a vault by AppRole"]
	m := c.boot(t, b, c.store)
	proxy, authority := stores.Serve(t, c.store, c.hosts...)
	m.write("applied.ign", c.config(proxy, authority), 0o600)
	m.write("image/usr/lib/os-release", "ID=test\n", 0o644)
	program := m.path("ignition-apply")
	if err := os.Symlink(sandbox.Agent(), program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--root", m.path("image"), m.path("applied.ign"))
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	m.None(t, "its output", out)
	if text, rerr := os.ReadFile(m.path("image/srv/secret")); err != nil || string(text) != b["secret"] {
		t.Errorf("%v: the file has %q, %v\n%s", err, text, rerr, out)
	}
	if problems := c.problems(); problems != nil {
		t.Errorf("the store says %q", problems)
	}
}

// A store that answers with errors which repeat the request and the secret itself, and with
// what is no answer, shows nothing of both.
func TestStoresThatRepeatTheRequestMakeNoSecretShown(t *testing.T) {
	for name := range storeCases(canary.Birds{}) {
		for answer, h := range map[string]http.HandlerFunc{
			"403": echo(403), "400": echo(400), "302": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "https://example.com/?"+r.Header.Get("Authorization")+r.Header.Get("X-Vault-Token"))
				w.WriteHeader(302)
			},
			"its body": func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.WriteHeader(400)
				json.NewEncoder(w).Encode(map[string]any{"__type": r.Header.Get("Authorization"), "errors": []string{string(body)}})
			},
			"its own request": func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(r.Header) },
		} {
			t.Run(name+", "+answer, func(t *testing.T) {
				b := canary.Birds{}
				c := storeCases(b)[name]
				m := c.boot(t, b, h)
				if m.run(c.platform, "fetch") == 0 && m.run(c.platform, "files") == 0 {
					t.Error("it has not failed")
				}
			})
		}
	}
}
