package providers

import (
	"io"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// An asked is an Asker of a platform that has said these texts, by URL or by drive and
// file; "-" is that there is none.
func asked(t *testing.T, id string, said map[string]string) *Asker {
	t.Helper()
	p, err := InstanceByID(id)
	testkit.NoError(t, err)
	answers := new(Answers)
	for key, text := range said {
		if text == "-" {
			answers.add(key, reply{None: true})
		} else {
			answers.add(key, reply{Text: text})
		}
	}
	env := &Env{Platform: p, Log: report.NewWriterLogger(io.Discard), Root: t.TempDir(), Fetch: new(fetch.Client)}
	return NewAsker(t.Context(), env, answers)
}

// Keys of what the drives have.
const (
	noOpenStackDrive = "drive config-2: openstack/latest/meta_data.json"
	openStackData    = "drive config-2: openstack/latest/network_data.json"
	cidataMetadata   = "drive cidata: meta-data"
	cidataUserData   = "drive cidata: user-data"
	cidataNetwork    = "drive cidata: network-config"
)

const (
	hetznerURL = "http://169.254.169.254/hetzner/v1/metadata/network-config"
	// The documents of the examples.
	hetznerNetwork = `config: [{type: physical, name: eth0, mac_address: "96:00:00:aa:bb:cc", subnets: [{type: dhcp, ipv4: true}, {type: static, ipv6: true, address: "2001:db8:5::1/64", gateway: "fe80::1", dns_nameservers: ["2001:db8::53"]}]}]`
	oneStatic      = `version: 1
config:
- {type: physical, name: eth0, mac_address: "bc:24:11:00:00:01", subnets: [{type: static, address: 192.0.2.10, netmask: 255.255.255.0, gateway: 192.0.2.1}, {type: static6, address: "2001:db8::10/64", gateway: "2001:db8::1"}]}
`
	secondStatic = `- {type: physical, name: eth1, mac_address: "bc:24:11:00:00:02", subnets: [{type: static, address: 10.0.0.10/24}]}
- {type: nameserver, address: [192.0.2.53, "2001:db8::53"]}
`
)

func TestTheNetworkOfPlatforms(t *testing.T) {
	drive := func(text string) map[string]string {
		return map[string]string{noOpenStackDrive: `{"name": "n"}`, openStackData: text}
	}
	const data = `{"links": [{"id": "l", "name": "eth0", "ethernet_mac_address": "52:54:00:00:00:01"}], "networks": [{"link": "l", "type": "ipv4_dhcp"}]}`
	for id, c := range map[string]struct {
		said  map[string]string
		files string // names, of all programs
	}{
		"hetzner":          {map[string]string{hetznerURL: hetznerNetwork}, "20-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"ibmcloud-classic": {drive(data), "10-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"kubevirt":         {drive(data), "20-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"openstack":        {drive(data), "20-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"powervs":          {drive(data), "20-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"proxmoxve":        {map[string]string{cidataUserData: "", cidataNetwork: oneStatic}, "20-eth0.network eth0.nmconnection 50-afterburn.yaml"},
		"aws":              {nil, ""},
	} {
		a := asked(t, id, c.said)
		got := []string{}
		n, err := a.Network()
		testkit.NoError(t, err)
		if n != nil {
			for _, f := range append(n.Networkd(), n.Keyfiles()...) {
				got = append(got, f.Name)
			}
		}
		plan, err := a.Netplan()
		testkit.NoError(t, err)
		for _, f := range plan {
			got = append(got, f.Name)
		}
		testkit.Equal(t, id, strings.Join(got, " "), c.files)
	}
}

func TestKernelArgumentsOfPlatforms(t *testing.T) {
	kubevirt := func(text string) map[string]string {
		return map[string]string{noOpenStackDrive: "-", cidataMetadata: "", cidataNetwork: text}
	}
	for name, c := range map[string]struct {
		id   string
		said map[string]string
		want string
	}{
		"proxmox, one interface": {"proxmoxve", map[string]string{cidataUserData: "", cidataNetwork: oneStatic},
			"ip=192.0.2.10::192.0.2.1:255.255.255.0:::off ip=[2001:db8::10]::[2001:db8::1]:64:::off"},
		"proxmox, without a gateway": {"proxmoxve", map[string]string{cidataUserData: "", cidataNetwork: "config: [{type: physical, name: eth0, subnets: [{type: static, address: 10.0.0.10/8}]}, {type: nameserver, address: 10.0.0.53}]"},
			"ip=10.0.0.10:::255.0.0.0:::off nameserver=10.0.0.53"},
		"proxmox, DHCP": {"proxmoxve", map[string]string{cidataUserData: "", cidataNetwork: "config: [{type: physical, name: eth0, subnets: [{type: dhcp4}, {type: dhcp6}]}]"},
			"ip=dhcp ip=dhcp6"},
		"proxmox, several interfaces are told apart by their MAC addresses": {"proxmoxve", map[string]string{cidataUserData: "", cidataNetwork: oneStatic + secondStatic},
			"ifname=net0:bc:24:11:00:00:01 ifname=net1:bc:24:11:00:00:02 ip=192.0.2.10:::255.255.255.0::net0:none ip=[2001:db8::10]:::64::net0:none rd.route=0.0.0.0/0:192.0.2.1 rd.route=[::/0]:[2001:db8::1] ip=10.0.0.10:::255.255.255.0::net1:none nameserver=192.0.2.53 nameserver=[2001:db8::53]"},
		"proxmox, a drive without the file": {"proxmoxve", map[string]string{cidataUserData: ""}, ""},
		"kubevirt, version 1": {"kubevirt", kubevirt(oneStatic + secondStatic),
			"ip=192.0.2.10:::255.255.255.0::eth0:static ip=[2001:db8::10]:::64::eth0:static rd.route=0.0.0.0/0:192.0.2.1 rd.route=[::/0]:[2001:db8::1] ip=10.0.0.10:::255.255.255.0::eth1:static nameserver=192.0.2.53 nameserver=[2001:db8::53]"},
		"kubevirt, version 2 with a default route": {"kubevirt", kubevirt("version: 2\nethernets: {eth1: {dhcp4: true, dhcp6: true}, eth0: {addresses: [10.0.2.5/24], routes: [{to: default, via: 10.0.2.1}]}}"),
			"ip=10.0.2.5:::255.255.255.0::eth0:static rd.route=0.0.0.0/0:10.0.2.1 ip=eth1:dhcp,dhcp6"},
		"kubevirt, a MAC address without a name": {"kubevirt", kubevirt("version: 2\nethernets: {lan: {match: {macaddress: \"52:54:00:00:00:01\"}, dhcp6: true}}"),
			"ifname=net0:52:54:00:00:00:01 ip=net0:dhcp6"},
		"kubevirt without a drive": {"kubevirt", map[string]string{noOpenStackDrive: "-", cidataMetadata: "-"}, ""},
		"openstack has none":       {"openstack", nil, ""},
		"aws has none":             {"aws", nil, ""},
	} {
		got, err := asked(t, c.id, c.said).NetworkKargs()
		testkit.NoError(t, err)
		testkit.Equal(t, name, got, c.want)
	}
}

// Two networks on one interface are in one file.
func TestTwoNetworksOfAnInterfaceAreOneFile(t *testing.T) {
	a := asked(t, "ibmcloud-classic", map[string]string{noOpenStackDrive: "{}", openStackData: `{
		"links": [{"id": "a", "name": "eth0", "ethernet_mac_address": "06:00:00:00:00:01", "type": "phy"}],
		"networks": [{"link": "a", "type": "ipv4", "ip_address": "10.1.0.5", "netmask": "255.255.255.192", "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.1.0.1"}]},
			{"link": "a", "type": "ipv4", "ip_address": "10.2.0.5", "netmask": "255.255.255.192"}],
		"services": [{"type": "dns", "address": "10.0.80.11"}]}`})
	n, err := a.Network()
	testkit.NoError(t, err)
	testkit.Equal(t, "files", n.Networkd(), []network.File{{Name: "10-eth0.network", Mode: 0o644, Text: `[Match]
Name=eth0
MACAddress=06:00:00:00:00:01

[Network]
DNS=10.0.80.11

[Address]
Address=10.1.0.5/26

[Address]
Address=10.2.0.5/26

[Route]
Destination=0.0.0.0/0
Gateway=10.1.0.1
`}})
}

const packetURL = "https://metadata.packet.net/metadata"

func TestNameServersOfPacketAreThoseOfTheMachine(t *testing.T) {
	said := map[string]string{packetURL: `{"network": {"bonding": {"mode": 4}, "interfaces": [{"mac": "0c:c4:7a:00:00:01", "bond": "bond0"}], "addresses": [{"address": "203.0.113.3", "cidr": 31, "public": true, "gateway": "203.0.113.2"}]}}`}
	for want, files := range map[string]map[string]string{
		"192.0.2.53":              {"/run/systemd/netif/state": "OPER_STATE=routable\nDNS=192.0.2.53\n", "/etc/resolv.conf": "nameserver 127.0.0.53\n"},
		"192.0.2.54,2001:db8::53": {"/run/systemd/netif/state": "OPER_STATE=routable\n", "/etc/resolv.conf": "# x\nnameserver 192.0.2.54\nnameserver 2001:db8::53\nsearch x\n"},
	} {
		a := asked(t, "packet", said)
		for name, text := range files {
			testkit.WriteFile(t, a.env.Root+name, text)
		}
		n, err := a.Network()
		testkit.NoError(t, err)
		bond := n.Links[1]
		var servers []string
		for _, s := range bond.DNS {
			servers = append(servers, s.String())
		}
		testkit.Equal(t, bond.Name, strings.Join(servers, ","), want)
	}
	_, err := asked(t, "packet", said).Network()
	testkit.ErrorContains(t, "without name servers", err, "reading the network settings of Equinix Metal: no name server is known to this machine")
	testkit.Contains(t, "hint", report.Box("metadata", err), "this has to run when the network is up")
}

func TestWhatIsWrongInTheNetworkOfAPlatformIsTold(t *testing.T) {
	_, err := asked(t, "hetzner", map[string]string{hetznerURL: "config: [{type: physical, name: eth0, subnets: [{type: static, address: 10.0.0.400}]}]"}).Network()
	testkit.Contains(t, "box", report.Box("metadata", err), "operation  reading the network settings of Hetzner Cloud", `"10.0.0.400" is no IP address`,
		"/network-config of the metadata of Hetzner Cloud, line 1, column", "73 (config[0].subnets[0].address)", "correct it where this machine was defined")
}

// VMware's metadata have the network among others.
func TestTheNetworkOfVMware(t *testing.T) {
	for name, c := range map[string]struct {
		variables map[string]string
		plan      string
		network   string // of networkd
	}{
		"plain": {map[string]string{"guestinfo.metadata": "instance-id: i\nnetwork:\n  version: 2\n  ethernets:\n    ens192: {dhcp4: true, mtu: 9000, x: [\"a b\", null, {y: 'no', z: {}}]}\n"}, `network:
  version: 2
  ethernets:
    ens192:
      dhcp4: true
      mtu: 9000
      x:
        - "a b"
        - null
        - "y": "no"
          z: {}
`, "DHCP=ipv4"},
		"packed, around an object config": {map[string]string{"guestinfo.metadata": testkit.Base64(testkit.Gzip(`{"network": {"config": {"version": 2, "ethernets": {"id0": {"match": {"macaddress": "00:50:56:00:00:01"}, "addresses": ["10.0.0.5/24"]}}}}}`)), "guestinfo.metadata.encoding": "gz+b64"},
			"network:\n  config:\n    version: 2\n    ethernets:\n      id0:\n        match:\n          macaddress: \"00:50:56:00:00:01\"\n        addresses:\n          - \"10.0.0.5/24\"\n", "MACAddress=00:50:56:00:00:01"},
		"not set": {nil, "", ""},
	} {
		g := &guestInfo{variables: &esx{variables: c.variables}}
		plan, err := g.netplan()
		testkit.NoError(t, err)
		text := ""
		if len(plan) > 0 {
			testkit.Equal(t, "name", plan[0].Name, "50-afterburn.yaml")
			text = plan[0].Text
		}
		testkit.Equal(t, name, text, c.plan)
		n, err := g.network()
		testkit.NoError(t, err)
		if (n == nil) != (c.network == "") {
			t.Fatalf("%s: network: %v", name, n)
		}
		if n != nil {
			testkit.Contains(t, name, n.Networkd()[0].Text, c.network)
		}
	}
	for text, want := range map[string]string{"a: b": `there is no object "network"`, "network: []": `there is no object "network"`} {
		_, err := (&guestInfo{variables: &esx{variables: map[string]string{"guestinfo.metadata": text}}}).netplan()
		testkit.ErrorContains(t, text, err, "reading VMware's variable guestinfo.metadata", want)
	}
	_, err := (&guestInfo{variables: &esx{variables: map[string]string{"guestinfo.metadata": "x", "guestinfo.metadata.encoding": "rot13"}}}).netplan()
	testkit.ErrorContains(t, "encoding", err, `the encoding "rot13" is not known`)
}
