package providers_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

// packetAddress is where the names of Equinix Metal lead to in the tests.
const packetAddress = "169.254.100.1"

var packetCertificate tls.Certificate

// announce makes the machine know the names of Equinix Metal, and trust a
// certificate for them.
func announce(dir string) error {
	hosts, ca := filepath.Join(dir, "hosts"), filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"+packetAddress+" metadata.packet.net tinkerbell.test\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("replacing /etc/hosts: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, DNSNames: []string{"metadata.packet.net", "tinkerbell.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	packetCertificate = tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
	if err := os.Setenv("SSL_CERT_FILE", ca); err != nil {
		return err
	}
	return os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644)
}

// metal emulates Equinix Metal: user data, metadata and the place for events.
type metal struct {
	userData, metadata, events answer

	mu     sync.Mutex
	asked  map[string]int // how often, by method and URI
	posted []string
	home   int // how often the machine has phoned home
}

// count is how often each request was made.
func (m *metal) count() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.asked)
}

func (m *metal) start(t *testing.T) {
	t.Helper()
	l, err := tls.Listen("tcp", net.JoinHostPort(packetAddress, "443"), &tls.Config{Certificates: []tls.Certificate{packetCertificate}})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: m, ErrorLog: log.New(io.Discard, "", 0)} // one test is about bad certificates
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close(); l.Close() })
}

func (m *metal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	if m.asked == nil {
		m.asked = map[string]int{}
	}
	m.asked[r.Method+" "+r.RequestURI]++
	m.mu.Unlock()
	switch key := r.Method + " " + r.Host + r.RequestURI; {
	case r.Method == http.MethodGet && r.Header.Get("Accept") != "*/*":
		w.WriteHeader(http.StatusNotAcceptable)
	case key == "GET metadata.packet.net/userdata":
		m.userData.write(w, "")
	case key == "GET metadata.packet.net/metadata":
		m.metadata.write(w, "")
	case key == "POST tinkerbell.test/phone/x1/events" && r.Header.Get("Content-Type") == "application/json":
		body, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.posted = append(m.posted, string(body))
		m.mu.Unlock()
		m.events.write(w, "")
	case key == "POST tinkerbell.test/phone/x1/phone-home" && r.Header.Get("Content-Type") == "application/json" && r.ContentLength == 0:
		m.mu.Lock()
		m.home++
		m.mu.Unlock()
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// metalMachine is the metadata of one.
var metalMachine = answer{body: `{"id":"x1","hostname":"p1","iqn":"iqn.x","plan":"c3.small","facility":"ewr1","tags":[],"ssh_keys":["` + key1 + ` a"],"phone_home_url":"https://tinkerbell.test/phone/x1/phone-home",
		"network":{"bonding":{"mode":4},"interfaces":[{"name":"eth0","mac":"0c:c4:7a:00:00:01","bond":"bond0"}],"addresses":[
		{"address_family":4,"public":true,"address":"203.0.113.3","gateway":"203.0.113.2","netmask":"255.255.255.254","cidr":31},
		{"address_family":6,"public":true,"address":"2001:db8::0","gateway":"2001:db8:0::1","cidr":127},
		{"address_family":4,"public":false,"address":"10.0.0.3","gateway":"10.0.0.2","cidr":31}]}}`}

// packetExample is a machine there, and what is to be known of it.
func packetExample(t *testing.T) (*metal, example) {
	t.Helper()
	service := &metal{userData: answer{body: config("packet")}, metadata: metalMachine}
	return service, example{attributes: "PACKET_HOSTNAME=p1 PACKET_PLAN=c3.small PACKET_PHONE_HOME_URL=https://tinkerbell.test/phone/x1/phone-home PACKET_IPV4_PUBLIC_0=203.0.113.3 PACKET_IPV4_PUBLIC_GATEWAY_0=203.0.113.2 PACKET_IPV6_PUBLIC_0=2001:db8:: PACKET_IPV6_PUBLIC_GATEWAY_0=2001:db8::1 PACKET_IPV4_PRIVATE_0=10.0.0.3 PACKET_IPV4_PRIVATE_GATEWAY_0=10.0.0.2",
		hostname: "p1", keys: "K1 a|"}
}

func TestPacketsInstance(t *testing.T) {
	service, e := packetExample(t)
	m := newMachine(t)
	service.start(t)
	m.all(t, "packet")
	e.wants(t, m)
	status, printed := m.afterburn(t, "multi", "--fetch-timeout=20s", "--provider=packet", "--check-in")
	if status != 0 || service.home != 1 {
		t.Errorf("the machine has phoned home %d times, status %d: %s", service.home, status, printed)
	}
}

func TestPacket(t *testing.T) {
	for name, tc := range map[string]struct {
		data answer
		mark string
		box  []string
	}{
		"a config":  {answer{body: config("packet")}, "/etc/packet", nil},
		"none":      {answer{}, "", nil},
		"not found": {notFound, "", []string{"reading the user data of Equinix Metal: asking https://metadata.packet.net/userdata: the server answered 404 Not Found", wrongPlatform}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &metal{userData: tc.data}
			m.start(t)
			boot{platform: "packet"}.run(t).wants(t, tc.mark, tc.box...)
		})
	}
}

func TestPacketWithACertificateThatIsNotTrusted(t *testing.T) {
	m := &metal{userData: answer{body: config("packet")}}
	m.start(t)
	o := boot{platform: "packet", patience: impatience, env: []string{"SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=" + t.TempDir()}}.run(t)
	o.wants(t, "", `TLS: the server's certificate "Test" is self-signed, and this machine does not trust it; this machine has no certificate authorities at all`, "check this machine's clock")
}

// status tells the platform packet how a stage ended.
// status tells a platform how a stage has ended, and returns what is logged.
func status(t *testing.T, platform string, failure error, offline bool) (string, error) {
	t.Helper()
	p, err := providers.ByID(platform)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	env := &providers.Env{Platform: p, Log: report.NewWriterLogger(&text), Timeout: 10 * time.Minute}
	env.Fetch = fetch.New(env.Log, 10*time.Minute)
	env.Fetch.Offline = offline
	env.IMDS = imds.New(env.Fetch)
	err = p.Status(t.Context(), env, "disks", failure)
	return text.String(), err
}

const phoneHome = `{"id":"x1","phone_home_url":"https://tinkerbell.test/phone/x1/phone-home"}`

func TestPacketHearsHowStagesEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		failure        error
		events         answer
		state, message string
	}{
		"well":    {nil, answer{}, "running", "[disks] Ignition status: finished successfully"},
		"created": {nil, answer{status: 201}, "running", "[disks] Ignition status: finished successfully"},
		"badly": {&report.Error{Doing: `creating partition 1 "a\b"`, Err: errors.New("sgdisk:\tno \xff space"), Hint: "make room"}, answer{},
			"failed", "[disks] Ignition error: creating partition 1 \"a\\b\": sgdisk:\tno ? space; make room"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &metal{metadata: answer{body: phoneHome}, events: tc.events}
			m.start(t)
			if _, err := status(t, "packet", tc.failure, false); err != nil {
				t.Fatal(err)
			}
			if len(m.posted) != 1 {
				t.Fatalf("got %q", m.posted)
			}
			var event struct{ State, Message string }
			if err := json.Unmarshal([]byte(m.posted[0]), &event); err != nil {
				t.Fatalf("%s: %v", m.posted[0], err)
			}
			if event.State != tc.state || !strings.HasPrefix(event.Message, tc.message) {
				t.Errorf("got %+v", event)
			}
		})
	}
}

