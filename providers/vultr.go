package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Platform vultr: Vultr.
// https://www.vultr.com/metadata/
var vultr = &service{platform: "Vultr", userData: imds.Request{URL: linkLocal + "/user-data/user-data"}}
