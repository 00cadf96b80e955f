package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Hetzner Cloud.
var hetzner = &service{request: imds.Request{URL: linkLocal + "/hetzner/v1/userdata"}}
