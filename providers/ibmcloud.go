package providers

import "context"

// fetchIBMCloud reads a NoCloud drive. An instance without user data has none.
func fetchIBMCloud(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data"}, limit: driveLimit}
	data, err := c.fetch(ctx, env)
	return unlessMissing(env, data, err)
}
