package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Vultr.
var vultr = &service{request: imds.Request{URL: linkLocal + "/user-data/user-data"}}

var vultrInstance = &Instance{
	service: vultr, url: linkLocal + "/v1/", emptyIsNone: true,
	attributes: []row{
		{"VULTR_HOSTNAME", "hostname"},
		{"VULTR_INSTANCE_ID", "instanceid"},
		{"VULTR_REGION_CODE", "region/regioncode"},
	},
	hostname:    "hostname",
	keys:        "public-keys",
	skipBadKeys: true,
}
