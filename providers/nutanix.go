package providers

import "context"

// fetchRequiredDrive reads a config drive with OpenStack's layout, on platforms
// where nothing else can hold the config: Nutanix and Power Virtual Server.
func fetchRequiredDrive(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "config-2", files: []string{openStackFile}, limit: env.Timeout,
		hint: "give the machine user data; if it is to have none, boot it with ignition.platform.id=metal"}
	return c.fetch(ctx, env)
}

var powervsInstance = &Instance{
	drive: &instanceDrive{label: "config-2", file: openStackMetadata, others: []string{openStackNetwork}}, required: true,
	attributes: []row{
		{"POWERVS_INSTANCE_ID", openStackMetadata + "#uuid"},
		{"POWERVS_LOCAL_HOSTNAME", openStackMetadata + "#name"},
	},
	hostname: openStackMetadata + "#name",
	network:  networkData(devicePriority),
	keys:     openStackMetadata + "#public_keys/*",
}
