package providers

import (
	"context"
	"errors"

	"github.com/firstlight-os/firstlight/internal/network"
)

// fetchKubeVirt reads a volume cloudInitNoCloud (label cidata) or
// cloudInitConfigDrive (label config-2) of the virtual machine. It may have none.
func fetchKubeVirt(ctx context.Context, env *Env) (*UserData, error) {
	noCloud := configDrive{label: "cidata", files: []string{"user-data"}, limit: env.Timeout}
	openStack := configDrive{label: "config-2", files: []string{openStackFile}, limit: env.Timeout}
	data, err := race(ctx, env, []source{noCloud.source(env), openStack.source(env)}, nil)
	return unlessMissing(env, data, err)
}

// kubevirtInstance reads either drive. A virtual machine may have none.
var kubevirtInstance = &Instance{
	drive: &instanceDrive{label: "config-2", file: openStackMetadata, others: []string{openStackNetwork}, mayBeMissing: true},
	otherwise: &Instance{
		drive: &instanceDrive{label: "cidata", file: "meta-data", others: []string{"network-config"}, mayBeMissing: true},
		yaml:  true, moreAttributes: kubevirtAttributes, moreFacts: []string{"instance-id"}, hostnameBy: kubevirtHostname, keys: "meta-data#public_keys/*",
		network: sorted(networkConfig("network-config")), kargs: kubevirtKargs,
	},
	yaml: true, moreAttributes: kubevirtAttributes, moreFacts: []string{"instance-id"}, hostnameBy: kubevirtHostname, keys: openStackMetadata + "#public_keys/*",
	network: sorted(networkData(devicePriority)), kargs: kubevirtKargs,
}

// sorted has the interfaces in the order of their names.
func sorted(read func(*Asker) (*network.Config, error)) func(*Asker) (*network.Config, error) {
	return func(a *Asker) (*network.Config, error) {
		c, err := read(a)
		if c != nil {
			c.SortByName()
		}
		return c, err
	}
}

func kubevirtKargs(a *Asker) (string, error) {
	c, err := a.Network()
	if err != nil || c == nil {
		return "", err
	}
	return c.Kargs(network.ByName), nil
}

func kubevirtAttributes(a *Asker) ([]Attribute, error) {
	id, err := a.kubevirt("instance-id", "uuid")
	if err != nil {
		return nil, err
	}
	hostname, err := kubevirtHostname(a)
	if err != nil {
		return nil, err
	}
	if id == "" || hostname == "" {
		return nil, errors.New("the drive has no ID, or no hostname, of this machine")
	}
	all := []Attribute{{"KUBEVIRT_INSTANCE_ID", id}, {"KUBEVIRT_HOSTNAME", hostname}}
	kind, err := a.kubevirt("instance_type")
	if kind != "" {
		all = append(all, Attribute{"KUBEVIRT_INSTANCE_TYPE", kind})
	}
	return a.withAddresses(all, "KUBEVIRT", false), err
}

func kubevirtHostname(a *Asker) (string, error) { return a.kubevirt("hostname", "local-hostname") }

// kubevirt returns the first of these members that the metadata has.
func (a *Asker) kubevirt(names ...string) (string, error) {
	for _, name := range names {
		if value, err := a.value(a.instance.drive.file + "#" + name); err != nil || value != "" {
			return value, err
		}
	}
	return "", nil
}
