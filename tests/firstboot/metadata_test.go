package firstboot

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/emulator"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

const instanceKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB me"

// An instance is a machine of which nobody but the platform says who it is.
type instance struct {
	platform string
	service  map[string]string // texts by their URIs
	drive    map[string]string // files of a drive
	label    string
	network  string // part of a file of systemd-networkd
}

var instances = []instance{
	{platform: "hetzner", network: "MACAddress=52:54:00:12:34:56", service: map[string]string{
		"/hetzner/v1/metadata/hostname":       "known1",
		"/hetzner/v1/metadata/public-keys":    `["` + instanceKey + `"]`,
		"/hetzner/v1/metadata/network-config": `config: [{type: physical, name: eth0, mac_address: "52:54:00:12:34:56", subnets: [{type: dhcp, ipv4: true}]}]`,
	}},
	{platform: "aws", service: map[string]string{
		"/2021-01-03/meta-data/hostname":                  "known1",
		"/2021-01-03/meta-data/public-keys":               "0=me",
		"/2021-01-03/meta-data/public-keys/0/openssh-key": instanceKey + "\n",
	}},
	{platform: "openstack", label: "config-2", network: "Address=192.0.2.7/24", drive: map[string]string{
		"openstack/latest/meta_data.json": `{"uuid": "u", "hostname": "known1", "public_keys": {"me": "` + instanceKey + `\n"}}`,
		"openstack/latest/network_data.json": `{"links": [{"id": "l", "name": "eth0", "ethernet_mac_address": "52:54:00:12:34:56"}],
			"networks": [{"link": "l", "type": "ipv4", "ip_address": "192.0.2.7", "netmask": "255.255.255.0"}]}`,
	}},
	{platform: "proxmoxve", label: "cidata", network: "Address=192.0.2.7/24", drive: map[string]string{
		"user-data":      "#cloud-config\nhostname: known1\nssh_authorized_keys:\n  - " + instanceKey + "\n",
		"meta-data":      "instance-id: i",
		"vendor-data":    "",
		"network-config": "version: 1\nconfig:\n- {type: physical, name: eth0, mac_address: '52:54:00:12:34:56', subnets: [{type: static, address: 192.0.2.7/24}]}\n",
	}},
}

// serve is the service, which has no user data.
func (i instance) serve(w http.ResponseWriter, r *http.Request) {
	e, known := emulator.Find(i.platform)
	text, there := i.service[r.RequestURI]
	switch {
	case known && r.Method == http.MethodPut && r.RequestURI == e.TokenURI:
		io.WriteString(w, emulator.Token)
	case known && e.TokenURI != "" && r.Header.Get(e.TokenName) != emulator.Token:
		w.WriteHeader(http.StatusUnauthorized)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		io.WriteString(w, text)
	}
}

// A machine without a config becomes what the platform knows of it, with one question for
// each thing in the whole boot.
func TestFirstBootOfWhatOnlyThePlatformKnows(t *testing.T) {
	for _, i := range instances {
		t.Run(i.platform, func(t *testing.T) {
			t.Parallel()
			o := machine(t)
			o.Images = vm.WithFiles(t, o.Images, map[string]string{"usr/lib/ignition/distribution.conf": "METADATA=config\nMETADATA_NETWORK=networkd\n"})
			o.Network, o.Arguments = true, vm.FirstBoot(i.platform)
			if i.drive != nil {
				o.Disks = append(o.Disks, labelledDrive(t, i.label, i.drive))
			}
			asked := serveMetadata(t, i.serve)
			res := vm.Boot(t, o)
			same(t, "hostname", res.Files["/etc/hostname"].Text, "known1\n")
			same(t, "keys", res.Files["/home/core/.ssh/authorized_keys.d/ignition"].Text, instanceKey+"\n")
			networks := ""
			for name, f := range res.Files {
				if strings.HasPrefix(name, "/etc/systemd/network/") {
					networks += f.Text
				}
			}
			if !strings.Contains(networks, i.network) {
				t.Errorf("the network is\n%s", networks)
			}
			count := map[string]int{}
			for _, request := range asked() {
				count[request]++
			}
			for uri := range i.service {
				same(t, "requests of "+uri, count["GET "+uri], 1)
			}
			delete(count, "PUT /latest/api/token") // one for each of the fetch stages is well
			for request, times := range count {
				same(t, request, times, 1)
			}
		})
	}
}

// unitOf is a unit of afterburn in a config.
func unitOf(t *testing.T, name string) map[string]any {
	t.Helper()
	return map[string]any{"name": name, "contents": testkit.ReadFile(t, "../../afterburn/"+name)}
}

// OpenStack's service, without a drive: the config is asked for in the initramfs, and keys
// and attributes by the units of the booted system. Nothing is asked twice.
func TestUnitsOfTheBootedSystemAskThePlatform(t *testing.T) {
	t.Parallel()
	o := machine(t)
	dir := t.TempDir()
	testkit.NoError(t, vm.Install(dir))
	config := map[string]any{
		"ignition": map[string]any{"version": "3.4.0"},
		"passwd":   map[string]any{"users": []any{map[string]any{"name": "core"}}},
		"storage": map[string]any{"files": []any{map[string]any{"path": "/usr/bin/afterburn", "mode": 0o755,
			"contents": map[string]any{"source": "http://" + metadataAddress + "/agent"}}}},
		"systemd": map[string]any{"units": []any{unitOf(t, "afterburn.service"), unitOf(t, "afterburn-sshkeys@.service"),
			map[string]any{"name": "asked.service", "enabled": true, "contents": `[Unit]
Requires=afterburn.service afterburn-sshkeys@core.service
After=afterburn.service afterburn-sshkeys@core.service
[Service]
Type=oneshot
StateDirectory=asked
EnvironmentFile=/run/metadata/afterburn
ExecStart=/bin/sh -c 'echo "$AFTERBURN_OPENSTACK_HOSTNAME, $AFTERBURN_OPENSTACK_INSTANCE_UUID" > /var/lib/asked/attributes'
[Install]
WantedBy=multi-user.target
`}}},
	}
	userData, err := json.Marshal(config)
	testkit.NoError(t, err)
	says := map[string]string{
		"/" + openStackData: string(userData),
		"/agent":            testkit.ReadFile(t, filepath.Join(dir, "install/usr/lib/dracut/modules.d/30ignition/ignition")),

		"/openstack/2012-08-10/meta_data.json":        `{"uuid": "u-1"}`,
		"/latest/meta-data/hostname":                  "known1",
		"/latest/meta-data/public-keys":               "0=me",
		"/latest/meta-data/public-keys/0/openssh-key": instanceKey,
	}
	o.Network, o.Arguments = true, vm.FirstBoot("openstack")
	asked := serveMetadata(t, instance{platform: "openstack", service: says}.serve)
	res := vm.Boot(t, o)
	same(t, "attributes", res.Files["/var/lib/asked/attributes"].Text, "known1, u-1\n")
	same(t, "keys", res.Files["/home/core/.ssh/authorized_keys.d/afterburn"].Text, instanceKey+"\n")
	count := map[string]int{}
	for _, request := range asked() {
		count[request]++
	}
	for uri := range says {
		same(t, "requests of "+uri, count["GET "+uri], 1)
	}
	for request, times := range count {
		same(t, request, times, 1)
	}
}
