package redteam_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A server has the contents of the config, behind credentials that it does not
// check, and is the proxy on the way to itself.
type server struct {
	*httptest.Server
	birds
	// answers, if any, are instead of the contents of a path.
	answers map[string]http.HandlerFunc
}

func newServer(t *testing.T, b birds) *server {
	t.Helper()
	s := &server{birds: b, answers: map[string]http.HandlerFunc{}}
	// The words that answers have are made before there are readers.
	for _, place := range []string{"merged file", "remote contents"} {
		b.word(place)
	}
	authority := httptest.NewUnstartedServer(nil)
	authority.Config.ErrorLog = log.New(io.Discard, "", 0)
	authority.StartTLS()
	authority.Close()
	merged := fmt.Sprintf(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/srv/merged", "mode": 384, "contents": {"source": "data:,%s"}}]}}`, b["merged file"])
	remote := b["remote contents"]
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := s.answers[r.URL.Path]; answer != nil {
			answer(w, r)
			return
		}
		switch r.URL.Path {
		case "/merge":
			io.WriteString(w, merged)
		case "/ca":
			pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})
		default:
			io.WriteString(w, remote)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// address is a URL of the server with a user's password and a token.
func (s *server) address(name string) string {
	return fmt.Sprintf("http://user:%s@%s/%s?token=%s", s.word(name+", user info"), s.Listener.Addr(), name, s.word(name+", query"))
}

// resource is one of the server, with a header.
func (s *server) resource(name string) string {
	return fmt.Sprintf(`{"source": %q, "httpHeaders": [{"name": "Authorization", "value": "Bearer %s"}]}`, s.address(name), s.word(name+", header"))
}

// config is one whose secrets are canaries.
func (s *server) config() string {
	proxy := fmt.Sprintf("http://user:%s@%s", s.word("proxy"), s.Listener.Addr())
	return fmt.Sprintf(`{
  "ignition": {
    "version": "3.4.0",
    "config": {"merge": [%s]},
    "proxy": {"httpProxy": %q, "httpsProxy": %q},
    "security": {"tls": {"certificateAuthorities": [%s]}},
    "timeouts": {"httpTotal": 1}
  },
  "passwd": {
    "users": [{"name": "core", "passwordHash": "$6$salt$%s"}],
    "groups": [{"name": "staff", "passwordHash": "$6$salt$%s"}]
  },
  "storage": {
    "files": [
      {"path": "/srv/inline", "mode": 384, "contents": {"source": "data:,%s"}},
      {"path": "/srv/remote", "mode": 384, "contents": %s},
      {"path": "/srv/appended", "mode": 384, "append": [{"source": "data:,%s"}, %s]}
    ]
  },
  "systemd": {
    "units": [{"name": "x.service", "contents": "[Service]\nEnvironment=A=%s\n", "dropins": [{"name": "d.conf", "contents": "[Service]\nEnvironment=A=%s\n"}]}]
  }
}`,
		s.resource("merge"), proxy, proxy, s.resource("ca"), s.word("password of a user"), s.word("password of a group"),
		s.word("inline contents"), s.resource("remote"), s.word("appended contents"), s.resource("append"), s.word("unit"), s.word("drop-in"))
}

// disks is the part of a config that is for disks.
func (s *server) disks() string {
	return fmt.Sprintf(`{
  "ignition": {"version": "3.4.0"},
  "storage": {
    "luks": [
      {"name": "a", "device": "/dev/null", "keyFile": {"source": "data:,%s"}},
      {"name": "b", "device": "/dev/null", "keyFile": %s},
      {"name": "c", "device": "/dev/null", "clevis": {"tang": [{"url": "http://user:%s@tang/?a=%s", "thumbprint": "x", "advertisement": "{\"payload\": \"%s\"}"}]}},
      {"name": "d", "device": "/dev/null", "clevis": {"custom": {"pin": "sss", "config": "{\"key\": \"%s\"}"}}}
    ]
  }
}`,
		s.word("key file"), s.resource("key"), s.word("tang, user info"), s.word("tang, query"), s.word("advertisement"), s.word("clevis"))
}

// echo answers with an error whose every part repeats the request.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		request, _ := httputil.DumpRequest(r, true)
		w.Header().Set("X-Request", r.URL.String()+" "+r.Header.Get("Authorization"))
		w.Header().Set("WWW-Authenticate", `Basic realm="`+r.URL.RawQuery+`"`)
		w.Header().Set("ETag", `"`+r.URL.RawQuery+`"`)
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s %s\n", r.Header.Get("Authorization"), r.Header.Get("Proxy-Authorization"), r.Header.Get("X-Aws-Ec2-Metadata-Token"))
		w.Write(request)
	}
}

