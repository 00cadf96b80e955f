package network

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// parsers are those of all languages, by the first part of a test file's name.
var parsers = map[string]func(text []byte, name string) (*Config, error){
	"networkdata":   func(text []byte, name string) (*Config, error) { return ParseNetworkData(text, name, 20) },
	"networkconfig": func(text []byte, name string) (*Config, error) { return ParseNetworkConfig(text, name, 20) },
	"guestinfo":     func(text []byte, name string) (*Config, error) { return ParseGuestInfo(text, name, 20) },
	"digitalocean":  ParseDigitalOcean,
	"packet": func(text []byte, name string) (*Config, error) {
		return ParsePacket(text, name, []netip.Addr{netip.MustParseAddr("192.0.2.53")})
	},
}

// problemsOf are the lines of an error: origins and causes.
func problemsOf(err error) []string {
	var all []string
	for _, leaf := range report.Leaves(err) {
		at := new(report.Error)
		if errors.As(leaf, &at) {
			all = append(all, fmt.Sprintf("%s: %v", at.Origin, at))
		}
	}
	return all
}

func parserOf(t testing.TB, file string) func(text []byte, name string) (*Config, error) {
	t.Helper()
	language, _, _ := strings.Cut(filepath.Base(file), "-")
	if parsers[language] == nil {
		t.Fatalf("%s: there is no language %q", file, language)
	}
	return parsers[language]
}

// show is everything that is rendered of a config.
func show(c *Config) string {
	var b strings.Builder
	files := func(kind string, files []File) {
		for _, f := range files {
			fmt.Fprintf(&b, "== %s: %s %o\n%s", kind, f.Name, f.Mode, f.Text)
		}
	}
	files("networkd", c.Networkd())
	files("NetworkManager", c.Keyfiles())
	netplan, notes := c.Netplan()
	files("netplan", netplan)
	fmt.Fprintf(&b, "== kernel arguments by name\n%s\n", strings.ReplaceAll(c.Kargs(ByName), " ", "\n"))
	fmt.Fprintf(&b, "== by ifname\n%s\n", strings.ReplaceAll(c.Kargs(ByIfname), " ", "\n"))
	fmt.Fprintf(&b, "== by address\n%s\n", strings.ReplaceAll(c.ByMAC().Kargs(ByAddress), " ", "\n"))
	fmt.Fprintf(&b, "== short\n%s\n", strings.ReplaceAll(c.ShortKargs(), " ", "\n"))
	fmt.Fprintf(&b, "== notes\n%s\n", strings.Join(append(c.Notes, notes...), "\n"))
	return b.String()
}

// Each document of testdata is rendered for all programs. With UPDATE_GOLDEN set the files
// are written; look at them.
func TestDocumentsAreRendered(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.[jy]*")
	testkit.NoError(t, err)
	testkit.Equal(t, "there are documents", len(inputs) > 8, true)
	for _, input := range inputs {
		t.Run(filepath.Base(input), func(t *testing.T) {
			c, err := parserOf(t, input)([]byte(testkit.ReadFile(t, input)), "f")
			testkit.NoError(t, err)
			golden := strings.TrimSuffix(input, filepath.Ext(input)) + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				testkit.WriteFile(t, golden, show(c))
			}
			testkit.Equal(t, golden, show(c), testkit.ReadFile(t, golden))
		})
	}
}

