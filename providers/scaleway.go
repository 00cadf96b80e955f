package providers

import "github.com/firstlight-os/firstlight/internal/fetch"

// Platform scaleway: Scaleway. User data is for root only: the service answers
// ports below 1024.
// https://www.scaleway.com/en/docs/instances/how-to/use-cloud-init/
var scaleway = &service{platform: "Scaleway", userData: fetch.Inquiry{
	URL:     "http://169.254.42.42/user_data/cloud-init",
	Also:    []string{"[fd00:42::42]"},
	LowPort: true,
}}
