package providers

import "context"

// Platform brightbox: the services of OpenStack.
// https://www.brightbox.com/docs/guides/cloud-init/
func fetchBrightbox(ctx context.Context, env *Env) (*UserData, error) {
	return fetchOpenStack(ctx, env)
}
