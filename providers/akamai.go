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