func (m *machine) config(text string) {
	m.Helper()
	m.write("config.ign", text, 0o600)
	if err := os.RemoveAll(m.path("run")); err != nil {
		m.Fatal(err)
	}
}

// recorders are helpers that record their arguments and environment, and then are
// what they stand for.
func (m *machine) recorders(names ...string) {
	m.Helper()
	for _, name := range names {
		if real, err := exec.LookPath(name); err == nil {
			m.helper(name, fmt.Sprintf("cat /proc/$$/environ >>%s\nexec %s \"$@\"\n", m.path("helpers"), real))
		}
	}
}

func TestSuccessShowsNoSecret(t *testing.T) {
	s := newServer(t, birds{})
	m := newMachine(t, s.birds)
	m.config(s.config())
	m.recorders("useradd", "usermod", "groupadd", "groupmod", "chpasswd", "chgpasswd")
	for _, stage := range []string{"fetch", "files"} {
		if status := m.run("file", stage); status != 0 {
			t.Fatalf("%s: status %d", stage, status)
		}
	}
	// The reader can read: the secrets have arrived.
	for name, place := range map[string]string{"srv/merged": "merged file", "srv/remote": "remote contents", "etc/shadow": "password of a user"} {
		text, err := os.ReadFile(m.path("root/" + name))
		if err != nil || !strings.Contains(strings.Join(m.in(text), ","), place) {
			t.Errorf("%s: %v, %q", name, err, text)
		}
	}
}

func TestServersThatRepeatTheRequestMakeNoSecretShown(t *testing.T) {
	broken := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nbroken %s\r\n\r\n", r.URL, r.Header.Get("Authorization"))
			conn.Close()
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to+"?"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		}
	}
	repeated := func(w http.ResponseWriter, r *http.Request) {
		request, _ := httputil.DumpRequest(r, true)
		w.Write(request)
	}
	answers := map[string]http.HandlerFunc{
		"403": echo(403), "500": echo(500), "407": echo(407), "no HTTP": broken,
		"redirect to nothing": redirect("ftp://user:secret@x/"), "bad redirect": redirect("http://%zz"), "its own request": repeated,
	}
	for name, answer := range answers {
		for _, path := range []string{"merge", "ca", "remote", "append"} {
			t.Run(name+" for "+path, func(t *testing.T) {
				s := newServer(t, birds{})
				s.answers["/"+path] = answer
				m := newMachine(t, s.birds)
				m.config(s.config())
				if m.run("file", "fetch") == 0 {
					m.run("file", "files")
				}
			})
		}
	}
}

func TestFailuresOfTheNetworkShowNoSecret(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	untrusted := httptest.NewUnstartedServer(echo(500))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	for name, change := range map[string]func(s *server, text string) string{
		"TLS": func(s *server, text string) string {
			text = strings.ReplaceAll(text, `"http://`, `"https://`)
			text = strings.ReplaceAll(text, "sProxy\": \"https", "noProxy\": \"http")
			return strings.ReplaceAll(text, s.Listener.Addr().String(), untrusted.Listener.Addr().String())
		},
		"nobody": func(s *server, text string) string {
			return strings.ReplaceAll(text, s.Listener.Addr().String(), closed.Addr().String())
		},
		"proxy": func(s *server, text string) string {
			return strings.ReplaceAll(strings.ReplaceAll(text, s.Listener.Addr().String()+"/", "host.invalid/"), s.Listener.Addr().String(), closed.Addr().String())
		},
		"proxy that answers with its request": func(s *server, text string) string {
			for _, path := range []string{"/ca", "/merge"} {
				s.answers[path] = echo(407)
			}
			return strings.ReplaceAll(text, s.Listener.Addr().String()+"/", "host.invalid/")
		},
		"no name": func(s *server, text string) string {
			return strings.ReplaceAll(strings.ReplaceAll(text, s.Listener.Addr().String()+"/", "host.invalid/"), `"httpProxy"`, `"noproxy"`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, birds{})
			m := newMachine(t, s.birds)
			m.config(change(s, s.config()))
			if m.run("file", "fetch") == 0 {
				t.Error("it has not failed")
			}
		})
	}
}

