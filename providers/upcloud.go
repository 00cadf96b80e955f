package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// UpCloud. A server's metadata service is switched off by default.
var upcloud = &service{request: imds.Request{URL: linkLocal + "/metadata/v1/user_data"}}

var upcloudInstance = &Instance{
	service: upcloud, url: linkLocal + "/metadata/v1/", emptyIsNone: true,
	attributes: []row{
		{"UPCLOUD_HOSTNAME", "hostname"},
		{"UPCLOUD_INSTANCE_ID", "instance_id"},
		{"UPCLOUD_REGION", "region"},
	},
	hostname:    "hostname",
	keys:        "public_keys",
	skipBadKeys: true,
}
