package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Exoscale.
var exoscale = &service{request: imds.Request{URL: linkLocal + "/1.0/user-data"}}