func TestHelpersThatRepeatWhatTheyGetMakeNoSecretShown(t *testing.T) {
	for _, program := range []string{"useradd", "usermod", "groupadd", "chpasswd"} {
		t.Run(program, func(t *testing.T) {
			s := newServer(t, birds{})
			m := newMachine(t, s.birds)
			m.config(s.config())
			m.helper(program, "echo \"$0 $*\"; echo \"$0 $*\" >&2; cat >&2; cat /proc/$$/environ >&2; exit 1\n")
			m.run("file", "fetch")
			m.run("file", "files")
		})
	}
}

func TestFullFilesystemShowsNoSecret(t *testing.T) {
	s := newServer(t, birds{})
	m := newMachine(t, s.birds)
	m.config(s.config())
	m.run("file", "fetch")
	if err := os.MkdirAll(m.path("root/srv"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", m.path("root/srv"), "tmpfs", 0, "nr_inodes=2,size=8k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(m.path("root/srv"), unix.MNT_DETACH) })
	if m.run("file", "files") == 0 {
		t.Error("it has not failed")
	}
}

// Volumes on what is no disk, so that nothing is waited for.
func TestDisksShowNoSecret(t *testing.T) {
	s := newServer(t, birds{})
	m := newMachine(t, s.birds)
	m.config(s.disks())
	if status := m.run("file", "fetch"); status != 0 {
		t.Fatalf("status %d", status)
	}
	for _, program := range []string{"cryptsetup", "clevis"} {
		m.helper(program, "echo \"$0 $*\" >&2; cat >&2; exit 1\n")
	}
	m.helper("udevadm", "echo \"$0 $*\" >&2; exit 1\n")
	m.run("file", "disks")
}

// Signals that end the Go runtime with the stacks of all goroutines, while a server
// keeps the agent waiting with secrets in its hands.
func TestDeathOfTheRuntimeShowsNoSecret(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGABRT} {
		for path, stage := range map[string]string{"/merge": "fetch", "/append": "files"} {
			t.Run(fmt.Sprint(signal, " in ", stage), func(t *testing.T) {
				s := newServer(t, birds{})
				m := newMachine(t, s.birds)
				m.config(strings.Replace(s.config(), `{"httpTotal": 1}`, "{}", 1))
				if stage == "files" && m.run("file", "fetch") != 0 {
					t.Fatal("it cannot be fetched")
				}
				agent := m.stage("file", stage)
				agent.Env = append(agent.Env, "GOTRACEBACK=all")
				var once sync.Once
				s.answers[path] = func(_ http.ResponseWriter, r *http.Request) {
					once.Do(func() { agent.Process.Signal(signal) })
					<-r.Context().Done()
				}
				out, err := agent.CombinedOutput()
				if err == nil {
					t.Error("it has not died")
				}
				m.none(t, "what it said", out)
				m.look()
			})
		}
	}
}

// A metadata service whose token is a secret, and which repeats it in an error.
func TestTokenOfAMetadataServiceIsNotShown(t *testing.T) {
	b := birds{}
	token := b.word("token")
	l, err := net.Listen("tcp", metadataAddress+":80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			io.WriteString(w, token)
		default:
			echo(http.StatusForbidden)(w, r)
			fmt.Fprint(w, r.Header)
		}
	})}}
	srv.Start()
	t.Cleanup(srv.Close)
	m := newMachine(t, b)
	if m.run("aws", "fetch") == 0 {
		t.Error("it has not failed")
	}
}

// everyMistake is 1 if all mistakes are tried, more if a sample of them is enough.
func everyMistake() int {
	if os.Getenv("REDTEAM_ALL") != "" {
		return 1
	}
	return 17
}

// mistakes are the config once for each of its secrets and each mistake that can be
// made at its place.
func mistakes(t *testing.T, text string, b birds) []string {
	t.Helper()
	var all []string
	var walk func(v any, set func(any))
	var root any
	emit := func() {
		text, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	walk = func(v any, set func(any)) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) { // the sample is the same each time
				value := v[key]
				walk(value, func(other any) { v[key] = other })
				if s, ok := value.(string); ok && len(b.in([]byte(s))) > 0 {
					delete(v, key)
					v["x"+key] = s // a key that nobody knows
					emit()
					delete(v, "x"+key)
					v[key] = value
				}
			}
		case []any:
			for i, value := range v {
				walk(value, func(other any) { v[i] = other })
			}
		case string:
			if len(b.in([]byte(v))) == 0 {
				return
			}
			for _, wrong := range []any{[]any{v}, map[string]any{v: v}, map[string]any{"password": v}, "http://%zz/?" + v, "ht tp:" + v, "data:;base64,%" + v, v + "\x01\n" + v, "//u:" + v + "@h"} {
				set(wrong)
				emit()
			}
			set(v)
		}
	}
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	walk(root, func(any) {})
	// What hides nothing: no JSON, and a wrong hash.
	return append(all, text[:len(text)/2], strings.Replace(text, `"source"`, `"verification": {"hash": "sha512-00"}, "source"`, 1), strings.ReplaceAll(text, `",`, `"`))
}

