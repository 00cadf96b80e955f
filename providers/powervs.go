package providers

import "context"

// Platform powervs: the config drive of IBM Power Virtual Server.
// https://cloud.ibm.com/docs/power-iaas?topic=power-iaas-creating-power-virtual-server
func fetchPowerVS(ctx context.Context, env *Env) (*UserData, error) {
	return fetchRequiredDrive(ctx, env)
}
