//go:build soak

package namespaces

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/sandbox"
)

const (
	machines = 50
	address  = "198.18.0.1"
	// perSecond is how many requests nginx lets through; some more wait for a second.
	perSecond = 10
	dark      = 5 * time.Second
)

func TestMain(m *testing.M) {
	if _, err := exec.LookPath("nginx"); err != nil {
		fmt.Fprintln(os.Stderr, "this needs nginx (apt-get install nginx-light):", err)
		os.Exit(1)
	}
	sandbox.Main(m, unix.CLONE_NEWNET, func() error {
		if err := os.MkdirAll("/run/netns", 0o755); err != nil { // where ip keeps namespaces
			return err
		}
		return unix.Mount("none", "/run/netns", "tmpfs", 0, "")
	})
}

func ip(t *testing.T, arguments string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", arguments, err, out)
	}
}

// newNetwork connects a namespace for each machine to a bridge. Where the kernel has netem
// their links are slow and lose packets.
func newNetwork(t *testing.T) {
	ip(t, "link set lo up")
	ip(t, "link add bridge type bridge")
	ip(t, "address add "+address+"/24 dev bridge")
	ip(t, "link set bridge up")
	lossy := true
	for i := range machines {
		ip(t, fmt.Sprintf("netns add m%d", i))
		t.Cleanup(func() { ip(t, fmt.Sprintf("netns delete m%d", i)) })
		ip(t, fmt.Sprintf("link add v%d type veth peer name eth0 netns m%d", i, i))
		ip(t, fmt.Sprintf("link set v%d master bridge up", i))
		ip(t, fmt.Sprintf("-n m%d address add 198.18.0.%d/24 dev eth0", i, 10+i))
		ip(t, fmt.Sprintf("-n m%d link set eth0 up", i))
		if lossy {
			out, err := exec.Command("tc", strings.Fields(fmt.Sprintf("-n m%d qdisc add dev eth0 root netem delay 20ms loss 5%%", i))...).CombinedOutput()
			if lossy = err == nil; !lossy {
				t.Logf("this kernel has no netem, so that no packets are lost: %s", bytes.TrimSpace(out))
			}
		}
	}
}

// An nginx has the config and the files of all machines.
type nginx struct {
	dir string
	cmd *exec.Cmd
}

const nginxConfig = `
daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/errors;
events { worker_connections 1024; }
http {
	access_log %[1]s/requests;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	limit_req_zone all zone=all:1m rate=%[3]dr/s;
	limit_req zone=all burst=%[3]d;
	server { listen %[2]s:80; root %[1]s/www; }
}
`

func newNginx(t *testing.T) *nginx {
	n := &nginx{dir: t.TempDir()}
	www := filepath.Join(n.dir, "www")
	const config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "http://` + address + `/motd"}}]}}`
	for name, text := range map[string]string{"www/machine.ign": config, "www/motd": "hello\n", "conf": fmt.Sprintf(nginxConfig, n.dir, address, perSecond)} {
		if err := os.MkdirAll(www, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for dir := www; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) { // its worker is nobody
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.start(t)
	t.Cleanup(func() { n.stop(t) })
	return n
}

func (n *nginx) start(t *testing.T) {
	n.cmd = exec.Command("nginx", "-c", filepath.Join(n.dir, "conf"))
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("tcp", address+":80")
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (n *nginx) stop(t *testing.T) {
	if err := n.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = n.cmd.Wait() // it was killed
}

// boot runs the stages of a machine that need the network.
func boot(dir string, i int) error {
	cmdline := filepath.Join(dir, "cmdline")
	root := filepath.Join(dir, "root")
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(cmdline, []byte("ignition.config.url=http://"+address+"/machine.ign"), 0o644); err != nil {
		return err
	}
	for _, stage := range []string{"fetch", "files"} {
		cmd := exec.Command("ip", "netns", "exec", fmt.Sprintf("m%d", i), sandbox.Agent(), "-platform=metal", "-stage="+stage, "-root="+root, "-log-to-stdout",
			"-config-cache="+filepath.Join(dir, "run/cache"), "-state-file="+filepath.Join(dir, "run/state"), "-neednet="+filepath.Join(dir, "run/neednet"))
		cmd.Env = append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+cmdline, "IGNITION_SYSTEM_CONFIG_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("machine %d, stage %s: %w\n%s", i, stage, err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "etc/motd"))
	if err == nil && string(text) != "hello\n" {
		err = fmt.Errorf("machine %d has %q", i, text)
	}
	return err
}

func TestAllMachinesBootAtABusyServerThatIsStopped(t *testing.T) {
	newNetwork(t)
	n := newNginx(t)
	began := time.Now()
	done := make([]time.Duration, machines)
	var running sync.WaitGroup
	for i := range machines {
		dir := t.TempDir()
		running.Go(func() {
			if err := boot(dir, i); err != nil {
				t.Error(err)
			}
			done[i] = time.Since(began)
		})
	}
	// The first ones have their config, and the others are waiting.
	for n.answers(t)["200"] < machines/5 {
		time.Sleep(10 * time.Millisecond)
	}
	n.stop(t)
	time.Sleep(dark)
	n.start(t)
	running.Wait()
	answers := n.answers(t)
	if answers["200"] < 2*machines {
		t.Errorf("nginx has answered %v, and %d machines have a config and a file each", answers, machines)
	}
	t.Logf("%d machines at %d requests a second and %v without a server: done after %v at last; nginx has answered %v", machines, perSecond, dark, last(done), answers)
}

// answers counts the requests by their status.
func (n *nginx) answers(t *testing.T) map[string]int {
	text, err := os.ReadFile(filepath.Join(n.dir, "requests"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(text)) {
		_, after, _ := strings.Cut(line, `HTTP/1.1" `)
		status, _, _ := strings.Cut(after, " ")
		if _, err := strconv.Atoi(status); err == nil {
			counts[status]++
		}
	}
	return counts
}

func last(times []time.Duration) (latest time.Duration) {
	for _, at := range times {
		latest = max(latest, at)
	}
	return latest.Round(time.Second)
}
