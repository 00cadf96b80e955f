package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Platform exoscale: Exoscale.
// https://community.exoscale.com/product/compute/instances/how-to/cloud-init/
var exoscale = &service{platform: "Exoscale", userData: imds.Request{URL: linkLocal + "/1.0/user-data"}}
