package redteam_test

import (
	"bytes"
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
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/canary"
)

// A server has the contents of the config, behind credentials that it does not
// check, and is the proxy on the way to itself.
type server struct {
	*httptest.Server
	canary.Birds
	// answers, if any, are instead of the contents of a path.
	answers map[string]http.HandlerFunc
	// boots counts the records of boots that have come.
	boots atomic.Int32
}

func newServer(t *testing.T, b canary.Birds) *server {
	t.Helper()
	s := &server{Birds: b, answers: map[string]http.HandlerFunc{}}
	// The words that answers have are made before there are readers.
	for _, place := range []string{"merged file", "remote contents"} {
		b.Word(place)
	}
	authority := httptest.NewUnstartedServer(nil)
	authority.Config.ErrorLog = log.New(io.Discard, "", 0)
	authority.StartTLS()
	authority.Close()
	merged := fmt.Sprintf(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/srv/merged", "mode": 384, "contents": {"source": "data:,%s"}}]}}`, b["merged file"])
	remote := b["remote contents"]
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil || len(body) == 0 {
				t.Errorf("the record of a boot has %d bytes (%v)", len(body), err)
			}
			s.None(t, "the record of a boot that is sent", body)
			s.boots.Add(1)
			return
		}
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

// machine is one that sends the record of its boot to the server.
func (s *server) machine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t, s.Birds)
	m.write("cmdline", "firstlight.report.url="+s.address("record"), 0o600)
	m.env = append(m.env, "IGNITION_KERNEL_CMDLINE_PATH="+m.path("cmdline"))
	return m
}

// address is a URL of the server with a user's password and a token.
func (s *server) address(name string) string {
	return fmt.Sprintf("http://user:%s@%s/%s?token=%s", s.Word(name+", user info"), s.Listener.Addr(), name, s.Word(name+", query"))
}

// resource is one of the server, with a header.
func (s *server) resource(name string) string {
	return fmt.Sprintf(`{"source": %q, "httpHeaders": [{"name": "Authorization", "value": "Bearer %s"}]}`, s.address(name), s.Word(name+", header"))
}

// config is one whose secrets are canaries.
func (s *server) config() string {
	proxy := fmt.Sprintf("http://user:%s@%s", s.Word("proxy"), s.Listener.Addr())
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
		s.resource("merge"), proxy, proxy, s.resource("ca"), s.Word("password of a user"), s.Word("password of a group"),
		s.Word("inline contents"), s.resource("remote"), s.Word("appended contents"), s.resource("append"), s.Word("unit"), s.Word("drop-in"))
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
		s.Word("key file"), s.resource("key"), s.Word("tang, user info"), s.Word("tang, query"), s.Word("advertisement"), s.Word("clevis"))
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

func TestSuccessShowsNoSecret(t *testing.T) {
	s := newServer(t, canary.Birds{})
	m := s.machine(t)
	m.config(s.config())
	m.traced = true
	for _, stage := range []string{"fetch", "files", "umount"} {
		if status := m.run("file", stage); status != 0 {
			t.Fatalf("%s: status %d", stage, status)
		}
	}
	if got := s.boots.Load(); got != 1 {
		t.Errorf("%d records of the boot were sent", got)
	}
	if kept, err := filepath.Glob(m.path("root/var/log/firstlight/*.json")); err != nil || len(kept) != 1 {
		t.Errorf("the records %q are kept: %v", kept, err)
	}
	// The reader can read: the secrets have arrived.
	for name, place := range map[string]string{"srv/merged": "merged file", "srv/remote": "remote contents", "etc/shadow": "password of a user"} {
		text, err := os.ReadFile(m.path("root/" + name))
		if err != nil || !strings.Contains(strings.Join(m.In(text), ","), place) {
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
	var secrets string
	redirectWithSecrets := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			password, signature, _ := strings.Cut(secrets, ",")
			w.Header().Set("Location", fmt.Sprintf(format, password, r.Context().Value(http.LocalAddrContextKey), signature))
			w.WriteHeader(http.StatusFound)
		}
	}
	repeated := func(w http.ResponseWriter, r *http.Request) {
		request, _ := httputil.DumpRequest(r, true)
		w.Write(request)
	}
	answers := map[string]http.HandlerFunc{
		"redirect with secrets": redirectWithSecrets("http://u:%s@%s/signed?X-Amz-Signature=%s"), "redirect to no port": redirectWithSecrets("http://u:%s@%s:x/?%s"),
		"redirect to a large port": redirectWithSecrets("http://u:%s@%s9999/?%s"), "redirect to a blank": redirectWithSecrets("http://u:%s @%s/?%s"),
		"redirect to no host": redirectWithSecrets("http:u:%s@%s/?%s"), "redirect to three slashes": redirectWithSecrets("http:///u:%s@%s/?%s"), "redirect to a zone": redirectWithSecrets("http://u:%s@[fe80::1%%25%s]/?%s"),
		"403": echo(403), "500": echo(500), "407": echo(407), "no HTTP": broken,
		"redirect to nothing": redirect("ftp://user:secret@x/"), "bad redirect": redirect("http://%zz"), "its own request": repeated,
	}
	for name, answer := range answers {
		for _, path := range []string{"merge", "ca", "remote", "append"} {
			t.Run(name+" for "+path, func(t *testing.T) {
				s := newServer(t, canary.Birds{})
				s.answers["/"+path], s.answers["/signed"] = answer, echo(403)
				secrets = s.Word("user info of a redirect") + "," + s.Word("signature of a redirect")
				m := s.machine(t)
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
			s := newServer(t, canary.Birds{})
			m := s.machine(t)
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
			s := newServer(t, canary.Birds{})
			m := s.machine(t)
			m.config(s.config())
			m.helper(program, "echo \"$0 $*\"; echo \"$0 $*\" >&2; cat >&2; cat /proc/$$/environ >&2; exit 1\n")
			m.run("file", "fetch")
			m.run("file", "files")
		})
	}
}

func TestFullFilesystemShowsNoSecret(t *testing.T) {
	s := newServer(t, canary.Birds{})
	m := s.machine(t)
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
	s := newServer(t, canary.Birds{})
	m := s.machine(t)
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
				s := newServer(t, canary.Birds{})
				m := s.machine(t)
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
				if status := m.watched(stage, agent); status >= 0 {
					t.Errorf("it has not died: status %d", status)
				}
			})
		}
	}
}

