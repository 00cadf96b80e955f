package providers

import (
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// What lies on a drive, or in the credential, is known without a network. Services are not
// asked.
func TestTheNetworkThatIsKnownOffline(t *testing.T) {
	const config = "config: [{type: physical, name: eth0, subnets: [{type: dhcp}]}]"
	const data = `{"links": [{"id": "l", "ethernet_mac_address": "52:54:00:00:00:01"}], "networks": [{"link": "l", "type": "ipv4_dhcp"}]}`
	openStack := &image{"genisoimage -r", "config-2", map[string]string{openStackMetadata: "{}", openStackNetwork: data}}
	noCloud := &image{"genisoimage -r", "cidata", map[string]string{"user-data": "", "meta-data": "a: b", "network-config": config}}
	for name, c := range map[string]struct {
		id         string
		drive      *image
		credential string
		want       string // the file for networkd
	}{
		"openstack":                  {"openstack", openStack, "", "20-52:54:00:00:00:01.network"},
		"openstack without a drive":  {"openstack", nil, "", ""},
		"brightbox":                  {"brightbox", openStack, "", "20-52:54:00:00:00:01.network"},
		"nutanix":                    {"nutanix", openStack, "", "20-52:54:00:00:00:01.network"},
		"powervs":                    {"powervs", openStack, "", "20-52:54:00:00:00:01.network"},
		"kubevirt, OpenStack":        {"kubevirt", openStack, "", "20-52:54:00:00:00:01.network"},
		"kubevirt, NoCloud":          {"kubevirt", noCloud, "", "20-eth0.network"},
		"proxmoxve":                  {"proxmoxve", noCloud, "", "20-eth0.network"},
		"metal":                      {"metal", noCloud, "", "20-eth0.network"},
		"qemu without a drive":       {"qemu", nil, "", ""},
		"aws has a service":          {"aws", noCloud, "", ""},
		"hetzner has a service":      {"hetzner", noCloud, "", ""},
		"the credential":             {"aws", nil, data, "20-52:54:00:00:00:01.network"},
		"the credential is stronger": {"proxmoxve", noCloud, "network: {ethernets: {eth7: {dhcp4: true}}}", "20-eth7.network"},
	} {
		env := newEnv(t)
		env.Fetch.Offline = true
		var err error
		env.Platform, err = ByID(c.id)
		testkit.NoError(t, err)
		if c.drive != nil {
			attach(t, env, "sr0", c.drive.bytes(t))
		}
		if c.credential != "" {
			testkit.WriteFile(t, env.Root+"/run/credentials/@system/firstlight.network", c.credential)
		}
		n, err := OfflineNetwork(t.Context(), env)
		testkit.NoError(t, err)
		got := ""
		if n != nil {
			got = n.Networkd()[0].Name
		}
		testkit.Equal(t, name, got, c.want)
	}
}

func TestWhatIsWrongInTheNetworkOfADriveIsTold(t *testing.T) {
	env := newEnv(t)
	env.Platform, _ = ByID("openstack")
	attach(t, env, "sr0", image{"genisoimage -r", "config-2", map[string]string{openStackMetadata: "{}", openStackNetwork: `{"links": [{"ethernet_mac_address": "x"}]}`}}.bytes(t))
	_, err := OfflineNetwork(t.Context(), env)
	testkit.ErrorContains(t, "drive", err, `reading the network settings of OpenStack: "x" is no MAC address`)
	testkit.WriteFile(t, env.Root+"/run/credentials/@system/firstlight.network", "a: [")
	_, err = OfflineNetwork(t.Context(), env)
	testkit.ErrorContains(t, "credential", err, "this is neither JSON nor YAML")
}
