package providers

import (
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// Google Compute Engine. Requests go to an address: a name could be answered by
// anybody.
var gcp = &service{request: imds.Request{
	URL:        linkLocal + "/computeMetadata/v1/instance/attributes/user-data",
	OtherHosts: []string{gcpIPv6},
	Header:     []string{"Metadata-Flavor", "Google"},
}}

const gcpIPv6 = "[fd20:ce::254]"

func gcpCredentials(m *imds.Client) fetch.Credentials { return m.GoogleCredentials(linkLocal, gcpIPv6) }
