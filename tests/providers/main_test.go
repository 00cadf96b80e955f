// Package providers_test proves the platforms from outside: the agent as it is
// shipped, against emulations of the platforms' services at their real
// addresses, which check what they are asked as strictly as the real ones.
//
// The tests run in a network namespace of their own, where these addresses are
// the loopback's, and in a mount namespace where names lead to them.
package providers_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

func TestMain(m *testing.M) { sandbox.Main(m, unix.CLONE_NEWNET, settle) }

// addresses are those of the services.
var addresses = []string{
	"169.254.169.254/32", "169.254.42.42/32", "100.100.100.200/32", packetAddress + "/32", azureFabricAddress + "/32",
	"fd00:ec2::254/128", "fd00:a9fe:a9fe::1/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128",
}

// settle makes the namespaces what the tests need.
func settle() error {
	if err := announce(filepath.Dir(sandbox.Agent())); err != nil {
		return err
	}
	if err := ip("link", "set", "lo", "up"); err != nil {
		return err
	}
	// Ports of connections that are over are free at once, for the next test.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_max_tw_buckets", []byte("0"), 0); err != nil {
		return err
	}
	for _, a := range addresses {
		if err := address("add", a); err != nil {
			return err
		}
	}
	return nil
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// address adds or takes away an address. When it returns the address is in use:
// the kernel makes the routes of IPv6 a moment later.
func address(verb, address string) error {
	args := []string{"address", verb, address, "dev", "lo"}
	if verb == "del" || !strings.Contains(address, ":") {
		return ip(args...)
	}
	if err := ip(append(args, "nodad")...); err != nil {
		return err
	}
	host, _, _ := strings.Cut(address, "/")
	for try := 1; ; try++ {
		err := usable(host)
		if err == nil || try == 6000 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// usable returns nil if a host can be connected to.
func usable(host string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp", l.Addr().String(), time.Minute)
	if err != nil {
		return err
	}
	return c.Close()
}

// without takes an address away, until restore is called or the test is over.
func without(t *testing.T, a string) (restore func()) {
	t.Helper()
	if err := address("del", a); err != nil {
		t.Fatal(err)
	}
	restore = sync.OnceFunc(func() {
		if err := address("add", a); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(restore)
	return restore
}

// A boot is one run of the agent.
type boot struct {
	platform, stage string
	patience        time.Duration // 10 minutes if 0
	env             []string
	image           string // a user.ign
	arguments       string // of the kernel
	// on has functions to call when a text appears in the log.
	on map[string]func()
}

// An outcome is what is left of a boot.
type outcome struct {
	cached  bool
	config  string
	neednet bool
	log     string
	// box is the report of a failure, without its frame and line breaks.
	box string
}

func (b boot) run(t *testing.T) outcome {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"cmdline": "ignition.firstboot " + b.arguments, "image/user.ign": b.image} {
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(in(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b.stage == "" {
		b.stage = "fetch"
	}
	if b.patience == 0 {
		b.patience = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, sandbox.Agent(), "-platform", b.platform, "-stage", b.stage, "-log-to-stdout", "-root", in("root"),
		"-config-cache", in("cache"), "-state-file", in("run/state"), "-neednet", in("neednet"), "-fetch-timeout", b.patience.String())
	cmd.Env = append(append(os.Environ(), "IGNITION_KERNEL_CMDLINE_PATH="+in("cmdline"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+in("image"),
		"IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+in("none"), "IGNITION_SYSTEM_CONFIG_DIR="+in("none")), b.env...)
	if err := os.MkdirAll(in("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	out := &testkit.Output{On: b.on}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	o := outcome{log: out.String()}
	config, cacheErr := os.ReadFile(in("cache"))
	o.config, o.cached = string(config), cacheErr == nil
	_, netErr := os.Stat(in("neednet"))
	o.neednet = netErr == nil
	box, boxErr := os.ReadFile(in("run/report.txt"))
	o.box = unframed(string(box))
	if found := jargon.FindString(o.log + o.box); found != "" {
		t.Errorf("%q is in:\n%s\n%s", found, o.log, o.box)
	}
	if (err == nil) != (boxErr != nil) {
		t.Errorf("the agent ended with %v, and the report is %q:\n%s", err, box, out)
	}
	return o
}

// jargon is what only Go programmers understand.
var jargon = regexp.MustCompile(`context (canceled|deadline exceeded)|operation was canceled|i/o timeout|\bEOF\b|net/http|http: |tls: |x509: |dial (tcp|udp)|(read|write) (tcp|udp)|lookup |malformed|gzip: |flate: `)

// unframed makes one line of a box, so that texts are found in it wherever its
// lines are broken.
func unframed(box string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(box, "|", " ")), " ")
}
