package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Vultr.
var vultr = &service{request: imds.Request{URL: linkLocal + "/user-data/user-data"}}
