package providers

import "context"

// Platform ibmcloud: a drive with the user data, as of NoCloud. An instance
// without user data has none.
// https://cloud.ibm.com/docs/vpc?topic=vpc-user-data
func fetchIBMCloud(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data"}, limit: driveWait}
	raw, err := c.fetch(ctx, env)
	return unlessMissing(env, raw, err)
}
