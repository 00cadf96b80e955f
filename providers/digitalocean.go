package providers

import (
	"net/http"

	"github.com/firstlight-os/firstlight/internal/imds"
)

// Platform digitalocean: DigitalOcean. A droplet without user data gets an
// empty answer.
// https://docs.digitalocean.com/reference/api/metadata/
var digitalocean = &service{platform: "DigitalOcean", neverNotFound: true, userData: imds.Request{
	URL:   linkLocal + "/metadata/v1/user-data",
	Hints: []imds.Hint{{Code: http.StatusNotFound, Text: "this is not how DigitalOcean says that there is no user data: check that the kernel argument ignition.platform.id is right"}},
}}
