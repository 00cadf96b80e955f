// Package manager has tests of the network before the first fetch with NetworkManager, as
// it runs in an initramfs: without a message bus, until the network is up.
package manager

import (
	"errors"
	"fmt"
	"io/fs"
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
// server, which is behind a gateway. Where /sys is read-only, NetworkManager does not wait
// for udev.
const settle = `
mount -t tmpfs tmpfs /run
mkdir -p /run/upper /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
mkdir -p /etc/cmdline.d /etc/NetworkManager /run/etc /run/lib /run/credentials/@system /run/image /run/NetworkManager /etc/NetworkManager /var/lib/NetworkManager
mount --bind /run/etc /etc/NetworkManager
mount --bind /run/lib /var/lib/NetworkManager
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
	if sandbox.Agent() == "" { // there is a network yet
		if err := unpack(); err != nil {
			fmt.Fprintln(os.Stderr, "getting NetworkManager:", err)
			os.Exit(1)
		}
	}
	sandbox.Main(m, unix.CLONE_NEWNET|unix.CLONE_NEWIPC, func() error { return run("sh", "-euc", settle) })
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// tree has Debian's package, which is unpacked and not installed: it would take over the
// network of this machine.
func tree() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "firstlight", "networkmanager")
}

// unpack gets the package where NetworkManager is not installed.
func unpack() error {
	if _, err := exec.LookPath("NetworkManager"); err == nil {
		return nil
	}
	if _, err := os.Stat(tree()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(tree()), 0o755); err != nil {
		return err
	}
	return run("sh", "-euc", `dir=$(mktemp -d "$0.XXXXXX"); cd "$dir"; apt-get download -q network-manager libndp0; for p in *.deb; do dpkg-deb -x "$p" tree; done; mv tree "$0"; rm -r "$dir"`, tree())
}

// program is one of NetworkManager's, installed or unpacked.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("NetworkManager"); err == nil {
		return exec.Command("/"+name, args...)
	}
	cmd := exec.Command(filepath.Join(tree(), name), args...)
	libraries, err := filepath.Glob(filepath.Join(tree(), "usr/lib/*-linux-gnu"))
	testkit.NoError(t, err)
	testkit.Equal(t, "directories of libraries", len(libraries), 1)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries[0])
	return cmd
}

// generate makes profiles of kernel arguments, as dracut's module network-manager does.
func generate(t *testing.T) {
	t.Helper()
	name := "usr/lib/NetworkManager/nm-initrd-generator"
	if _, err := os.Stat("/usr/libexec/nm-initrd-generator"); err == nil {
		name = "usr/libexec/nm-initrd-generator"
	}
	arguments := strings.Fields(testkit.ReadFile(t, "/etc/cmdline.d/50-firstlight-network.conf"))
	out, err := program(t, name, append([]string{"--"}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", arguments, err, out)
	}
}

// agent runs a stage.
func agent(t *testing.T, stage, url string) string {
	t.Helper()
	testkit.WriteFile(t, "/run/cmdline", "firstlight.network_timeout=60 ignition.config.url="+url+"\n")
	cmd := exec.Command(sandbox.Agent(), "--platform=metal", "--stage="+stage, "--log-to-stdout", "--fetch-timeout=60s")
	cmd.Env = append(os.Environ(), "IGNITION_SYSTEM_CONFIG_DIR=/run/image", "IGNITION_KERNEL_CMDLINE_PATH=/run/cmdline")
	out, err := cmd.CombinedOutput()
	if err != nil {
		addresses, _ := exec.Command("sh", "-c", "ip addr; ip route; ip -6 route").CombinedOutput()
		t.Fatalf("%s\n%s", out, addresses)
	}
	return string(out)
}

// A machine whose network is static fetches its config over what NetworkManager has brought
// up from the profiles that the first stage wrote, or from kernel arguments of it.
func TestMachineWithoutDHCPFetchesItsConfig(t *testing.T) {
	testkit.WriteFile(t, "/run/www/config", `{"ignition":{"version":"3.4.0"}}`)
	server := exec.Command("ip", "netns", "exec", "server", "python3", "-m", "http.server", "--bind", "::", "--directory", "/run/www", "80")
	testkit.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // it runs until then
		_ = server.Wait()
	})
	for name, c := range map[string]struct{ credential, url, address string }{
		"IPv4": {`{"links": [{"id": "a", "ethernet_mac_address": "52:54:00:00:00:01"}],
			"networks": [{"link": "a", "type": "ipv4", "ip_address": "192.0.2.10", "netmask": "255.255.255.0", "gateway": "192.0.2.1"}]}`, "http://198.51.100.1/config", "192.0.2.10/24"},
		"a gateway outside of the network": {"version: 2\nethernets:\n  a: {match: {macaddress: \"52:54:00:00:00:01\"}, addresses: [192.0.2.11/32], gateway4: 192.0.2.1}\n", "http://198.51.100.1/config", "192.0.2.11/32"},
		"IPv6 only":                        {"version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: \"52:54:00:00:00:02\", subnets: [{type: static6, address: \"2001:db8::10/64\", gateway: \"2001:db8::1\"}]}\n", "http://[2001:db8:1::1]/config", "2001:db8::10/64"},
	} {
		for _, setting := range []string{"networkmanager", "dracut"} {
			t.Run(name+" by "+setting, func(t *testing.T) {
				testkit.WriteFile(t, "/run/image/distribution.conf", "NETWORK="+setting+"\n")
				testkit.NoError(t, run("sh", "-euc", "rm -rf /etc/cmdline.d/* /run/etc/* /run/lib/* /run/NetworkManager/* /run/ignition /run/ignition.json; for i in m0 m1; do ip link set $i down; ip addr flush dev $i; done"))
				testkit.WriteFile(t, "/run/etc/NetworkManager.conf", "[main]\nplugins=keyfile\nno-auto-default=*\n")
				testkit.WriteFile(t, "/run/credentials/@system/firstlight.network", c.credential)
				testkit.Contains(t, "fetch-offline", agent(t, "fetch-offline", c.url), "configured the network: wrote 1 file to /etc/")
				if setting == "dracut" {
					generate(t)
				}
				manager := program(t, "usr/sbin/NetworkManager", "--configure-and-quit=initrd", "--debug", "--log-level=INFO")
				out := new(testkit.Output)
				manager.Stdout, manager.Stderr = out, out
				testkit.NoError(t, manager.Start())
				t.Cleanup(func() {
					_ = manager.Process.Kill() // it may have ended
					_ = manager.Wait()
					if t.Failed() {
						t.Log(out)
					}
				})
				testkit.Contains(t, "fetch", agent(t, "fetch", c.url), "GET result: 200 OK")
				addresses, err := exec.Command("ip", "addr").CombinedOutput()
				testkit.NoError(t, err)
				testkit.Contains(t, "addresses", string(addresses), c.address)
			})
		}
	}
}
