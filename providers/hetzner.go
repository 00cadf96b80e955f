package providers

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/imds"
)

// Hetzner Cloud.
var hetzner = &service{request: imds.Request{URL: linkLocal + "/hetzner/v1/userdata"}}

var hetznerInstance = &Instance{
	service: hetzner, url: linkLocal + "/hetzner/v1/metadata", required: true, yaml: true, emptyIsNone: true,
	attributes: []row{
		{"HETZNER_AVAILABILITY_ZONE", "?#availability-zone"},
		{"HETZNER_HOSTNAME", "?#hostname"},
		{"HETZNER_INSTANCE_ID", "?#instance-id"},
		{"HETZNER_PUBLIC_IPV4", "?#public-ipv4"},
		{"HETZNER_REGION", "?#region"},
		{"HETZNER_PRIVATE_IPV4", "/private-networks#*/ip"},
	},
	moreAttributes: hetznerIPv6, moreFacts: []string{"public-ipv6"},
	hostname: "/hostname",
	keys:     "/public-keys#*",
	network:  networkConfig("/network-config"),
}

// hetznerIPv6 is the address of the first physical interface.
func hetznerIPv6(a *Asker) ([]Attribute, error) {
	n, err := a.document("")
	for _, i := range children(n.Member("network-config").Member("config")) {
		if scalar(i.Member("type")) != "physical" {
			continue
		}
		for _, s := range children(i.Member("subnets")) {
			if address, _, _ := strings.Cut(scalar(s.Member("address")), "/"); scalar(s.Member("ipv6")) == "true" && address != "" {
				return []Attribute{{"HETZNER_PUBLIC_IPV6", address}}, err
			}
		}
		break
	}
	return nil, err
}
