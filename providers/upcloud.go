package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// UpCloud. A server's metadata service is switched off by default.
var upcloud = &service{request: imds.Request{URL: linkLocal + "/metadata/v1/user_data"}}
