package providers

import "context"

// fetchKubeVirt reads a volume cloudInitNoCloud (label cidata) or
// cloudInitConfigDrive (label config-2) of the virtual machine. It may have none.
func fetchKubeVirt(ctx context.Context, env *Env) (*UserData, error) {
	noCloud := configDrive{label: "cidata", files: []string{"user-data"}, limit: env.Timeout}
	openStack := configDrive{label: "config-2", files: []string{openStackFile}, limit: env.Timeout}
	data, err := race(ctx, env, []source{noCloud.source(env), openStack.source(env)}, nil)
	return unlessMissing(env, data, err)
}
