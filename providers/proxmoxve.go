package providers

import (
	"bytes"
	"context"

	"github.com/firstlight-os/firstlight/internal/network"
)

// fetchProxmoxVE reads the cloud-init drive, in which the option cicustom replaces
// user= or vendor= by a snippet. What Proxmox writes by itself is for cloud-init.
func fetchProxmoxVE(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data", "vendor-data"}, skip: forCloudInit, limit: driveLimit}
	data, err := c.fetch(ctx, env)
	return unlessMissing(env, data, err)
}

// forCloudInit reports whether a file is empty or cloud-init's by its first line.
func forCloudInit(text []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return len(line) == 0 || string(bytes.TrimRight(line, " \t\r")) == "#cloud-config"
}

// proxmoxveInstance reads what Proxmox writes for cloud-init. A machine may have no drive.
var proxmoxveInstance = &Instance{
	drive: &instanceDrive{label: "cidata", file: "user-data", others: []string{"meta-data", "vendor-data", "network-config"}, mayBeMissing: true},
	yaml:  true,
	attributes: []row{
		{"PROXMOXVE_INSTANCE_ID", "meta-data#instance-id"},
	},
	moreAttributes: func(a *Asker) ([]Attribute, error) {
		var all []Attribute
		hostname, err := a.cloudConfig("hostname")
		if len(hostname) > 0 {
			all = append(all, Attribute{"PROXMOXVE_HOSTNAME", hostname[0]})
		}
		return a.withAddresses(all, "PROXMOXVE", true), err
	},
	hostnameBy: func(a *Asker) (string, error) {
		hostname, err := a.cloudConfig("hostname")
		if err != nil || len(hostname) == 0 {
			return "", err
		}
		return hostname[0], nil
	},
	network: networkConfig("network-config"),
	kargs:   proxmoxveKargs,
	keysBy:  func(a *Asker) ([]string, error) { return a.cloudConfig("ssh_authorized_keys") },
}

// proxmoxveKargs need no names where there is only one interface. Those that Proxmox gives
// are not those of the kernel.
func proxmoxveKargs(a *Asker) (string, error) {
	c, err := a.Network()
	switch {
	case err != nil || c == nil:
		return "", err
	case len(c.Links) == 1:
		return c.ShortKargs(), nil
	}
	return c.Kargs(network.ByIfname), nil
}

// cloudConfig returns the values of a key of the user data, if that is for cloud-init.
func (a *Asker) cloudConfig(key string) ([]string, error) {
	data, _, err := a.text("user-data")
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte("#cloud-config")) {
		a.env.Log.Warn("the user data is not for cloud-init (#cloud-config), so that it has no " + key)
		return nil, nil
	}
	n, err := a.document("user-data")
	if err != nil {
		return nil, err
	}
	var values []string
	for _, value := range children(n.Member(key)) {
		values = append(values, value.Text)
	}
	if value := scalar(n.Member(key)); value != "" {
		values = append(values, value)
	}
	return values, nil
}
