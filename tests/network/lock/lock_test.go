// Package lock has tests of the lock of the metadata service, beside the systemd-networkd
// that is installed, in namespaces.
package lock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// The machine has the interface m0; the other end of its cable is with the server, which has
// all addresses behind it. Where /sys is read-only, networkd does not wait for udev.
const settle = `
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/image
chown -R systemd-network: /run/systemd/netif 2> /dev/null || true # whom networkd becomes where there is one
ip netns add server
ip link set lo up
ip link add m0 address 52:54:00:00:00:01 type veth peer name s0 netns server
ip -n server link set lo up
ip -n server link set s0 up
ip -n server addr add 192.0.2.1/24 dev s0
ip -n server addr add 2001:db8::1/64 dev s0 nodad
for a in 198.51.100.1/32 169.254.169.254/32 fd00:ec2::254/128; do ip -n server addr add $a dev lo; done
mount -t sysfs -o ro sysfs /sys
`

func TestMain(m *testing.M) {
	sandbox.Main(m, unix.CLONE_NEWNET|unix.CLONE_NEWIPC, func() error {
		out, err := exec.Command("sh", "-euc", settle).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// serve answers at port 80 of all addresses of the server.
func serve(t *testing.T) {
	t.Helper()
	testkit.WriteFile(t, "/run/www/index.html", "")
	server := exec.Command("ip", "netns", "exec", "server", "python3", "-m", "http.server", "--bind", "::", "--directory", "/run/www", "80")
	testkit.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // it runs until then
		_ = server.Wait()
	})
	shell(t, "until ip netns exec server sh -c 'ss -Hltn | grep -q :80'; do sleep 0.1; done")
}

// connect says how the machine can connect to a port of an address: "" for well.
func connect(t *testing.T, address, port string) string {
	t.Helper()
	out, err := exec.Command("bash", "-c", `< "/dev/tcp/$0/$1"`, address, port).CombinedOutput()
	if err == nil {
		return ""
	}
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndex(text, ": ")+2:]
}

// afterburn runs the agent by that name.
func afterburn(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	const link = "/run/afterburn"
	if err := os.Symlink(sandbox.Agent(), link); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	cmd := exec.Command(link, args...)
	cmd.Env = append(os.Environ(), "IGNITION_SYSTEM_CONFIG_DIR=/run/image", "IGNITION_KERNEL_CMDLINE_PATH=/run/cmdline")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// networkdOnce starts networkd until it has configured an interface.
func networkdOnce(t *testing.T) {
	t.Helper()
	old, err := filepath.Glob("/run/systemd/netif/links/*")
	testkit.NoError(t, err)
	for _, o := range old {
		testkit.NoError(t, os.Remove(o))
	}
	cmd := exec.Command("/lib/systemd/systemd-networkd")
	out := new(testkit.Output)
	cmd.Stdout, cmd.Stderr = out, out
	testkit.NoError(t, cmd.Start())
	wait, err := exec.Command("sh", "-c", "for i in $(seq 600); do grep -q ADMIN_STATE=configured /run/systemd/netif/links/* 2> /dev/null && exit; sleep 0.1; done; exit 1").CombinedOutput()
	testkit.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	if err != nil {
		t.Fatalf("%s\nnetworkd:\n%s", wait, out)
	}
}

// A metadata service that is locked stays so when networkd is started again, and only it is.
func TestLockedMetadataService(t *testing.T) {
	serve(t)
	testkit.WriteFile(t, "/run/cmdline", "ignition.platform.id=aws\n")
	testkit.WriteFile(t, "/run/systemd/network/10-m0.network", "[Match]\nName=m0\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nAddress=2001:db8::10/64\nGateway=2001:db8::1\n")
	networkdOnce(t)
	addresses := []string{"169.254.169.254", "fd00:ec2::254"}
	is := func(when, want string) {
		t.Helper()
		for _, a := range addresses {
			testkit.Equal(t, when+": "+a, connect(t, a, "80"), want)
			testkit.Equal(t, when+": another port of "+a, connect(t, a, "53"), "Connection refused")
		}
		testkit.Equal(t, when+": another server", connect(t, "198.51.100.1", "80"), "")
	}
	is("before", "")
	for range 2 { // a second time nothing is to be done
		if out, err := afterburn(t, "--cmdline", "--lock"); err != nil {
			t.Fatal(out)
		}
		is("locked", "Permission denied")
	}
	out, err := afterburn(t, "--cmdline", "--hostname=/run/hostname", "--fetch-timeout=1s")
	if err == nil {
		t.Error("the hostname can be asked for")
	}
	testkit.Contains(t, "what is printed", strings.Join(strings.Fields(strings.ReplaceAll(out, "|", " ")), " "), "permission denied", "afterburn --lock makes one for the metadata service")
	networkdOnce(t)
	is("after networkd", "Permission denied")
	for range 2 {
		if out, err := afterburn(t, "--cmdline", "--unlock"); err != nil {
			t.Fatal(out)
		}
		is("unlocked", "")
	}
}

func TestWhatCannotBeLocked(t *testing.T) {
	for provider, want := range map[string]string{"vmware": "", "packet": "its address is not known, or is one of something else, too"} {
		out, err := afterburn(t, "--provider="+provider, "--lock")
		testkit.Contains(t, provider, strings.Join(strings.Fields(strings.ReplaceAll(out, "|", " ")), " "), want)
		testkit.Equal(t, provider+" is a failure", err != nil, provider == "packet")
	}
}
