package drives

import (
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// serve is a metadata service at an address: of one path, or of none.
func serve(t *testing.T, address, path, text string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path == "" || r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(text))
	})}
	go srv.Serve(listener)
	t.Cleanup(func() { srv.Close() })
}

const (
	openStackPath = "/openstack/latest/user_data"
	metadata      = "169.254.169.254"
)

// network gives the machine the address of the metadata service.
func network(t *testing.T) {
	t.Helper()
	shell(t, "ip addr add "+metadata+"/32 dev lo")
	t.Cleanup(func() { shell(t, "ip addr del "+metadata+"/32 dev lo") })
}

func TestMetadataByIPv6OnAnInterfaceThatComesLater(t *testing.T) {
	network(t)
	serve(t, metadata+":80", "", "")
	shell(t, "modprobe dummy; ip link add late0 type dummy")
	t.Cleanup(func() { shell(t, "ip link del late0") })
	up := make(chan struct{})
	const listening = "the metadata service by IPv4: no config; waiting 10s more for"
	b := startOn(t, map[string]func(){listening: func() {
		shell(t, "ip addr add fe80::a9fe:a9fe/64 dev late0 nodad; ip link set late0 up")
		serve(t, "[fe80::a9fe:a9fe%late0]:80", openStackPath, config("by-ipv6"))
		close(up)
	}}, "fetch", "openstack", "")
	b.has(t, "by-ipv6")
	<-up
}

func TestConfigDriveThatComesAfterTheServiceHasNone(t *testing.T) {
	network(t)
	serve(t, metadata+":80", "", "")
	done := make(chan struct{})
	b := startOn(t, map[string]func(){"no config; waiting 10s more for": func() { attach(t, "/share/iso"); close(done) }}, "fetch", "brightbox", "")
	b.has(t, "of-the-iso")
	<-done
}

func TestConfigDriveIsEnoughWithoutTheNetwork(t *testing.T) {
	attach(t, "/share/iso")
	start(t, "openstack", "").has(t, "of-the-iso")
}

func TestServiceThatHasNoneIsNoConfigAfterTheGrace(t *testing.T) {
	network(t)
	serve(t, metadata+":80", "", "")
	b := startAt(t, "fetch", "openstack", "")
	if b.err != nil || !strings.Contains(b.log, "no config; waiting 10s more for") || strings.Contains(b.cache, "storage") {
		t.Errorf("got %v, %s\n%s", b.err, b.cache, b.log)
	}
}

func TestNoSourceAtAllIsAnError(t *testing.T) {
	b := startAt(t, "fetch", "openstack", "firstlight.network_timeout=12", "--fetch-timeout=12s")
	for _, want := range []string{`waiting for the drive labelled "config-2": it has not appeared within 12s`, "asking http://169.254.169.254"} {
		if b.err == nil || !strings.Contains(strings.ReplaceAll(b.log+b.box, " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("%q is not in: %v, %s\n%s", want, b.err, b.box, b.log)
		}
	}
}

func TestCloudStackAsksWhoGaveTheLease(t *testing.T) {
	network(t)
	serve(t, metadata+":80", "/latest/user-data", config("of-the-server"))
	const leases = "/run/systemd/netif/leases"
	if err := os.MkdirAll(leases, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(leases) })
	// The agent may begin before the lease or after; both are right.
	time.AfterFunc(2*time.Second, func() {
		os.WriteFile(leases+"/2", []byte("ADDRESS=10.0.0.2\nSERVER_ADDRESS="+metadata+"\n"), 0o644)
	})
	startAt(t, "fetch", "cloudstack", "").has(t, "of-the-server")
}
