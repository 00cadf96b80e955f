package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Scaleway. User data is for root only: the service answers ports below 1024.
var scaleway = &service{request: imds.Request{
	URL:        "http://169.254.42.42/user_data/cloud-init",
	OtherHosts: []string{"[fd00:42::42]"},
	LowPort:    true,
}}
