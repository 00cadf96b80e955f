package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Platform oraclecloud: Oracle Cloud Infrastructure.
// https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
var oraclecloud = &service{platform: "Oracle Cloud", base64: true, userData: imds.Request{
	URL:        linkLocal + "/opc/v2/instance/metadata/user_data",
	OtherHosts: []string{"[fd00:c1::a9fe:a9fe]"},
	Header:     []string{"Authorization", "Bearer Oracle"},
}}
