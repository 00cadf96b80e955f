package providers

import "context"

// Platform nutanix: the config drive that AHV attaches to guests.
// https://www.nutanix.dev/reference/prism_central/v3/api/vms/
func fetchNutanix(ctx context.Context, env *Env) (*UserData, error) {
	return fetchRequiredDrive(ctx, env)
}

// fetchRequiredDrive is a config drive as OpenStack lays it out, on platforms where
// nothing else can hold the config.
func fetchRequiredDrive(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "config-2", files: []string{openStackFile}, limit: env.Timeout,
		hint: "give the machine user data; if it is to have none, boot it with ignition.platform.id=metal"}
	return c.fetch(ctx, env)
}