func TestMistakesInSecretsAreNotShownByTheAgent(t *testing.T) {
	s := newServer(t, birds{})
	s.answers["/merge"], s.answers["/ca"] = echo(403), echo(403) // the mistakes are found before
	m := newMachine(t, s.birds)
	for _, text := range []string{s.config(), s.disks()} {
		for i, wrong := range mistakes(t, text, s.birds) {
			if i%everyMistake() != 0 {
				continue
			}
			m.config(wrong)
			m.run("file", "fetch")
			if t.Failed() {
				t.Fatalf("the config was\n%s", wrong)
			}
		}
	}
}

func TestWorkstationShowsNoSecret(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"butane", "ignition-validate"} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t, birds{})
	var configs []string
	for i, text := range append(mistakes(t, s.config(), s.birds), mistakes(t, s.disks(), s.birds)...) {
		if i%everyMistake() == 0 {
			configs = append(configs, text)
		}
	}
	configs = append(configs, butane(s.birds)...)
	var files []string
	for i, text := range configs {
		name := filepath.Join(dir, fmt.Sprintf("%d.ign", i))
		if strings.HasPrefix(text, "variant") {
			name = filepath.Join(dir, fmt.Sprintf("%d.bu", i))
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	check := func(channel string, c *exec.Cmd) {
		t.Helper()
		var stderr strings.Builder
		c.Stderr = &stderr
		out, _ := c.Output()
		if !strings.HasSuffix(channel, "'s messages") {
			for line := range strings.Lines(string(out)) {
				s.none(t, channel, []byte(line))
			}
		}
		for line := range strings.Lines(stderr.String()) {
			s.none(t, channel, []byte(line))
		}
	}
	for _, format := range []string{"text", "json", "sarif", "github"} {
		check("validate as "+format, exec.Command(program, append([]string{"validate", "--format", format}, files...)...))
	}
	for i, name := range files {
		if i%4 != 0 && everyMistake() != 1 {
			continue
		}
		check("plan", exec.Command(program, "plan", name))
		check("translate's messages", exec.Command(program, "translate", name))
		check("pack's messages", exec.Command(program, "pack", name))
		check("butane's messages", exec.Command(filepath.Join(dir, "butane"), "--strict", name))
		check("ignition-validate", exec.Command(filepath.Join(dir, "ignition-validate"), name))
	}
}

// butane are configs of Butane with a secret and a mistake in or beside it.
func butane(b birds) []string {
	var all []string
	for i, body := range []string{
		"storage:\n  files:\n    - path: /a\n      contents:\n        inline: [%s]\n",
		"storage:\n  files:\n    - path: /a\n      contents:\n        inlne: %s\n",
		"storage:\n  files:\n    - path: /a\n      contents:\n        inline: |\n          %[1]s\n        source: http://u:%[1]s@%%zz\n",
		"storage:\n  files:\n    - path: /a\n      contents:\n        inline: |\n          %s\n         bad\n",
		"storage:\n  files:\n    - path: /a\n      contents:\n        inline: \"%s\n",
		"storage:\n  files:\n    - path: /a\n      contents: %s\n",
		"storage:\n  files:\n    - path: relative\n      contents:\n        inline: %s\n",
		"passwd:\n  users:\n    - name: core\n      password_hash: {a: %s}\n",
		"passwd:\n  users:\n    - name: core\n      password: %s\n",
		"passwd:\n  users: %s\n",
		"storage:\n  luks:\n    - name: a\n      device: /dev/a\n      key_file:\n        inline: {%s: 1}\n",
		"storage:\n  luks:\n    - name: a\n      device: b\n      key_file: %s\n",
		"ignition:\n  proxy:\n    http_proxy: user:%s@proxy\n",
		"ignition:\n  config:\n    merge:\n      - inline: '{\"ignition\": {\"version\": \"3.4.0\"}, \"passwd\": \"%s\"}'\n",
		"ignition:\n  config:\n    merge:\n      - source: https://h/?%s\n        http_headers: {Authorization: %[1]s}\n",
		"systemd:\n  units:\n    - name: a.service\n      contents: [%s]\n",
	} {
		all = append(all, "variant: fcos\nversion: 1.5.0\n"+fmt.Sprintf(body, b.word(fmt.Sprint("Butane ", i))))
	}
	return all
}
