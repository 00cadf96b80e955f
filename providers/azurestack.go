package providers

import "context"

// Platform azurestack: the DVD for provisioning. There is no metadata service.
// https://learn.microsoft.com/azure-stack/user/azure-stack-compute-overview
func fetchAzureStack(ctx context.Context, env *Env) (*UserData, error) {
	return fetchOVF(ctx, env)
}
