package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// 3DS Outscale. The service is like the first version of that of EC2: without tokens.
var outscale = &service{request: imds.Request{URL: linkLocal + "/latest/user-data"}}
