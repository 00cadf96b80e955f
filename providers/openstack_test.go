package providers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// metadataServer is a metadata service that answers with a status, and with a config if
// that is 200.
func metadataServer(t *testing.T, path string, status int) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			t.Errorf("requested %s", r.URL.Path)
		}
		w.WriteHeader(status)
		if status == http.StatusOK {
			w.Write([]byte(plain))
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL + path
}

const nobody = "http://127.0.0.1:1/"

// shortTimeout is for tests that end with it; a local server answers before.
const shortTimeout = 3 * time.Second

func TestOpenStackUsesTheSourceThatHasAConfig(t *testing.T) {
	path := "/" + openStackFile
	ok, none, denied := metadataServer(t, path, http.StatusOK), metadataServer(t, path, http.StatusNotFound), metadataServer(t, path, http.StatusForbidden)
	busy := metadataServer(t, path, http.StatusServiceUnavailable)
	full := image{"12", "CONFIG-2", map[string]string{openStackFile: plain}}
	other := image{"genisoimage -r", "config-2", map[string]string{"openstack/latest/meta_data.json": "{}"}}
	bad := spoil(image{"genisoimage", "config-2", map[string]string{openStackFile: plain}}.bytes(t))
	for name, tc := range map[string]struct {
		ipv4, ipv6 string
		drive      []byte
		after      time.Duration // until there is an interface with IPv6
		timeout    time.Duration
		want       string // in the name, or in the error
	}{
		"IPv4":                                   {ok, "", nil, 0, time.Minute, openStackFile},
		"IPv4 has none, IPv6 comes later":        {none, ok, nil, time.Second, time.Minute, openStackFile},
		"IPv4 is not there, IPv6 is":             {nobody, ok, nil, 0, time.Minute, openStackFile},
		"a drive, no service":                    {nobody, nobody, full.bytes(t), 0, time.Minute, "on vda, labelled"},
		"a drive without the file, and IPv4":     {ok, "", other.bytes(t), 0, time.Minute, openStackFile},
		"a drive that is broken, and IPv4":       {ok, "", bad, 0, time.Minute, openStackFile},
		"a service that has none, and a drive":   {none, none, full.bytes(t), 0, time.Minute, "on vda, labelled"},
		"a service that denies, and a drive":     {denied, "", full.bytes(t), 0, time.Minute, "on vda, labelled"},
		"a service that has none":                {none, "", nil, 0, shortTimeout, ""},
		"a drive without the file":               {nobody, "", other.bytes(t), 0, shortTimeout, ""},
		"a service that is busy":                 {busy, "", other.bytes(t), 0, shortTimeout, "error: 503 Service Unavailable"},
		"a service that denies":                  {denied, "", nil, 0, shortTimeout, "error: 403 Forbidden"},
		"a drive that is broken, a service not ": {none, "", bad, 0, shortTimeout, "error: mounting "},
		"nobody, drive": {nobody, nobody, nil, 0, shortTimeout,
			`error: waiting for the drive labelled "config-2": it has not appeared within 3s; there are: no block devices at all`},
		"nobody, service": {nobody, nobody, nil, 0, shortTimeout, "error: asking http://127.0.0.1:1/: it took longer than 3s; the last error was:\nTCP: the server at 127.0.0.1:1 refuses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv(t)
			env.Timeout = tc.timeout
			if tc.drive != nil {
				attach(t, env, "vda", tc.drive)
			}
			begun := time.Now()
			data, err := fetchOpenStackAt(t.Context(), env, tc.ipv4, strings.ReplaceAll(tc.ipv6, "%", "%%")+"%.0s", func() []string {
				if tc.ipv6 == "" || time.Since(begun) < tc.after {
					return nil
				}
				return []string{"eth0"}
			})
			wrong, fails := strings.CutPrefix(tc.want, "error: ")
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), wrong)):
				t.Errorf("got %+v, %v", data, err)
			case !fails && (err != nil || (data == nil) != (tc.want == "") || data != nil && (string(data.Text) != plain || !strings.Contains(data.Name, tc.want))):
				t.Errorf("got %+v, %v", data, err)
			}
		})
	}
}

func TestOpenStackWithoutAnySourceListsThemAll(t *testing.T) {
	env := newEnv(t)
	env.Timeout = shortTimeout
	_, err := fetchOpenStackAt(t.Context(), env, nobody, openStackIPv6, func() []string { return nil })
	box := report.Box("fetch", err)
	for _, want := range []string{`waiting for the drive labelled "config-2"`, "asking http://127.0.0.1:1/"} {
		if err == nil || !strings.Contains(box, want) {
			t.Errorf("%q is not in\n%s", want, box)
		}
	}
}

