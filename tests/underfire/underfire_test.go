package underfire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// text is reproducible and does not repeat itself soon.
func text(size int) string {
	var b strings.Builder
	for n := 0; b.Len() < size; n++ {
		fmt.Fprintf(&b, "line %d\n", n)
	}
	return b.String()[:size]
}

// remoteFile is a file of a config, with its hash.
func remoteFile(path, url, contents string) string {
	return fmt.Sprintf(`{"path": %q, "contents": {"source": %q, "verification": {"hash": "sha256-%x"}}}`, path, url, sha256.Sum256([]byte(contents)))
}

func TestPacketsAreLost(t *testing.T) {
	run(t, "ip", "link", "set", "lo", "mtu", "1500")
	run(t, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "20%")
	t.Cleanup(func() { run(t, "tc", "qdisc", "del", "dev", "lo", "root") })
	contents := text(200_000)
	var files []string
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for n := range 20 {
		name := fmt.Sprintf("/file%d", n)
		files = append(files, remoteFile(name, server.URL+name, contents[:10_000*n]))
		mux.HandleFunc(name, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, contents[:10_000*n]) })
	}
	mux.HandleFunc("/config", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ignition": {"version": "3.4.0"}, "storage": {"files": [%s]}}`, strings.Join(files, ", "))
	})
	m := newMachine(t, "")
	m.arguments = "ignition.config.url=" + server.URL + "/config"
	m.must("fetch", "files")
	for n := range 20 {
		m.has(fmt.Sprintf("file%d", n), contents[:10_000*n])
	}
	if statistics := run(t, "tc", "-s", "qdisc", "show", "dev", "lo"); !regexp.MustCompile(`dropped [1-9]`).MatchString(statistics) {
		t.Errorf("no packet was lost:\n%s", statistics)
	}
}

// A mortal server dies in the middle of its first response.
type mortal struct {
	address, contents string

	mu      sync.Mutex
	running *http.Server
	died    bool
}

func newMortal(t *testing.T, contents string) *mortal {
	t.Helper()
	s := &mortal{address: "127.0.0.1:0", contents: contents}
	s.start(t)
	return s
}

// start lets it live, at the same address as before.
func (s *mortal) start(t *testing.T) {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address = listener.Addr().String()
	s.running = &http.Server{Handler: s}
	go s.running.Serve(listener)
	t.Cleanup(func() { listener.Close() })
}

func (s *mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	first := !s.died
	s.died = true
	s.mu.Unlock()
	if !first {
		http.ServeContent(w, r, "", time.Unix(1e9, 0), strings.NewReader(s.contents))
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(s.contents)))
	w.Header().Set("Last-Modified", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))
	fmt.Fprint(w, s.contents[:len(s.contents)/2])
	w.(http.Flusher).Flush()
	s.running.Close()
}

func TestServerDies(t *testing.T) {
	contents := text(300_000)
	t.Run("and comes back", func(t *testing.T) {
		server := newMortal(t, contents)
		at := "http://" + server.address + "/big"
		m := newMachine(t, `{"ignition": {"version": "3.4.0"}, "storage": {"files": [`+remoteFile("/srv/big", at, contents)+`]}}`)
		m.must("fetch")
		o := m.stage("files", map[string]func(){"connection refused": func() { server.start(t) }})
		if o.status != 0 || !strings.Contains(o.log, "connection refused") {
			t.Errorf("status %d\n%s", o.status, o.log)
		}
		m.has("srv/big", contents)
	})
	t.Run("for ever", func(t *testing.T) {
		server := newMortal(t, contents)
		at := "http://" + server.address + "/big"
		m := newMachine(t, `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}}, "storage": {"files": [`+remoteFile("/srv/big", at, contents)+`]},
			"passwd": {"users": [{"name": "dawn"}]}}`)
		m.must("fetch")
		m.stage("files", nil).ends(t, 5, at, "it took longer than 5s", "connection refused", "storage.files[0]")
		server.start(t)
		m.must("files")
		m.has("srv/big", contents)
	})
}

