package dropin

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/firstboot"
	"github.com/firstlight-os/firstlight/tests/vm"
)

var toolsImages = sync.OnceValues(vm.BuildInitramfsTools)

// serve answers every request with a text, and returns the URL for machines.
func serve(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, text)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://10.0.2.2:" + port
}

// In the initramfs are udev and the network of initramfs-tools, and no systemd.
func TestInitramfsToolsProvisionsByScripts(t *testing.T) {
	t.Parallel()
	o := newMachine(t, toolsImages)
	o.Network, o.Config = true, ""
	o.Arguments = vm.FirstBoot("metal") + " ignition.config.url=" + serve(t, machineConfig)
	res := vm.Boot(t, o)
	cfg, problems, err := config.Parse([]byte(machineConfig), "config")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", len(problems), 0)
	testkit.Equal(t, "differences", firstboot.Compare(cfg, res.Machine), nil)
	testkit.Equal(t, "what the unit saw", res.Files["/var/lib/asked/saw"].Text, "hello\nzipped meat\nboot\nbottom\ndropin\n")
	testkit.Equal(t, "base config", res.Files["/etc/firstlight-base"].Text, "base\n")
	for _, stage := range []string{"fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount"} {
		testkit.Contains(t, "stages", res.Stages, `"stage":"`+stage+`"`)
	}
}

// A machine that must not come up ends in the shell of initramfs-tools, below our report.
func TestInitramfsToolsStopsWithTheReport(t *testing.T) {
	t.Parallel()
	o := newMachine(t, toolsImages)
	o.Config = `{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/x", "contents": {"source": "data:,x", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}]}}`
	// Without a number there is a shell, and not the end that other tests want.
	o.Arguments = vm.FirstBoot("qemu") + " panic="
	res := vm.Boot(t, o)
	testkit.Equal(t, "ended in the initramfs", res.Initramfs, true)
	testkit.Contains(t, "console", res.Console, "Firstlight could not provision this machine", "writing file /etc/x")
}
