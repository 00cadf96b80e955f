package providers

import (
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/network"
)

// DigitalOcean. A droplet without user data gets an empty answer.
var digitalocean = &service{neverNotFound: true, request: imds.Request{
	URL:   linkLocal + "/metadata/v1/user-data",
	Hints: []imds.Hint{{Code: http.StatusNotFound, Text: "DigitalOcean does not report missing user data by this status: check that the kernel argument ignition.platform.id is right"}},
}}

var digitaloceanInstance = &Instance{
	service: digitalocean, url: linkLocal + "/metadata/v1.json", required: true,
	attributes: []row{
		{"DIGITALOCEAN_HOSTNAME", "#hostname"},
		{"DIGITALOCEAN_REGION", "#region"},
		{"DIGITALOCEAN_IPV4_PUBLIC", "#interfaces/public/*/ipv4/ip_address"},
		{"DIGITALOCEAN_IPV6_PUBLIC", "#interfaces/public/*/ipv6/ip_address"},
		{"DIGITALOCEAN_IPV4_ANCHOR", "#interfaces/public/*/anchor_ipv4/ip_address"},
		{"DIGITALOCEAN_IPV4_PRIVATE", "#interfaces/private/*/ipv4/ip_address"},
		{"DIGITALOCEAN_IPV6_PRIVATE", "#interfaces/private/*/ipv6/ip_address"},
	},
	hostname: "#hostname",
	keys:     "#public_keys/*",
	network:  func(a *Asker) (*network.Config, error) { return a.network("", network.ParseDigitalOcean) },
}
