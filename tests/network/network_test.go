// Package network has tests of the network before the first fetch with systemd-networkd:
// a machine without DHCP, in a network namespace of the lab, and a server outside of it.
package network

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.RunInLab(m, vm.TestGroup{Prepare: prepare})) }

// The machine has the interfaces m0 and m1, whose other ends are on a bridge that the server
// has. The server is behind a gateway, for IPv4, for IPv6 and in the VLAN 7.
const cables = `
modprobe -a veth bonding 8021q bridge dummy ipv6 || true
ip netns add machine
ip link add far0 type dummy
ip link add br0 type bridge
for n in 0 1; do
    ip link add s$n type veth peer name m$n netns machine address 52:54:00:00:00:0$((n+1))
    ip link set s$n master br0
    ip link set s$n up
done
ip link set far0 up
ip link set br0 up
ip link add link br0 name br0.7 type vlan id 7
ip link set br0.7 up
ip addr add 192.0.2.1/24 dev br0
ip addr add 203.0.113.1/24 dev br0.7
ip addr add 2001:db8::1/64 dev br0 nodad
ip addr add 198.51.100.1/32 dev far0
ip addr add 2001:db8:1::1/128 dev far0 nodad
mkdir -p /run/image /run/systemd/network /run/credentials/@system /etc/systemd/network
`

var lay sync.Once

// inMachine is a command in the machine. Where /sys is read-only, networkd does not wait for
// udev, which is not there.
func inMachine(script string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", "machine", "sh", "-euc", "mount -o remount,ro /sys; ip link set lo up; " + script, "sh"}, args...)...)
}

func shell(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// fresh is the machine before a first boot, with a setting of the distribution.
func fresh(t *testing.T, setting string) {
	t.Helper()
	lay.Do(func() {
		shell(t, exec.Command("sh", "-euc", cables))
		go func() {
			panic(http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, `{"ignition":{"version":"3.4.0"}}`)
			})))
		}()
	})
	for _, pattern := range []string{"/etc/systemd/network/*", "/run/ignition/*", "/run/ignition.json", "/run/credentials/@system/*"} {
		old, err := filepath.Glob(pattern)
		testkit.NoError(t, err)
		for _, o := range old {
			testkit.NoError(t, os.RemoveAll(o))
		}
	}
	shell(t, inMachine("for i in bond0 vlan7; do ip link del $i 2> /dev/null || true; done; for i in m0 m1; do ip link set $i down; ip addr flush dev $i; done"))
	testkit.WriteFile(t, "/run/image/distribution.conf", "NETWORK="+setting+"\n")
}

// drive is a config drive that has the network of the machine, and no config.
const drive = "/share/drive"

func prepare(_ *vm.Lab, job *vm.Job, dir string) error {
	tree, image := filepath.Join(dir, "tree"), filepath.Join(dir, "drive")
	for name, text := range map[string]string{
		"meta_data.json": `{"uuid": "u"}`,
		"network_data.json": `{"links": [{"id": "a", "ethernet_mac_address": "52:54:00:00:00:01"}],
			"networks": [{"link": "a", "type": "ipv4", "ip_address": "192.0.2.13", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}]}`,
	} {
		name = filepath.Join(tree, "openstack/latest", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if out, err := exec.Command("genisoimage", "-quiet", "-r", "-V", "config-2", "-o", image, tree).CombinedOutput(); err != nil {
		return fmt.Errorf("making the drive: %w\n%s", err, out)
	}
	job.Files = map[string]string{"drive": image}
	return nil
}

// agent runs a stage, for which a server has the limit to answer.
func agent(t *testing.T, platform, stage, cmdline, limit string) (log string, err error) {
	t.Helper()
	testkit.WriteFile(t, "/run/cmdline", cmdline+"\n")
	cmd := inMachine(`exec "$@"`, "/share/firstlight", "--platform="+platform, "--stage="+stage, "--log-to-stdout", "--fetch-timeout="+limit)
	cmd.Env = append(os.Environ(), "IGNITION_SYSTEM_CONFIG_DIR=/run/image", "IGNITION_KERNEL_CMDLINE_PATH=/run/cmdline")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// startNetworkd starts networkd until the test is over.
func startNetworkd(t *testing.T) {
	t.Helper()
	cmd := inMachine("exec /lib/systemd/systemd-networkd")
	out := new(testkit.Output)
	cmd.Stdout, cmd.Stderr = out, out
	testkit.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("networkd:\n%s", out)
		}
	})
}

const ipv4URL, ipv6URL = "http://198.51.100.1/config", "http://[2001:db8:1::1]/config"

