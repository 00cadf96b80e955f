package providers

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Platform cloudstack: the config drive, or the metadata service, which is where
// the DHCP server is.
// https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html
const (
	cloudStackFile = "cloudstack/userdata/user_data.txt"
	cloudStackPath = "/latest/user-data"
	// cloudStackName is what CloudStack's own name servers call the DHCP server.
	cloudStackName = "data-server"
	// leaseWait is for how long leases come before the name.
	leaseWait = 10 * time.Second
)

func fetchCloudStack(ctx context.Context, env *Env) (*Raw, error) {
	drive := &configDrive{label: "config-2", files: []string{cloudStackFile}, limit: env.Patience}
	if env.Fetch.Offline {
		return driveWithoutNetwork(ctx, env, drive)
	}
	ctx, cancel := context.WithTimeout(ctx, env.Patience)
	defer cancel()
	begun := time.Now()
	servers := func() []string {
		found := leaseServers(env.Top)
		if len(found) == 0 && time.Since(begun) >= leaseWait {
			env.Log.Warn("no DHCP lease names a server; trying the name " + cloudStackName)
			return []string{cloudStackName}
		}
		return found
	}
	return race(ctx, env, []source{drive.source(env)}, watchFor(ctx, servers, func(server string) source { return cloudStackServer(env, server) }))
}

func cloudStackServer(env *Env, server string) source {
	host := server
	if addr, err := netip.ParseAddr(server); err == nil && addr.Is6() {
		host = "[" + server + "]"
	}
	return metadataSource(env, fmt.Sprintf("the metadata service at the DHCP server %s", server), "http://"+host+cloudStackPath)
}