func TestCloudStackUsesTheSourceThatHasAConfig(t *testing.T) {
	ok, none := metadataServer(t, cloudStackPath, http.StatusOK), metadataServer(t, cloudStackPath, http.StatusNotFound)
	host := func(url string) string {
		return strings.TrimSuffix(strings.TrimPrefix(url, "http://"), cloudStackPath)
	}
	drive := image{"genisoimage -r", "config-2", map[string]string{cloudStackFile: plain}}
	for name, tc := range map[string]struct {
		servers []string
		after   time.Duration // until they are known
		drive   []byte
		timeout time.Duration
		want    string
	}{
		"a server":              {[]string{host(ok)}, 0, nil, time.Minute, cloudStackPath},
		"a lease that is late":  {[]string{host(ok)}, time.Second, nil, time.Minute, cloudStackPath},
		"two interfaces":        {[]string{host(none), host(ok)}, 0, nil, time.Minute, cloudStackPath},
		"a drive, no network":   {nil, 0, drive.bytes(t), time.Minute, "on sr0"},
		"a server without":      {[]string{host(none)}, 0, nil, time.Second, ""},
		"nobody, not even IPv6": {[]string{"::1"}, 0, nil, time.Second, "error: asking http://[::1]/latest/user-data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnv(t)
			env.Timeout = tc.timeout
			if tc.drive != nil {
				attach(t, env, "sr0", tc.drive)
			}
			begun := time.Now()
			data, err := fetchCloudStackAt(t.Context(), env, func() []string {
				if time.Since(begun) < tc.after {
					return nil
				}
				return tc.servers
			})
			wrong, fails := strings.CutPrefix(tc.want, "error: ")
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), wrong)):
				t.Errorf("got %+v, %v", data, err)
			case !fails && (err != nil || (data == nil) != (tc.want == "") || data != nil && !strings.Contains(data.Name, tc.want)):
				t.Errorf("got %+v, %v", data, err)
			}
		})
	}
}

func TestLeasesOfAllClientsAreRead(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"run/systemd/netif/leases/2":                   {"# This is private data. Do not parse.\nADDRESS=10.1.1.5\nSERVER_ADDRESS=10.1.1.1\nROUTER=10.1.1.254\n", "10.1.1.1"},
		"run/systemd/netif/leases/3":                   {"ADDRESS=10.1.1.5\nROUTER=10.1.1.254\n", ""},
		"run/NetworkManager/internal-x-eth0.lease":     {"SERVER_ADDRESS=10.1.1.2\n", "10.1.1.2"},
		"var/lib/NetworkManager/internal-y-eth1.lease": {"dhcp_server_identifier=10.1.1.3\n", "10.1.1.3"},
		"var/lib/dhclient/dhclient--eth0.lease":        {"lease {\n  option dhcp-server-identifier 10.1.1.8;\n}\nlease {\r\n  option dhcp-server-identifier 10.1.1.4;\r\n}\n", "10.1.1.4"},
		"var/lib/dhcp/dhclient.leases":                 {"  option dhcp-server-identifier evil.example/path;\n", ""},
		"tmp/dhclient.eth0.lease":                      {"\toption dhcp-server-identifier 10.1.1.6;\n", "10.1.1.6"},
		"run/systemd/netif/leases/4":                   {"SERVER_ADDRESS=fe80::1%eth0\n", ""},
		"run/systemd/netif/leases/5":                   {strings.Repeat("#", maxLease) + "\nSERVER_ADDRESS=10.9.9.9\n", ""},
	} {
		root := t.TempDir()
		testkit.WriteFile(t, filepath.Join(root, name), tc.text)
		if got := strings.Join(leaseServers(root), " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
	root := t.TempDir()
	for _, name := range []string{"run/systemd/netif/leases/2", "run/NetworkManager/a.lease"} {
		testkit.WriteFile(t, filepath.Join(root, name), "SERVER_ADDRESS=10.1.1.1\n")
	}
	if got := leaseServers(root); len(got) != 1 {
		t.Errorf("one server is %v", got)
	}
}

func TestCloudStackHasANameWithoutALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := newEnv(t)
		env.Timeout = leaseWait / 2 // before it would ask the name server of this machine
		_, err := fetchCloudStack(t.Context(), env)
		if !errors.Is(err, errNoDrive) {
			t.Errorf("got %v", err)
		}
	})
	if got := "http://" + cloudStackName + cloudStackPath; got != "http://data-server/latest/user-data" {
		t.Errorf("the URL is %s", got)
	}
}
