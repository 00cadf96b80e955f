package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Platform upcloud: UpCloud. A server's metadata service is switched off by default.
// https://upcloud.com/docs/products/cloud-servers/features/metadata-service/
var upcloud = &service{platform: "UpCloud", userData: imds.Request{URL: linkLocal + "/metadata/v1/user_data"}}
