package providers

import (
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// Scaleway. User data is for root only: the service answers ports below 1024.
var scaleway = &service{request: imds.Request{
	URL:        "http://169.254.42.42/user_data/cloud-init",
	OtherHosts: []string{"[fd00:42::42]"},
	LowPort:    true,
}}

var scalewayInstance = &Instance{
	service: scaleway, url: "http://169.254.42.42", required: true,
	attributes: []row{
		{"SCALEWAY_HOSTNAME", scalewayConf + "#hostname"},
		{"SCALEWAY_INSTANCE_ID", scalewayConf + "#id"},
		{"SCALEWAY_INSTANCE_TYPE", scalewayConf + "#commercial_type"},
		{"SCALEWAY_ZONE_ID", scalewayConf + "#location/zone_id"},
		{"SCALEWAY_IPV4_PRIVATE", "?" + scalewayConf + "#private_ip"},
		{"SCALEWAY_IPV4_PUBLIC", "?" + scalewayConf + "#public_ip/address"},
		{"SCALEWAY_IPV6_PUBLIC", "?" + scalewayConf + "#ipv6/address"},
	},
	hostname: scalewayConf + "#hostname",
	keys:     scalewayConf + "#ssh_public_keys/*/key",
	checkIn: func(a *Asker) error {
		request := a.like("http://169.254.42.42/state")
		request.Header = append(request.Header, "Content-Type", "application/json")
		request.Method, request.Body = http.MethodPatch, []byte(`{"state_detail":"booted"}`)
		return a.send(request)
	},
}

const scalewayConf = "/conf?format=json"