// A machine whose network is static fetches its config over what networkd has brought up
// from the files that the first stage wrote.
func TestMachineWithoutDHCPFetchesItsConfig(t *testing.T) {
	for _, c := range []struct{ name, credential, url string }{
		{"IPv4", `{"links": [{"id": "a", "ethernet_mac_address": "52:54:00:00:00:01", "mtu": 1400}],
			"networks": [{"link": "a", "type": "ipv4", "ip_address": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}]}`, ipv4URL},
		{"a gateway outside of the network", "version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:00:00:01\"}, addresses: [192.0.2.11/32], gateway4: 192.0.2.1}\n", ipv4URL},
		{"IPv6 only", "version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: \"52:54:00:00:00:02\", subnets: [{type: static6, address: \"2001:db8::10/64\", gateway: \"2001:db8::1\"}]}\n", ipv6URL},
		{"bond", `{"links": [{"id": "a", "ethernet_mac_address": "52:54:00:00:00:01"}, {"id": "b", "ethernet_mac_address": "52:54:00:00:00:02"},
			{"id": "bond0", "type": "bond", "bond_links": ["a", "b"], "bond_mode": "active-backup", "bond_miimon": 100}],
			"networks": [{"link": "bond0", "type": "ipv4", "ip_address": "192.0.2.12/24", "gateway": "192.0.2.1"}]}`, ipv4URL},
		{"VLAN", "version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:00:00:01\"}}\nvlans:\n  vlan7: {id: 7, link: a, addresses: [203.0.113.10/24], gateway4: 203.0.113.1}\n", ipv4URL},
		{"VLAN on a bond", "version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:00:00:01\"}}\n  b: {match: {macaddress: \"52:54:00:00:00:02\"}}\n" +
			"bonds:\n  bond0: {interfaces: [a, b], parameters: {mode: active-backup, mii-monitor-interval: 100}}\nvlans:\n  vlan7: {id: 7, link: bond0, addresses: [203.0.113.11/24], gateway4: 203.0.113.1}\n", ipv4URL},
	} {
		t.Run(c.name, func(t *testing.T) {
			fresh(t, "networkd")
			testkit.WriteFile(t, "/run/credentials/@system/firstlight.network", c.credential)
			cmdline := "firstlight.network_timeout=60 ignition.config.url=" + c.url
			log, err := agent(t, "metal", "fetch-offline", cmdline, "60s")
			if err != nil {
				t.Fatal(log)
			}
			testkit.Contains(t, "fetch-offline", log, "configured the network: wrote ", " to /etc/systemd/network")
			startNetworkd(t)
			if log, err = agent(t, "metal", "fetch", cmdline, "60s"); err != nil {
				t.Fatalf("%s\n%s", log, shell(t, inMachine("ip addr; ip route; ip -6 route")))
			}
			testkit.Contains(t, "fetch", log, "GET result: 200 OK")
			if c.name == "IPv4" {
				testkit.Contains(t, "MTU", shell(t, inMachine("ip link show m0")), "mtu 1400")
			}
		})
	}
}

// The settings may be on the config drive of a platform, which has no config.
func TestMachineWithTheNetworkOfItsDriveFetchesItsConfig(t *testing.T) {
	fresh(t, "networkd")
	device := strings.TrimSpace(shell(t, exec.Command("sh", "-c", "modprobe -a loop isofs || true; losetup --find --show "+drive)))
	t.Cleanup(func() { shell(t, exec.Command("losetup", "--detach", device)) })
	const cmdline = "firstlight.network_timeout=60 ignition.config.url=" + ipv4URL
	log, err := agent(t, "openstack", "fetch-offline", cmdline, "60s")
	if err != nil {
		t.Fatal(log)
	}
	testkit.Contains(t, "fetch-offline", log, "configured the network: wrote ", " to /etc/systemd/network")
	startNetworkd(t)
	if log, err = agent(t, "openstack", "fetch", cmdline, "60s"); err != nil {
		t.Fatalf("%s\n%s", log, shell(t, inMachine("ip addr; ip route")))
	}
	testkit.Contains(t, "fetch", log, "GET result: 200 OK")
	testkit.Contains(t, "addresses", shell(t, inMachine("ip addr show m0")), "192.0.2.13/24")
}

// The box of a machine whose network does not come up shows what it is like.
func TestTheBoxShowsTheNetwork(t *testing.T) {
	fresh(t, "none")
	shell(t, inMachine("ip link set m0 up; ip addr add 192.0.2.77/24 dev m0"))
	log, err := agent(t, "metal", "fetch", "firstlight.network_timeout=1 ignition.config.url=http://198.51.100.9/config", "1s")
	if err == nil {
		t.Fatal("it succeeded")
	}
	box := strings.Join(strings.Fields(strings.ReplaceAll(log[strings.Index(log, "+--"):], "|", " ")), " ")
	testkit.Contains(t, "box", box, "no route: network is unreachable", "detail m0: carrier, 192.0.2.77/24", "no gateway; m1: switched off, no address, no gateway; ")
}
