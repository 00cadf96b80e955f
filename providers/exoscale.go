package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Exoscale.
var exoscale = &service{request: imds.Request{URL: linkLocal + "/1.0/user-data"}}

var exoscaleInstance = &Instance{
	service: exoscale, url: linkLocal + "/1.0/meta-data/", required: true,
	attributes: []row{
		{"EXOSCALE_INSTANCE_ID", "instance-id"},
		{"EXOSCALE_LOCAL_HOSTNAME", "local-hostname"},
		{"EXOSCALE_PUBLIC_HOSTNAME", "public-hostname"},
		{"EXOSCALE_AVAILABILITY_ZONE", "availability-zone"},
		{"EXOSCALE_PUBLIC_IPV4", "public-ipv4"},
		{"EXOSCALE_LOCAL_IPV4", "local-ipv4"},
		{"EXOSCALE_SERVICE_OFFERING", "service-offering"},
		{"EXOSCALE_CLOUD_IDENTIFIER", "cloud-identifier"},
		{"EXOSCALE_VM_ID", "vm-id"},
	},
	hostname: "local-hostname",
	keys:     "public-keys",
}
