package providers

import "github.com/firstlight-os/firstlight/internal/imds"

// Oracle Cloud Infrastructure.
var oraclecloud = &service{base64: true, request: imds.Request{
	URL:        linkLocal + "/opc/v2/instance/metadata/user_data",
	OtherHosts: []string{"[fd00:c1::a9fe:a9fe]"},
	Header:     []string{"Authorization", "Bearer Oracle"},
}}
