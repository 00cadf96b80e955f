package providers

import "github.com/firstlight-os/firstlight/internal/fetch"

// Platform oraclecloud: Oracle Cloud Infrastructure.
// https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
var oraclecloud = &service{platform: "Oracle Cloud", base64: true, userData: fetch.Inquiry{
	URL:    linkLocal + "/opc/v2/instance/metadata/user_data",
	Also:   []string{"[fd00:c1::a9fe:a9fe]"},
	Header: []string{"Authorization", "Bearer Oracle"},
}}
