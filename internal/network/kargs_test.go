package network

import (
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// dracut and NetworkManager read the number of a VLAN from the end of its name.
func TestNamesOfVLANsInKernelArgumentsEndWithTheirNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		tag  int
		want string
	}{
		"vlan7": {7, "vlan7"}, "vlan0007": {7, "vlan0007"}, "bond0.7": {7, "bond0.7"}, "lan": {7, "vlan7"}, "lan2": {7, "vlan7"},
		"lan17": {7, "vlan7"}, "vlan0": {0, "vlan0"}, "storage": {0, "vlan0"}, "100": {100, "100"},
	} {
		testkit.Equal(t, name, vlanName(&Link{Name: name, VLAN: &VLAN{Tag: c.tag}}), c.want)
	}
	c, err := ParseNetworkConfig([]byte("ethernets: {eth0: {}}\nvlans: {storage: {id: 7, link: eth0, addresses: [10.0.0.5/24]}}"), "f", 20)
	testkit.NoError(t, err)
	testkit.Equal(t, "arguments", c.Kargs(ByName), "vlan=vlan7:eth0 ip=10.0.0.5:::255.255.255.0::vlan7:static")
}
