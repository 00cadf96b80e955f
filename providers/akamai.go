package providers

import (
	"net/http"

	"github.com/firstlight-os/firstlight/internal/imds"
)

// Platform akamai: Akamai Connected Cloud, which was Linode.
// https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service
var akamai = &service{platform: "Akamai", neverNotFound: true, base64: true, userData: imds.Request{
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
