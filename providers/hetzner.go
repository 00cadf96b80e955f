package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Platform hetzner: Hetzner Cloud.
// https://docs.hetzner.cloud/reference/cloud#description/server-metadata
var hetzner = &service{platform: "Hetzner Cloud", userData: imds.Request{URL: linkLocal + "/hetzner/v1/userdata"}}
