package redteam_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/tests/canary"
)

// metadataAddresses are those of the services.
var metadataAddresses = []string{"169.254.169.254/32", "169.254.42.42/32", "100.100.100.200/32", azureFabric + "/32"}

// azureFabric is the address of the service that Azure's machines tell how they are.
const azureFabric = "168.63.129.16"

// services are the platforms with a metadata service. Some give user data as base64.
var services = []struct {
	platform string
	encoded  bool
}{
	{"akamai", true}, {"aliyun", false}, {"aws", false}, {"azure", true}, {"digitalocean", false}, {"exoscale", false}, {"gcp", false}, {"hetzner", false},
	{"openstack", false}, {"oraclecloud", true}, {"outscale", false}, {"scaleway", false}, {"upcloud", false}, {"vultr", false},
}

// A cloud is a metadata service with a token.
type cloud struct {
	token string
	// data answers the requests for user data, and all others that are not for a token.
	data http.HandlerFunc
	// tokens, if not nil, answers those for a token.
	tokens http.HandlerFunc
	// fabric, if not nil, is told how a machine of Azure's is.
	fabric http.HandlerFunc
}

// serve answers at port 80 of all addresses until the test is over.
func (c *cloud) serve(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == azureFabric && c.fabric == nil:
			http.NotFound(w, r)
		case r.Host == azureFabric:
			c.fabric(w, r)
		case r.Method != http.MethodPut:
			c.data(w, r)
		case c.tokens != nil:
			c.tokens(w, r)
		default:
			io.WriteString(w, c.token)
		}
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close(); l.Close() })
}

func write(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// hidden are the headers in which tokens are sent.
var hidden = []string{"Metadata-Token", "X-aliyun-ecs-metadata-token", "X-aws-ec2-metadata-token", "Authorization"}

func tokenOf(r *http.Request) string {
	for _, name := range hidden {
		if value := r.Header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// garbage is no HTTP, with the token in it.
func garbage(w http.ResponseWriter, r *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		fmt.Fprintf(conn, "HTTP/1.1 %s %s\r\nbroken %s\r\n\r\n", tokenOf(r), r.URL, tokenOf(r))
		conn.Close()
	}
}

// Services that repeat the token in all that they say, and user data with secrets that
// can be used, or not.
func TestMetadataServicesMakeNoSecretShown(t *testing.T) {
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/other?token="+tokenOf(r), http.StatusFound)
	}
	for i, s := range services {
		encode := func(text string) http.HandlerFunc {
			if s.encoded {
				text = base64.StdEncoding.EncodeToString([]byte(text))
			}
			return write(text)
		}
		for name, change := range map[string]func(c *cloud, s *server){
			"gives a config":         func(c *cloud, s *server) { c.data = encode(s.config()) },
			"gives a broken config":  func(c *cloud, s *server) { c.data = encode(strings.Replace(s.config(), `",`, `"`, 3)) },
			"gives no config":        func(c *cloud, s *server) { c.data = write("{" + s.Word("user data") + "}") },
			"gives half of a config": func(c *cloud, s *server) { c.data = encode(s.config()[:1000]) },
			"refuses":                func(c *cloud, _ *server) { c.data = echo(403) },
			"fails":                  func(c *cloud, _ *server) { c.data = echo(500) },
			"refuses a token":        func(c *cloud, _ *server) { c.tokens, c.data = echo(403), echo(401) },
			"speaks no HTTP":         func(c *cloud, _ *server) { c.data = garbage },
			"redirects":              func(c *cloud, _ *server) { c.data = redirect },
			"has a token of two lines": func(c *cloud, _ *server) {
				c.tokens, c.data = write(c.token+"\r\nX: "+c.token), echo(401)
			},
		} {
			if (len(name)+i)%5 != 0 && everyMistake() != 1 {
				continue
			}
			t.Run(s.platform+" "+name, func(t *testing.T) {
				server := newServer(t, canary.Birds{})
				c := &cloud{token: server.Word("token of a service")}
				change(c, server)
				c.serve(t)
				m := newMachine(t, server.Birds)
				m.arguments = []string{"--fetch-timeout=1s"}
				status := m.run(s.platform, "fetch")
				if wants := name == "gives a config"; wants != (status == 0) {
					t.Errorf("status %d", status)
				}
			})
		}
	}
}

// Azure hears why a stage has failed.
func TestPlatformsHearOfFailuresWithoutSecrets(t *testing.T) {
	s := newServer(t, canary.Birds{})
	c := &cloud{data: write(base64.StdEncoding.EncodeToString([]byte(s.config())))}
	heard := 0
	c.fabric = func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			body, err := io.ReadAll(r.Body)
			if err != nil || !strings.Contains(string(body), "ProvisioningFailed") {
				t.Errorf("heard %q, %v", body, err)
			}
			s.None(t, "what the fabric hears", body)
			heard++
		case r.URL.RawQuery == "comp=versions":
			io.WriteString(w, "<Versions><Supported><Version>2012-11-30</Version></Supported></Versions>")
		default:
			io.WriteString(w, "<GoalState><Incarnation>1</Incarnation><ContainerId>c</ContainerId><InstanceId>i</InstanceId></GoalState>")
		}
	}
	c.serve(t)
	m := newMachine(t, s.Birds)
	m.helper("useradd", "echo \"$0 $*\"; echo \"$0 $*\" >&2; cat >&2; cat /proc/$$/environ >&2; exit 1\n")
	if status := m.run("azure", "fetch"); status != 0 {
		t.Fatalf("status %d", status)
	}
	if status := m.run("azure", "files"); status == 0 || heard != 1 {
		t.Errorf("status %d; the fabric has heard of %d failures", status, heard)
	}
}

