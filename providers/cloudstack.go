package providers

import (
	"context"
	"net/netip"
	"time"
)

// CloudStack: the config drive, or the metadata service, which is at the address
// of the DHCP server.
const (
	cloudStackFile = "cloudstack/userdata/user_data.txt"
	cloudStackPath = "/latest/user-data"
	// cloudStackName is the DHCP server's name on CloudStack's own name servers.
	cloudStackName = "data-server"
	// leaseWait is how long to wait for a lease before trying the name.
	leaseWait = 10 * time.Second
)

func fetchCloudStack(ctx context.Context, env *Env) (*UserData, error) {
	begun := time.Now()
	return fetchCloudStackAt(ctx, env, func() []string {
		found := leaseServers(env.Root)
		if len(found) == 0 && time.Since(begun) >= leaseWait {
			return []string{cloudStackName}
		}
		return found
	})
}

func fetchCloudStackAt(ctx context.Context, env *Env, servers func() []string) (*UserData, error) {
	drive := &configDrive{label: "config-2", files: []string{cloudStackFile}, limit: env.Timeout}
	if env.Fetch.Offline {
		return driveWithoutNetwork(ctx, env, drive)
	}
	ctx, cancel := env.withTimeout(ctx)
	defer cancel()
	later := newSources(servers, func(server string) source {
		env.Log.Info("the metadata service should be at " + server)
		host := server
		if addr, err := netip.ParseAddr(server); err == nil && addr.Is6() {
			host = "[" + server + "]"
		}
		return metadataSource(env, "the metadata service at "+server, "http://"+host+cloudStackPath)
	})
	return race(ctx, env, []source{drive.source(env)}, later)
}
