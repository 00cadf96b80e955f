package providers

import "github.com/firstlight-os/firstlight/internal/fetch"

// Platform vultr: Vultr.
// https://www.vultr.com/metadata/
var vultr = &service{platform: "Vultr", userData: fetch.Inquiry{URL: linkLocal + "/user-data/user-data"}}