// Signals that end the Go runtime while a token is in use.
func TestDeathWithATokenShowsNoSecret(t *testing.T) {
	b := canary.Birds{}
	c := &cloud{token: b.Word("token")}
	m := newMachine(t, b)
	agent := m.stage("aws", "fetch")
	var once sync.Once
	c.data = func(_ http.ResponseWriter, r *http.Request) {
		once.Do(func() { agent.Process.Signal(syscall.SIGQUIT) })
		<-r.Context().Done()
	}
	c.serve(t)
	if status := m.watched("fetch", agent); status >= 0 {
		t.Errorf("it has not died: status %d", status)
	}
}

// The URL of the config on the kernel's command line, with all that a URL can hide.
func TestCommandLineOfTheKernelShowsNoSecret(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"config": nil, "403": echo(403), "500": echo(500), "garbage": garbage, "no config": write("nothing"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, canary.Birds{})
			if answer != nil {
				s.answers["/merge"] = answer
			}
			m := newMachine(t, s.Birds)
			m.write("cmdline", "ignition.firstboot ignition.config.url="+s.address("merge"), 0o600)
			m.env = append(m.env, "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"))
			m.arguments = []string{"--fetch-timeout=1s"}
			if status := m.run("metal", "fetch"); (answer == nil) != (status == 0) {
				t.Errorf("status %d", status)
			}
		})
	}
}

// Data URLs and arguments that are wrong on the command line of the kernel.
func TestMistakesOnTheCommandLineOfTheKernelShowNoSecret(t *testing.T) {
	b := canary.Birds{}
	for i, argument := range []string{
		"ignition.config.url=data:;base64,%" + b.Word("data URL"), "ignition.config.url=http://u:" + b.Word("bad host") + "@%zz/", "ignition.config.url=//u:" + b.Word("no scheme") + "@h/",
		"ignition.config.url=ftp://u:" + b.Word("scheme") + "@h/", "ignition.config.url=u:" + b.Word("nothing") + "@h/",
		"ignition.config.url=" + b.Word("user") + ":x@h/", "ignition.config.url=http:u:" + b.Word("no slash") + "@h/", "ignition.config.url=http:/u:" + b.Word("one slash") + "@h/", "ignition.config.url=http:///u:" + b.Word("three slashes") + "@h/",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			m := newMachine(t, b)
			m.write("cmdline", "ignition.firstboot "+argument, 0o600)
			m.env = append(m.env, "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"))
			if m.run("metal", "fetch") == 0 {
				t.Error("it has not failed")
			}
		})
	}
}

// Keys of an instance's role and tokens of a service account, and stores that repeat
// the signature.
func TestStoresMakeNoSecretShown(t *testing.T) {
	for _, store := range []struct{ platform, url string }{
		{"aws", "s3://bucket/key"}, {"gcp", "gs://bucket/object"}, {"azure", "https://acct.blob.core.windows.net/c/blob"}, {"azure", "https://acct.blob.core.windows.net/c/blob?sig="},
		{"aws", "arn:aws:s3:::bucket/key"},
	} {
		for name, answer := range map[string]http.HandlerFunc{"403": echo(403), "500": echo(500), "garbage": garbage, "success": write(`{"ignition": {"version": "3.4.0"}}`)} {
			t.Run(store.url+" "+name, func(t *testing.T) {
				s := newServer(t, canary.Birds{})
				if strings.HasSuffix(store.url, "=") {
					store.url += s.Word("signature")
				}
				ca := newAuthority(t, answer, "*.amazonaws.com", "*.s3.dualstack.us-east-1.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com", "storage.googleapis.com", "acct.blob.core.windows.net")
				c := &cloud{token: s.Word("token of a service")}
				keys := fmt.Sprintf(`{"Code":"Success","AccessKeyId":"AKIA1","SecretAccessKey":%q,"Token":%q,"Expiration":"2099-01-01T00:00:00Z"}`, s.Word("key"), s.Word("session token"))
				bearer := fmt.Sprintf(`{"access_token":%q,"expires_in":"3599","expires_on":"4102444800","token_type":"Bearer"}`, s.Word("token of a service account"))
				c.data = func(w http.ResponseWriter, r *http.Request) {
					switch path := r.URL.Path; {
					case strings.HasSuffix(path, "/security-credentials/"):
						io.WriteString(w, "web")
					case strings.HasSuffix(path, "/security-credentials/web"):
						io.WriteString(w, keys)
					case strings.HasSuffix(path, "/region"):
						io.WriteString(w, "us-east-1")
					case strings.Contains(path, "token"):
						io.WriteString(w, bearer)
					default:
						http.NotFound(w, r)
					}
				}
				c.serve(t)
				m := newMachine(t, s.Birds)
				config := fmt.Sprintf(`{"ignition": {"version": "3.4.0", "proxy": {"httpsProxy": "http://u:%s@%s"}, "security": {"tls": {"certificateAuthorities": [{"source": "data:;base64,%s"}]}}, "timeouts": {"httpTotal": 1}, "config": {"merge": [{"source": %q}]}}}`,
					s.Word("proxy"), ca.proxy, base64.StdEncoding.EncodeToString(ca.pem), store.url)
				m.write("cmdline", "ignition.firstboot ignition.config.url=data:;base64,"+base64.StdEncoding.EncodeToString([]byte(config)), 0o600)
				m.env = append(m.env, "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"))
				if status := m.run(store.platform, "fetch"); (name == "success") != (status == 0) {
					t.Errorf("status %d", status)
				}
				if ca.asked() == 0 {
					t.Error("the store was not asked")
				}
				if text, _ := os.ReadFile(m.path("run/ignition/state")); name == "success" && !strings.Contains(store.url, "sig") && len(m.In(text)) == 0 {
					t.Error("the state has no credentials: it does not try what it should")
				}
			})
		}
	}
}
