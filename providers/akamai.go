package providers

import (
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// Akamai Connected Cloud, formerly Linode.
var akamai = &service{neverNotFound: true, base64: true, request: imds.Request{
	URL:        linkLocal + "/v1/user-data",
	OtherHosts: []string{"[fd00:a9fe:a9fe::1]"},
	Header:     []string{"Accept", "*/*"}, // others get 406
	Token: &imds.Token{
		Path:          "/v1/token",
		RequestHeader: []string{"Metadata-Token-Expiry-Seconds", "300", "Accept", "text/plain"},
		Header:        "Metadata-Token",
	},
	Hints: []imds.Hint{{Code: http.StatusNotFound, Text: "the metadata service does not exist in each region, and not for images without cloud-init: choose others"}},
}}

// akamaiInstance has addresses with their prefixes. Only keys that were in the user data
// are known to the service.
var akamaiInstance = &Instance{
	service: akamai, url: linkLocal + "/v1/", header: []string{"Accept", "application/json"}, required: true,
	attributes: []row{
		{"AKAMAI_INSTANCE_ID", "instance#id"},
		{"AKAMAI_INSTANCE_HOST_UUID", "instance#host_uuid"},
		{"AKAMAI_INSTANCE_LABEL", "instance#label"},
		{"AKAMAI_INSTANCE_REGION", "instance#region"},
		{"AKAMAI_INSTANCE_TYPE", "instance#type"},
		{"AKAMAI_INSTANCE_TAGS", "instance#tags"},
		{"AKAMAI_PUBLIC_IPV4", "network#ipv4/public/*"},
		{"AKAMAI_PRIVATE_IPV4", "network#ipv4/private/*"},
		{"AKAMAI_SHARED_IPV4", "network#ipv4/shared/*"},
		{"AKAMAI_IPV6_SLAAC", "network#ipv6/slaac"},
		{"AKAMAI_IPV6_LINK_LOCAL", "network#ipv6/link_local"},
		{"AKAMAI_IPV6_RANGE", "network#ipv6/ranges/*"},
		{"AKAMAI_IPV6_SHARED_RANGE", "network#ipv6/shared_ranges/*"},
	},
	keys: "ssh-keys#users/*/*",
}