// A server's certificate is issued in the year of the program, or later than it was
// built.
func TestClockIn1970(t *testing.T) {
	now := time.Now()
	setClock(t, time.Unix(3600, 0))
	t.Cleanup(func() { setClock(t, now) })
	const start = `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 5}, "security": {"tls": {"certificateAuthorities": [{"source": %q}]}}},
		"storage": {"files": [%s]}, "passwd": {"users": [{"name": "dawn", "passwordHash": "$6$salt$hash"}]}}`
	t.Run("a certificate that is valid since the program was built", func(t *testing.T) {
		server, authority := httpsServer(t, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
		m := newMachine(t, fmt.Sprintf(start, authority, remoteFile("/srv/hello", server, "hello")))
		m.must("fetch", "files")
		m.has("srv/hello", "hello")
		// 0 would have the user change the password at the first login.
		shadow := testkit.ReadFile(t, m.path("root/etc/shadow"))
		if !regexp.MustCompile(`(?m)^dawn:\$6\$salt\$hash:[^0]?:`).MatchString(shadow) {
			t.Errorf("the account is %s", shadow)
		}
	})
	t.Run("a certificate of later", func(t *testing.T) {
		server, authority := httpsServer(t, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		m := newMachine(t, fmt.Sprintf(start, authority, remoteFile("/srv/hello", server, "hello")))
		m.must("fetch")
		m.stage("files", nil).ends(t, 5, "is not valid yet", "this machine's clock says 1970-01-01 01:0", "which is before this program was built", "set this machine's clock")
	})
}

func setClock(t *testing.T, to time.Time) {
	t.Helper()
	run(t, "date", "-s", fmt.Sprintf("@%d", to.Unix()))
}

// httpsServer says hello. It has a certificate that is valid for ten years, and is its own authority.
func httpsServer(t *testing.T, from time.Time) (url, authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: from, NotAfter: from.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	testkit.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, dataURL(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
}

func dataURL(text string) string { return "data:," + url.PathEscape(text) }

// fill puts a small filesystem in memory at a directory of the machine, with what the
// directory held, and fills it up.
func (m *machine) fill(dir string) (free func()) {
	m.Helper()
	run(m.T, "mkdir", "-p", m.path(dir))
	run(m.T, "cp", "-a", m.path(dir), m.path("copy"))
	run(m.T, "mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "none", m.path(dir))
	m.Cleanup(func() { run(m.T, "umount", m.path(dir)) })
	run(m.T, "cp", "-aT", m.path("copy"), m.path(dir))
	run(m.T, "rm", "-r", m.path("copy"))
	filler := m.path(dir) + "/filler"
	if err := os.WriteFile(filler, bytes.Repeat([]byte("x"), 3<<20), 0o600); err == nil {
		m.Fatal("the filesystem does not become full")
	}
	return func() {
		if err := os.Remove(filler); err != nil {
			m.Error(err)
		}
	}
}

const smallConfig = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/srv/hello", "contents": {"source": "data:,hello"}}]},
	"passwd": {"users": [{"name": "dawn", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]}, "systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}]}}`

// complete checks what the small config makes of a machine.
func (m *machine) complete() {
	m.Helper()
	m.has("srv/hello", "hello")
	m.has("home/dawn/.ssh/authorized_keys.d/ignition", "ssh-ed25519 AAAA\n")
	if _, err := os.Lstat(m.path("root/etc/systemd/system/multi-user.target.wants/a.service")); err != nil {
		if _, err := os.Stat(m.path("root/etc/systemd/system-preset/20-ignition.preset")); err != nil {
			m.Errorf("the unit is not enabled: %v", err)
		}
	}
}

func TestFullRoot(t *testing.T) {
	m := newMachine(t, smallConfig)
	free := m.fill("root")
	m.must("fetch")
	m.stage("files", nil).ends(t, 6, "a filesystem is full, read-only or broken", "no space left on device", "make the filesystem larger")
	free()
	m.must("files")
	m.complete()
}

func TestFullRun(t *testing.T) {
	for _, stage := range []string{"fetch", "files"} {
		t.Run(stage, func(t *testing.T) {
			m := newMachine(t, smallConfig)
			if stage == "files" {
				m.must("fetch")
			}
			free := m.fill("run")
			// There is no space for the report either.
			o := m.stage(stage, nil)
			o.box = unframed(o.log)
			o.ends(t, 6, "a filesystem is full, read-only or broken", "no space left on device", "/run is in memory: give the machine more of it")
			free()
			m.must("fetch", "files")
			m.complete()
		})
	}
}

// The machine has 128 MB. Debian's cryptsetup takes 64 MiB to find out how long it may
// derive a key, whatever there is, so that such a config says it (docs/operating.md).
func TestLittleMemory(t *testing.T) {
	const size = 200 << 20
	block := []byte(text(1 << 16))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for range size / len(block) {
			w.Write(block)
		}
	}))
	t.Cleanup(server.Close)
	var files []string
	for n := range 2000 {
		files = append(files, fmt.Sprintf(`{"path": "/srv/small/%d", "contents": {"source": "data:,%d"}}`, n, n))
	}
	config := `{"ignition": {"version": "3.4.0"}, "storage": {
		"disks": [{"device": "/dev/disk/by-id/virtio-disk1", "wipeTable": true, "partitions": [{"label": "vault", "sizeMiB": 64}, {"label": "data", "sizeMiB": 300}]}],
		"luks": [{"name": "vault", "device": "/dev/disk/by-partlabel/vault", "keyFile": {"source": "data:,sesame"}, "options": ["--pbkdf-memory", "32768", "--pbkdf-force-iterations", "4"]}],
		"filesystems": [{"device": "/dev/mapper/vault", "format": "ext4", "path": "/srv/vault"}, {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "path": "/srv/data"}],
		"files": [{"path": "/srv/data/huge", "contents": {"source": "` + server.URL + `"}}, {"path": "/srv/vault/secret", "contents": {"source": "data:,secret"}}, ` + strings.Join(files, ", ") + `]},
		"passwd": {"users": [{"name": "dawn"}]}}`
	m := newMachine(t, config)
	m.must("fetch", "disks", "mount")
	t.Cleanup(func() { m.must("umount") })
	m.must("files")
	m.has("srv/vault/secret", "secret")
	m.has("srv/small/1999", "1999")
	if info, err := os.Stat(m.path("root/srv/data/huge")); err != nil || info.Size() != size {
		t.Errorf("the huge file is %+v, %v", info, err)
	}
	memory := run(t, "cat", "/proc/meminfo")
	if total := regexp.MustCompile(`MemTotal: +(\d{1,6}) kB`).FindString(memory); total == "" {
		t.Errorf("the machine has more memory:\n%s", memory)
	}
}
