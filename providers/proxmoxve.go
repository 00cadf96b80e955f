package providers

import (
	"bytes"
	"context"
)

// Platform proxmoxve: the cloud-init drive, in which the option cicustom replaces
// user= or vendor= by a snippet. What Proxmox writes by itself is for cloud-init.
// https://pve.proxmox.com/wiki/Cloud-Init_Support
func fetchProxmoxVE(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data", "vendor-data"}, skip: forCloudInit, limit: driveWait}
	raw, err := c.fetch(ctx, env)
	return unlessMissing(env, raw, err)
}

// forCloudInit tells a file without a config of ours: an empty one, or one
// whose first line is cloud-init's.
func forCloudInit(text []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return len(line) == 0 || string(bytes.TrimRight(line, " \t\r")) == "#cloud-config"
}
