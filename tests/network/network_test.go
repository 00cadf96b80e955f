// Package network has tests of the network before the first fetch with what brings it up:
// a machine without DHCP, in a network namespace, and a server in another one.
package network

import (
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

// The machine has the interfaces m0 and m1; the other ends of their cables are with the
// server. /run and /etc/systemd/network are its own. Where /sys is read-only, networkd does
// not wait for udev.
const settle = `
mount -t tmpfs tmpfs /run
mkdir -p /run/own /run/systemd/network /run/credentials/@system /run/image /etc/systemd/network
mount --bind /run/own /etc/systemd/network
ip netns add server
ip link set lo up
ip link add m0 address 52:54:00:00:00:01 type veth peer name s0 netns server
ip link add m1 address 52:54:00:00:00:02 type veth peer name s1 netns server
ip -n server link set lo up
ip -n server link set s0 up
ip -n server link set s1 up
ip -n server addr add 192.0.2.1/24 dev s0
ip -n server addr add 2001:db8::1/64 dev s1 nodad
ip -n server addr add 198.51.100.1/32 dev lo
ip -n server addr add 2001:db8:1::1/128 dev lo nodad
mount -t sysfs -o ro sysfs /sys
`

func TestMain(m *testing.M) {
	sandbox.Main(m, unix.CLONE_NEWNET|unix.CLONE_NEWIPC, func() error {
		if out, err := exec.Command("sh", "-euc", settle).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}

// start starts a program that runs until the test is over.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	out := new(testkit.Output)
	cmd.Stdout, cmd.Stderr = out, out
	testkit.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", name, out)
		}
	})
}

// agent runs a stage, for which a server has the limit to answer.
func agent(t *testing.T, stage, cmdline, limit string) (log string, err error) {
	t.Helper()
	testkit.WriteFile(t, "/run/cmdline", cmdline+"\n")
	cmd := exec.Command(sandbox.Agent(), "--platform=metal", "--stage="+stage, "--log-to-stdout", "--fetch-timeout="+limit)
	cmd.Env = append(os.Environ(), "IGNITION_SYSTEM_CONFIG_DIR=/run/image", "IGNITION_KERNEL_CMDLINE_PATH=/run/cmdline")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-euc", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// networkd is where Debian has it.
const networkd = "/lib/systemd/systemd-networkd"

// A machine whose network is static fetches its config over what networkd has brought up
// from the files that the first stage wrote. The server is behind a gateway.
func TestMachineWithoutDHCPFetchesItsConfig(t *testing.T) {
	testkit.WriteFile(t, "/run/image/distribution.conf", "NETWORK=networkd\n")
	testkit.WriteFile(t, "/run/www/config", `{"ignition":{"version":"3.4.0"}}`)
	start(t, "ip", "netns", "exec", "server", "python3", "-m", "http.server", "--bind", "::", "--directory", "/run/www", "80")
	for name, c := range map[string]struct{ credential, url string }{
		"IPv4": {`{"links": [{"id": "a", "ethernet_mac_address": "52:54:00:00:00:01", "mtu": 1400}],
			"networks": [{"link": "a", "type": "ipv4", "ip_address": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}]}`, "http://198.51.100.1/config"},
		"IPv4 with a gateway outside of its network": {"version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:00:00:01\"}, addresses: [192.0.2.11/32], gateway4: 192.0.2.1}\n", "http://198.51.100.1/config"},
		"IPv6 only": {"version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: \"52:54:00:00:00:02\", subnets: [{type: static6, address: \"2001:db8::10/64\", gateway: \"2001:db8::1\"}]}\n", "http://[2001:db8:1::1]/config"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pattern := range []string{"/run/own/*", "/run/ignition/*", "/run/ignition.json"} {
				old, err := filepath.Glob(pattern)
				testkit.NoError(t, err)
				for _, o := range old {
					testkit.NoError(t, os.RemoveAll(o))
				}
			}
			shell(t, "for i in m0 m1; do ip link set $i down; ip addr flush dev $i; done")
			testkit.WriteFile(t, "/run/credentials/@system/firstlight.network", c.credential)
			cmdline := "firstlight.network_timeout=30 ignition.config.url=" + c.url
			log, err := agent(t, "fetch-offline", cmdline, "30s")
			if err != nil {
				t.Fatal(log)
			}
			testkit.Contains(t, "fetch-offline", log, "configured the network: wrote 1 file to /etc/systemd/network")
			start(t, networkd)
			if log, err = agent(t, "fetch", cmdline, "30s"); err != nil {
				addresses, _ := exec.Command("sh", "-c", "ip addr; ip route; ip -6 route").CombinedOutput()
				t.Fatalf("%s\n%s", log, addresses)
			}
			testkit.Contains(t, "fetch", log, "GET result: 200 OK")
		})
	}
	mtu, err := exec.Command("ip", "link", "show", "m0").CombinedOutput()
	testkit.NoError(t, err)
	testkit.Contains(t, "MTU", string(mtu), "mtu 1400")
}

// The box of a machine whose network does not come up shows what it is like.
func TestTheBoxShowsTheNetwork(t *testing.T) {
	shell(t, "for i in m0 m1; do ip link set $i down; ip addr flush dev $i; done; ip link set m0 up; ip addr add 203.0.113.5/24 dev m0")
	log, err := agent(t, "fetch", "firstlight.network_timeout=1 ignition.config.url=http://198.51.100.9/config", "1s")
	if err == nil {
		t.Fatal("it succeeded")
	}
	box := strings.Join(strings.Fields(strings.ReplaceAll(log[strings.Index(log, "+--"):], "|", " ")), " ")
	testkit.Contains(t, "box", box, "no route: network is unreachable", "detail m0: carrier, 203.0.113.5/24", "no gateway; m1: switched off, no address, no gateway; ")
}