// What is wrong in a document is told at its place, and all at once.
func TestWhatIsWrongIsTold(t *testing.T) {
	for _, c := range []struct {
		language, text string
		want           []string
	}{
		{"networkdata", "{\n \"links\": [{\"id\": \"a\", \"ethernet_mac_address\": \"52:54:00\"}],\n \"networks\": [{\"link\": \"a\", \"type\": \"ipv4\", \"ip_address\": \"10.0.0.300\", \"netmask\": \"255.0.255.0\"}]}", []string{
			`f, line 2, column 48 (links[0].ethernet_mac_address): "52:54:00" is no MAC address`,
			`f, line 3, column 59 (networks[0].ip_address): "10.0.0.300" is no IP address`,
		}},
		{"networkdata", `{"links": [{"id": "a"}], "networks": [{"link": "a", "type": "ipv4", "ip_address": "10.0.0.3", "netmask": "255.0.255.0"}]}`, []string{
			`(networks[0].netmask): "255.0.255.0" is no netmask for 10.0.0.3`,
		}},
		{"networkdata", `{"links": [{"id": "a"}], "networks": [{"link": "a", "type": "ipv6"}]}`, []string{`(networks[0]): a static network needs an address: ip_address`}},
		{"networkdata", `{"links": [{"id": "a", "type": "phy"}]}`, []string{`(links[0]): this interface has no name and no MAC address`}},
		{"networkdata", `{"links": {}}`, []string{`(links): this should be a list`}},
		{"networkdata", `{"links": [[]]}`, []string{`(links[0]): this should be an object`}},
		{"networkdata", `{"links": [{"id": []}]}`, []string{`(links[0].id): this should be a text`}},
		{"networkdata", `{"links": [{"name": "enp0s31f6-uplink"}]}`, []string{`"enp0s31f6-uplink" is no name of a network interface: those have 1 to 15 bytes`}},
		{"networkdata", `{"links": [{"name": "a/b"}, {"name": "a", "mtu": 67}, {"name": "b", "mtu": "x"}]}`, []string{`(links[2].mtu): "x" is no number`}},
		{"networkdata", `{"links": [{"name": "a/b"}, {"name": "a", "mtu": 67}]}`, []string{`"a/b" is no name`, `(links[1]): the MTU is 67, and should be 68 to 65535`}},
		{"networkdata", `{"links": [{"name": "a"}, {"name": "a"}]}`, []string{`(links[1]): two interfaces are called a; the other one is at f, line 1, column 12 (links[0])`}},
		{"networkdata", `{"links": [{"id": "b", "type": "bond", "bond_links": ["x"], "bond_mode": "7"}]}`, []string{
			`"7" is no mode of a bond; there are balance-rr, active-backup`, `the bond b has the member "x", which is not there`}},
		{"networkdata", `{"links": [{"id": "a", "name": "a"}, {"id": "b", "type": "bond", "bond_links": ["a", "b"]}, {"id": "c", "type": "bond", "bond_links": ["a"]}]}`, []string{
			`the bond b has the member "b", which is no interface of the machine`, `"a" is a member of the bonds b and c`}},
		{"networkdata", `{"links": [{"id": "v", "type": "vlan", "vlan_link": "x", "vlan_id": 4095}, {"id": "w", "type": "vlan", "vlan_link": "v"}]}`, []string{
			`the VLAN v is on "x", which is not there`, `the VLAN 4095 does not exist: they are 0 to 4094`, `the VLAN w is on "v", which is a VLAN itself`}},
		{"networkdata", `{"links": [{"id": "a", "name": "a"}], "networks": [{"link": "a", "type": "ipv4", "ip_address": "10.0.0.3/24", "routes": [{"network": "::", "netmask": 0, "gateway": "10.0.0.1"}, {"gateway": "10.0.0.1"}]}]}`, []string{
			`(networks[0].routes[1]): this route does not say where it leads`}},
		{"networkdata", `{"links": [{"id": "a", "name": "a"}], "networks": [{"link": "a", "type": "ipv4", "ip_address": "10.0.0.3/24", "routes": [{"network": "::", "netmask": 0, "gateway": "10.0.0.1"}]}]}`, []string{
			`the route to ::/0 has the gateway 10.0.0.1 of the other IP version`}},
		{"networkdata", `{"links": [`, []string{`f, line 1, column 11: this is neither JSON nor YAML: the [ that opens here is not closed`}},
		{"networkdata", "", []string{`f: there is nothing in it`}},
		{"networkdata", "hello", []string{`f, line 1, column 1: this is neither an object nor a list`}},
		{"networkconfig", "version: 3", []string{`f, line 1, column 10 (version): version 3 of network-config is not known; there are 1 and 2`}},
		{"networkconfig", "version: 1\nconfig: 5", []string{`f, line 2, column 9 (config): this should be a list`}},
		{"networkconfig", "version: 2\nethernets:\n  eth0:\n    dhcp4: maybe\n    addresses: [10.0.0.1/33]\n    gateway4: fe80::1%eth0\n    macaddress: x", []string{
			`line 4, column 12 (ethernets.eth0.dhcp4): "maybe" is neither true nor false`, `(ethernets.eth0.addresses[0]): "33" is no netmask for 10.0.0.1`,
			`(ethernets.eth0.gateway4): "fe80::1%eth0" is no IP address`, `(ethernets.eth0.macaddress): "x" is no MAC address`}},
		{"networkconfig", "version: 2\nethernets:\n  a:\n    match: {name: \"en*\"}", []string{`(ethernets.a.match): an interface is known by its name or its MAC address here; "en*" is a pattern of names`}},
		{"networkconfig", "version: 2\nethernets:\n  <<: {a: {}}", []string{`(ethernets.<<): what is behind << is not merged here: write it out`}},
		{"networkconfig", "a: &a [x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]",
			[]string{"this document has more values, or deeper ones, than a network can have"}},
		{"networkconfig", "a: &a [*a]", []string{"this document has more values, or deeper ones, than a network can have"}},
		{"networkconfig", "network:\n  ethernets:\n    a: {nameservers: {search: [\"a b\", \"x\\ny\"]}}", []string{`(network.ethernets.a.nameservers.search[1]): control characters are no part of a name`}},
		{"networkconfig", "network:\n  ethernets:\n    a: {nameservers: {search: [\"a b\"]}}\n  bonds: {b: {interfaces: [a], parameters: {primary: \"x,y\"}}}", []string{`"a b" is no search domain`, `"x,y" is no value of a bond`}},
		{"digitalocean", `{"interfaces": {"public": [{"mac": "04:01:0a:0b:0c:0d", "ipv4": {"ip_address": "203.0.113.10"}}]}}`, []string{`(interfaces.public[0].ipv4): an address needs ip_address, netmask and gateway`}},
		{"packet", `{"network": {"bonding": {"mode": 7}, "interfaces": [{"mac": "0c:c4:7a:00:00:01", "bond": "bond0"}]}}`, []string{`(network.interfaces[0]): "7" is no mode of a bond`}},
	} {
		_, err := parsers[c.language]([]byte(c.text), "f")
		var all strings.Builder
		for _, p := range problemsOf(err) {
			fmt.Fprintln(&all, p)
		}
		testkit.Contains(t, c.text, all.String(), c.want...)
	}
}

func TestPlainTextOfYAMLIsItsExpression(t *testing.T) {
	expression := regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]*$`)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := ""
		for range r.IntN(5) {
			text += []string{"a", "Z", "0", "_", ".", "-", "é", " ", ":", "\n"}[r.IntN(10)]
		}
		if got, want := isPlainYAML(text), expression.MatchString(text); got != want {
			t.Fatalf("%q: got %t, want %t", text, got, want)
		}
	}
}
