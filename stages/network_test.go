package stages

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

const (
	credential = "/run/credentials/@system/firstlight.network"
	// twoInterfaces are those of the machine, and one that it does not have.
	twoInterfaces = `version: 2
ethernets:
  lan: {match: {macaddress: "52:54:00:00:00:01"}, addresses: [192.0.2.10/24], gateway4: 192.0.2.1}
  san: {match: {macaddress: "52:54:00:00:00:02"}, dhcp6: true}
  gone: {match: {macaddress: "52:54:00:00:00:03"}, dhcp4: true}
vlans:
  vlan7: {link: san, id: 7, dhcp4: true}
`
)

// offline is a fetch-offline stage of a machine in a directory.
func offline(t *testing.T, settings, credentialText string, arguments map[string]string) (p *process, root string, log *strings.Builder) {
	t.Helper()
	root, log = t.TempDir(), new(strings.Builder)
	for name, mac := range map[string]string{"ens3": "52:54:00:00:00:01", "ens4": "52:54:00:00:00:02", "lo": "00:00:00:00:00:00"} {
		testkit.WriteFile(t, filepath.Join(root, "sys/class/net", name, "address"), mac+"\n")
	}
	if credentialText != "" {
		testkit.WriteFile(t, root+credential, credentialText)
	}
	parsed, err := distribution.Parse(settings, "f")
	testkit.NoError(t, err)
	platform, err := providers.ByID("file")
	testkit.NoError(t, err)
	logger := report.NewWriterLogger(log)
	return &process{Options: Options{NeedNet: filepath.Join(root, "neednet")}, log: logger, settings: parsed,
		env: &providers.Env{Platform: platform, Root: root, Log: logger, Arguments: arguments, Settings: parsed}}, root, log
}

// written are the files of the network below a root.
func written(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	for _, program := range networkPrograms {
		entries, _ := os.ReadDir(filepath.Join(root, program.dir)) // perhaps it is not there
		for _, e := range entries {
			all = append(all, filepath.Join(program.dir, e.Name()))
		}
	}
	slices.Sort(all)
	return all
}

func TestTheNetworkIsConfiguredForWhatBringsItUp(t *testing.T) {
	for setting, want := range map[string][]string{
		"networkd": {"/etc/systemd/network/15-vlan7.netdev", "/etc/systemd/network/15-vlan7.network", "/etc/systemd/network/20-52:54:00:00:00:01.network",
			"/etc/systemd/network/20-52:54:00:00:00:02.network", "/etc/systemd/network/20-52:54:00:00:00:03.network"},
		"networkmanager": {"/etc/NetworkManager/system-connections/52:54:00:00:00:01.nmconnection", "/etc/NetworkManager/system-connections/52:54:00:00:00:02.nmconnection",
			"/etc/NetworkManager/system-connections/52:54:00:00:00:03.nmconnection", "/etc/NetworkManager/system-connections/vlan7.nmconnection"},
		"dracut": {"/etc/cmdline.d/50-firstlight-network.conf"},
	} {
		p, root, log := offline(t, "NETWORK="+setting, twoInterfaces, nil)
		testkit.NoError(t, p.requestNetwork(t.Context(), "this test"))
		testkit.Equal(t, setting, written(t, root), want)
		testkit.Equal(t, "neednet", system.Exists(p.NeedNet), true)
		testkit.Contains(t, setting, log.String(), "INFO     : configured the network: wrote "+system.Plural(len(want), "file")+" to /etc/",
			"WARNING  : the network settings have the interface 52:54:00:00:00:03, which this machine does not have now [the credential firstlight.network, line 5, column 9 (ethernets.gone)]")
		if strings.Count(log.String(), "does not have now") != 1 {
			t.Errorf("%s: more is missing than is: %s", setting, log)
		}
		if setting == "dracut" {
			testkit.Equal(t, "arguments", testkit.ReadFile(t, root+want[0]), "vlan=vlan7:ens4 ip=192.0.2.10:::255.255.255.0::52-54-00-00-00-01:none rd.route=0.0.0.0/0:192.0.2.1 ip=ens4:dhcp6 ip=52-54-00-00-00-03:dhcp ip=vlan7:dhcp\n")
		}
	}
}

// Nothing is written unless the distribution wants it, there is something to write, and
// no person has said on the kernel command line what the network is.
func TestTheNetworkIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		settings, credential string
		arguments            map[string]string
	}{
		"off":        {"", twoInterfaces, nil},
		"explicitly": {"NETWORK=none", twoInterfaces, nil},
		"nothing":    {"NETWORK=networkd", "", nil},
		"ip=":        {"NETWORK=networkd", twoInterfaces, map[string]string{"ip": "dhcp"}},
		"ip= dracut": {"NETWORK=dracut", "nonsense", map[string]string{"ip": ""}},
	} {
		p, root, _ := offline(t, c.settings, c.credential, c.arguments)
		testkit.NoError(t, p.requestNetwork(t.Context(), "this test"))
		testkit.Equal(t, name, len(written(t, root)), 0)
		testkit.Equal(t, "neednet", system.Exists(p.NeedNet), true)
	}
}

func TestANetworkThatCannotBeConfiguredStopsTheBoot(t *testing.T) {
	p, root, _ := offline(t, "NETWORK=networkd", "version: 2\nethernets:\n  eth0: {addresses: [192.0.2.300/24], mtu: many}\n", nil)
	err := p.requestNetwork(t.Context(), "this test")
	testkit.Contains(t, "box", report.Box("fetch-offline", err), "problem 1  configuring the network", `cause      "many" is no number`, `cause      "192.0.2.300/24" is no IP address`,
		"config     the credential firstlight.network, line 3, column", "(ethernets.eth0.mtu)", "hint       correct it where this machine was defined")
	testkit.Equal(t, "files", len(written(t, root)), 0)
	testkit.Equal(t, "neednet", system.Exists(p.NeedNet), false)
	p, root, _ = offline(t, "NETWORK=networkd", twoInterfaces, nil)
	testkit.WriteFile(t, root+"/etc", "")
	testkit.ErrorContains(t, "a directory that is none", p.requestNetwork(t.Context(), "this test"), "writing files for the network to ", "not a directory")
}