func TestPacketThatDoesNotHear(t *testing.T) {
	const telling = "reporting to Equinix Metal how the stage has ended: "
	for name, tc := range map[string]struct {
		metal   *metal // nil is nobody
		failure string
	}{
		"no address for events": {&metal{metadata: answer{body: `{"id":"x1"}`}}, telling + "the metadata of Equinix Metal has no phone_home_url"},
		"refused":               {&metal{metadata: answer{body: phoneHome}, events: answer{status: 422}}, telling + "asking https://tinkerbell.test/phone/x1/events: the server answered 422"},
		"no metadata":           {&metal{metadata: notFound}, telling + "asking https://metadata.packet.net/metadata: its time limit was reached; the last error was:\nthe server answered 404"},
		"nobody":                {nil, "its time limit was reached; the last error was:\nTCP: the server at " + packetAddress + ":443 refuses the connection"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.metal != nil {
				tc.metal.start(t)
			}
			_, err := status(t, "packet", nil, false)
			if err == nil || !strings.Contains(err.Error(), tc.failure) {
				t.Error(err)
			}
		})
	}
	if log, err := status(t, "packet", nil, true); err != nil || log != "" {
		t.Errorf("offline: %v\n%s", err, log)
	}
}

// The units of other programs stop boots, too. The metadata are asked once, and the failure
// is told once.
func TestPacketHearsOfUnitsThatStopTheBoot(t *testing.T) {
	service, _ := packetExample(t)
	m := newMachine(t)
	service.start(t)
	b := wholeBoot{platform: "packet", userData: "/userdata"}
	b.prepare(t, m)
	b.stage(t, m, "fetch")
	m.program(t, "systemctl", `echo "ostree-x.service loaded failed failed An operation"`)
	for range 2 {
		b.agent(t, m, "-send-record")
	}
	testkit.Equal(t, "events", len(service.posted), 2)
	testkit.Contains(t, "the first", service.posted[0], `"running"`, "[fetch] Ignition status: finished successfully")
	testkit.Contains(t, "the last", service.posted[len(service.posted)-1], `"failed"`, "[emergency] Ignition error: units have failed: ostree-x.service")
	testkit.Equal(t, "requests of the metadata", service.count()["GET /metadata"], 1)
}
