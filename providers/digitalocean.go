package providers

import (
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// DigitalOcean. A droplet without user data gets an empty answer.
var digitalocean = &service{neverNotFound: true, request: imds.Request{
	URL:   linkLocal + "/metadata/v1/user-data",
	Hints: []imds.Hint{{Code: http.StatusNotFound, Text: "DigitalOcean does not report missing user data by this status: check that the kernel argument ignition.platform.id is right"}},
}}
