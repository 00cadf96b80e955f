//go:build soak

package examples

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// A host serves machines: the files that configs fetch, and an answer for each machine
// that has come up, which ends it.
type host struct {
	mux *http.ServeMux
	url string // as machines reach it
}

func newHost(t *testing.T, files string) *host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(t, err)
	h := &host{mux: http.NewServeMux(), url: fmt.Sprintf("http://10.0.2.2:%d", listener.Addr().(*net.TCPAddr).Port)}
	h.mux.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(files))))
	srv := &httptest.Server{Listener: listener, Config: &http.Server{Handler: h.mux}}
	srv.Start()
	// A machine that is still asking has been killed.
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return h
}

// whenUp has f run when a machine has come up. The machine ends afterwards; if it ends
// before, the context does.
func (h *host) whenUp(machine string, f func(context.Context)) {
	h.mux.HandleFunc("/up/"+machine, func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })
}

// network is what a distribution would bring: the machines have the program, and no unit.
const network = `[Unit]
Before=network.target network-online.target
[Service]
Type=notify
ExecStart=/lib/systemd/systemd-networkd
RuntimeDirectory=systemd/netif
[Install]
WantedBy=multi-user.target
`

// address is that of the network that leads to the host.
const address = "[Match]\nName=eth0\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"

// A setup is what the machine of an example has besides.
type setup struct {
	name string // which the host knows it by
	// after are dependencies of what the commands are run by, when the machine is up: lines
	// of a unit.
	after    string
	commands []string
	// enabled are units of the distribution.
	enabled []string
	// others are configs that are merged.
	others []string
}

// config is an example on a machine of the tests, which has a network and asks the host
// when it has come up.
func (h *host) config(example string, s setup) string {
	asked := "[Unit]\nAfter=systemd-networkd.service\n" + s.after + "[Service]\nType=oneshot\n"
	for _, c := range append(s.commands, "curl --silent --show-error --fail "+h.url+"/up/"+s.name) {
		asked += "ExecStart=" + c + "\n"
	}
	asked += "[Install]\nWantedBy=multi-user.target\n"
	merged := fmt.Sprintf("{%q: %q}", "source", dataURL(example))
	for _, other := range s.others {
		merged += fmt.Sprintf(", {%q: %q}", "source", dataURL(other))
	}
	units := ""
	for _, unit := range s.enabled {
		units += fmt.Sprintf(`, {"name": %q, "enabled": true}`, unit)
	}
	return fmt.Sprintf(`{"ignition": {"version": "3.4.0", "config": {"merge": [%s]}},
		"storage": {"files": [{"path": "/etc/systemd/network/00-host.network", "mode": 420, "contents": {"source": %q}},
			{"path": "/etc/systemd/system/device.d/patience.conf", "mode": 420, "contents": {"source": %q}}]},
		"systemd": {"units": [
			{"name": "systemd-networkd.service", "enabled": true, "contents": %q},
			{"name": "asked.service", "enabled": true, "contents": %q}%s]}}`,
		merged, dataURL(address), dataURL("[Unit]\nJobRunningTimeoutSec=1800\n"), network, asked, units)
}

func dataURL(text string) string {
	return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(text))
}

// programs runs the script build of an example, which builds what its config fetches. They
// are kept: the versions are in the script.
func programs(t *testing.T, example string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	testkit.NoError(t, err)
	made := filepath.Join(cache, "firstlight", "example-"+example)
	if out, err := exec.Command(filepath.Join(dir, example, "build"), made).CombinedOutput(); err != nil {
		t.Fatalf("building the programs of %s: %v\n%s", example, err, out)
	}
	return made
}

// fetching is an example that fetches from the host.
func (h *host) fetching(text string) string {
	return strings.ReplaceAll(text, "https://files.example.com/", h.url+"/files/")
}

// freePort is a port of the host that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// patience has the agent and dracut wait for devices as long as a busy host may take.
const patience = " firstlight.device_timeout=600 rd.retry=1800"

// newMachine is a machine in a first boot.
func newMachine(t *testing.T, img *vm.Images, config string, disks ...string) vm.Options {
	t.Helper()
	var err error
	o := vm.Options{Images: img, Config: config, Arguments: vm.FirstBoot("qemu") + patience, Network: true, Disks: disks}
	o.Root, err = vm.NewRoot(img, t.TempDir())
	testkit.NoError(t, err)
	return o
}
