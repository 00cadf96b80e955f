package providers

import (
	"bytes"
	"context"
)

// fetchProxmoxVE reads the cloud-init drive, in which the option cicustom replaces
// user= or vendor= by a snippet. What Proxmox writes by itself is for cloud-init.
func fetchProxmoxVE(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data", "vendor-data"}, skip: forCloudInit, limit: driveLimit}
	data, err := c.fetch(ctx, env)
	return unlessMissing(env, data, err)
}

// forCloudInit reports whether a file is empty or cloud-init's by its first line.
func forCloudInit(text []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return len(line) == 0 || string(bytes.TrimRight(line, " \t\r")) == "#cloud-config"
}
