package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Oracle Cloud Infrastructure.
var oraclecloud = &service{base64: true, request: imds.Request{
	URL:        linkLocal + "/opc/v2/instance/metadata/user_data",
	OtherHosts: []string{"[fd00:c1::a9fe:a9fe]"},
	Header:     []string{"Authorization", "Bearer Oracle"},
}}

var oraclecloudInstance = &Instance{
	service: oraclecloud, url: linkLocal + "/opc/v2/instance", required: true,
	attributes: []row{
		{"ORACLECLOUD_AVAILABILITY_DOMAIN", "#availabilityDomain"},
		{"ORACLECLOUD_COMPARTMENT_ID", "#compartmentId"},
		{"ORACLECLOUD_FAULT_DOMAIN", "#faultDomain"},
		{"ORACLECLOUD_HOSTNAME", "#hostname"},
		{"ORACLECLOUD_INSTANCE_ID", "#id"},
		{"ORACLECLOUD_INSTANCE_SHAPE", "#shape"},
		{"ORACLECLOUD_REGION_ID", "#canonicalRegionName"},
	},
	hostname: "#hostname",
	keys:     "?#metadata/ssh_authorized_keys",
}