// A lack of memory ends the runtime as well, with the same stacks.
func TestLackOfMemoryShowsNoSecret(t *testing.T) {
	for path, stage := range map[string]string{"/merge": "fetch", "/append": "files"} {
		t.Run(stage, func(t *testing.T) {
			s := newServer(t, canary.Birds{})
			m := s.machine(t)
			m.config(s.config())
			if stage == "files" && m.run("file", "fetch") != 0 {
				t.Fatal("it cannot be fetched")
			}
			agent := m.stage("file", stage)
			agent.Env = append(agent.Env, "GOTRACEBACK=all", "GOGC=off")
			s.answers[path] = func(w http.ResponseWriter, _ *http.Request) {
				if err := unix.Prlimit(agent.Process.Pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: 1, Max: 1}, nil); err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "text/plain")
				for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
			}
			// In files a helper may be the first to lack it.
			if status := m.watched(stage, agent); status == 0 || status > 0 && stage == "fetch" {
				t.Errorf("it has not died: status %d", status)
			}
		})
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
func mistakes(t *testing.T, text string, b canary.Birds) []string {
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
				if s, ok := value.(string); ok && len(b.In([]byte(s))) > 0 {
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
			if len(b.In([]byte(v))) == 0 {
				return
			}
			for _, wrong := range []any{[]any{v}, map[string]any{v: v}, map[string]any{"password": v}, "http://%zz/?" + v, "ht tp:" + v, "data:;base64,%" + v, v + "\x01\n" + v, "//u:" + v + "@h", "u:" + v + "@h", v + ":p@h", "http:u:" + v + "@h", "http:/u:" + v + "@h/", "http:///u:" + v + "@h/", `http:\\u:` + v + "@h/"} {
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
	s := newServer(t, canary.Birds{})
	s.answers["/merge"], s.answers["/ca"] = echo(403), echo(403) // the mistakes are found before
	m := s.machine(t)
	for _, text := range []string{s.config(), s.disks()} {
		for i, wrong := range mistakes(t, text, s.Birds) {
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

// buildCtl builds the workstation's program into a directory, with its other names.
func buildCtl(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(dir, "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"butane", "ignition-validate"} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return program
}

// sortedKeys gives a sample that is the same each time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func TestWorkstationShowsNoSecret(t *testing.T) {
	dir := t.TempDir()
	program := buildCtl(t, dir)
	s := newServer(t, canary.Birds{})
	var configs []string
	for i, text := range append(mistakes(t, s.config(), s.Birds), mistakes(t, s.disks(), s.Birds)...) {
		if i%everyMistake() == 0 {
			configs = append(configs, text)
		}
	}
	configs = append(configs, butane(s.Birds)...)
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
				s.None(t, channel, []byte(line))
			}
		}
		for line := range strings.Lines(stderr.String()) {
			s.None(t, channel, []byte(line))
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
func butane(b canary.Birds) []string {
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
		all = append(all, "variant: fcos\nversion: 1.5.0\n"+fmt.Sprintf(body, b.Word(fmt.Sprint("Butane ", i))))
	}
	return all
}
