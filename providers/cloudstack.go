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
		return metadataSource(env, "the metadata service at "+server, "http://"+hostInURL(server)+cloudStackPath)
	})
	return race(ctx, env, []source{drive.source(env)}, later)
}

// hostInURL writes an address as it stands in URLs.
func hostInURL(server string) string {
	if addr, err := netip.ParseAddr(server); err == nil && addr.Is6() {
		return "[" + server + "]"
	}
	return server
}

// cloudStackDriveInstance reads files of the config drive.
var cloudStackDriveInstance = &Instance{
	drive: &instanceDrive{label: "config-2", dir: "/media/ConfigDrive", file: cloudStackMetadata + "instance_id.txt", others: []string{
		cloudStackMetadata + "availability_zone.txt", cloudStackMetadata + "cloud_identifier.txt", cloudStackMetadata + "local_hostname.txt",
		cloudStackMetadata + "service_offering.txt", cloudStackMetadata + "vm_id.txt", cloudStackMetadata + "public_keys.txt"}},
	attributes: []row{
		{"CLOUDSTACK_AVAILABILITY_ZONE", cloudStackMetadata + "availability_zone.txt"},
		{"CLOUDSTACK_CLOUD_IDENTIFIER", cloudStackMetadata + "cloud_identifier.txt"},
		{"CLOUDSTACK_INSTANCE_ID", cloudStackMetadata + "instance_id.txt"},
		{"CLOUDSTACK_LOCAL_HOSTNAME", cloudStackMetadata + "local_hostname.txt"},
		{"CLOUDSTACK_SERVICE_OFFERING", cloudStackMetadata + "service_offering.txt"},
		{"CLOUDSTACK_VM_ID", cloudStackMetadata + "vm_id.txt"},
	},
	keys: cloudStackMetadata + "public_keys.txt",
}

// cloudStackEither reads the drive, or else asks the DHCP server.
var cloudStackEither = func() *Instance {
	drive := *cloudStackDriveInstance
	drive.otherwise = cloudStackInstance
	return &drive
}()

const cloudStackMetadata = "cloudstack/metadata/"

// cloudStackInstance asks the DHCP server.
var cloudStackInstance = &Instance{
	find: func(a *Asker) (string, error) {
		server, err := a.awaitLease("the server", leaseWait, leaseServers)
		return "http://" + hostInURL(server) + "/latest/meta-data/", err
	},
	attributes: []row{
		{"CLOUDSTACK_INSTANCE_ID", "instance-id"},
		{"CLOUDSTACK_LOCAL_HOSTNAME", "local-hostname"},
		{"CLOUDSTACK_PUBLIC_HOSTNAME", "public-hostname"},
		{"CLOUDSTACK_AVAILABILITY_ZONE", "availability-zone"},
		{"CLOUDSTACK_IPV4_PUBLIC", "public-ipv4"},
		{"CLOUDSTACK_IPV4_LOCAL", "local-ipv4"},
		{"CLOUDSTACK_SERVICE_OFFERING", "service-offering"},
		{"CLOUDSTACK_CLOUD_IDENTIFIER", "cloud-identifier"},
		{"CLOUDSTACK_VM_ID", "vm-id"},
	},
	keys: "public-keys",
}
