package providers

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// OpenStack: the config drive, or the metadata service by IPv4 or, on each
// interface, by IPv6.
const (
	openStackFile = "openstack/latest/user_data"
	openStackIPv4 = "http://169.254.169.254/" + openStackFile
	openStackIPv6 = "http://[" + openStackIPv6Host + "%%25%s]/" + openStackFile // %s is an interface

	openStackIPv6Host = "fe80::a9fe:a9fe"
)

func fetchOpenStack(ctx context.Context, env *Env) (*UserData, error) {
	return fetchOpenStackAt(ctx, env, openStackIPv4, openStackIPv6, interfacesWithIPv6)
}

func fetchOpenStackAt(ctx context.Context, env *Env, ipv4, ipv6 string, interfaces func() []string) (*UserData, error) {
	drive := &configDrive{label: "config-2", files: []string{openStackFile}, limit: env.Timeout}
	if env.Fetch.Offline {
		return driveWithoutNetwork(ctx, env, drive)
	}
	ctx, cancel := env.withTimeout(ctx)
	defer cancel()
	later := newSources(interfaces, func(name string) source {
		return metadataSource(env, "the metadata service by IPv6 on "+name, fmt.Sprintf(ipv6, name))
	})
	return race(ctx, env, []source{drive.source(env), metadataSource(env, "the metadata service by IPv4", ipv4)}, later)
}

// interfacesWithIPv6 returns those that may lead to the metadata service.
func interfacesWithIPv6() []string {
	all, err := net.Interfaces()
	if err != nil {
		return nil // there may be some next time
	}
	var names []string
	for _, i := range all {
		addresses, _ := i.Addrs() // one that vanishes has none
		for _, a := range addresses {
			ip, ok := a.(*net.IPNet)
			if ok && ip.IP.To4() == nil && i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
				names = append(names, i.Name)
				break
			}
		}
	}
	return names
}

// newSources makes a source of each name that list returns, once.
func newSources(list func() []string, makeSource func(name string) source) func() []source {
	seen := map[string]bool{}
	return func() []source {
		var found []source
		for _, name := range list() {
			if !seen[name] {
				seen[name] = true
				found = append(found, makeSource(name))
			}
		}
		return found
	}
}

// driveWithoutNetwork looks for a drive that makes the network unnecessary. One
// that it does not find is looked for again together with the other sources.
func driveWithoutNetwork(ctx context.Context, env *Env, c *configDrive) (*UserData, error) {
	quick := *c
	quick.limit = offlineLimit
	if data, err := quick.fetch(ctx, env); err == nil && data != nil && len(data.Text) > 0 {
		return data, nil
	}
	return nil, fetch.ErrNeedNetwork
}

// metadataSource is a metadata service in a race. 404 means that it has no user
// data. Without any answer there is no such service. One that is busy until the
// timeout exists and cannot be read; if the race was over before, it may have
// none.
func metadataSource(env *Env, name, url string) source {
	return source{name, func(ctx context.Context) (*UserData, error) {
		text, err := env.IMDS.Do(ctx, imds.Request{URL: url})
		var status *fetch.StatusError
		switch {
		case err == nil:
			return &UserData{Text: text, Name: fmt.Sprintf("user config (%s)", url)}, nil
		case errors.Is(err, fetch.ErrNotFound):
			return nil, nil
		case context.Cause(ctx) == context.Canceled, ctx.Err() != nil && !errors.As(err, &status):
			return nil, &noSource{err}
		}
		return nil, err
	}}
}

// noSource is the error of a source that does not exist.
type noSource struct{ error }

func (e *noSource) Unwrap() error        { return e.error }
func (e *noSource) Is(target error) bool { return target == errNoSource }

// Files of the config drive, beside the user data.
const (
	openStackMetadata = "openstack/latest/meta_data.json"
	openStackNetwork  = "openstack/latest/network_data.json"
	openStackEC2      = "ec2/latest/meta-data.json"
)

// openStackInstance reads the drive, or else asks the service.
var openStackInstance = &Instance{
	drive:     &instanceDrive{label: "config-2", file: openStackMetadata, others: []string{openStackEC2, openStackNetwork}},
	otherwise: openStackServiceInstance,
	attributes: []row{
		{"OPENSTACK_HOSTNAME", openStackMetadata + "#hostname"},
		{"OPENSTACK_INSTANCE_ID", openStackEC2 + "#instance-id"},
		{"OPENSTACK_INSTANCE_TYPE", openStackEC2 + "#instance-type"},
		{"OPENSTACK_INSTANCE_UUID", openStackMetadata + "#uuid"},
		{"OPENSTACK_IPV4_LOCAL", openStackEC2 + "#local-ipv4"},
		{"OPENSTACK_IPV4_PUBLIC", openStackEC2 + "#public-ipv4"},
	},
	facts:    []factRow{{fact: "zone", at: openStackMetadata + "#availability_zone"}},
	hostname: openStackMetadata + "#hostname",
	keys:     openStackMetadata + "#public_keys/*",
	network:  networkData(devicePriority),
}

const openStackService = linkLocal + "/openstack/2012-08-10/meta_data.json"

// openStackServiceInstance asks a service like EC2's, for what that has.
var openStackServiceInstance = &Instance{
	url: linkLocal + "/latest/meta-data/", otherHost: "[" + openStackIPv6Host + "]",
	attributes: []row{
		{"OPENSTACK_HOSTNAME", "hostname"},
		{"OPENSTACK_INSTANCE_ID", "instance-id"},
		{"OPENSTACK_INSTANCE_TYPE", "instance-type"},
		{"OPENSTACK_INSTANCE_UUID", openStackService + "#uuid"},
		{"OPENSTACK_IPV4_LOCAL", "local-ipv4"},
		{"OPENSTACK_IPV4_PUBLIC", "public-ipv4"},
	},
	facts:    []factRow{{fact: "zone", at: openStackService + "#availability_zone"}},
	hostname: "hostname",
	keysBy:   func(a *Asker) ([]string, error) { return ec2Keys(a, "public-keys") },
}
