package providers

import (
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// Amazon EC2.
var aws = &service{request: imds.Request{
	URL:        linkLocal + "/2019-10-01/user-data",
	OtherHosts: []string{awsIPv6},
	Token:      imds.EC2Token,
	Hints: []imds.Hint{
		{Code: http.StatusUnauthorized, Text: "the service does not take its own tokens: start the instance again"},
		{Code: http.StatusForbidden, Text: "the metadata service is switched off for this instance: aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled"},
	},
}}

const awsIPv6 = "[fd00:ec2::254]"

func awsCredentials(m *imds.Client) fetch.Credentials { return m.AWSCredentials(linkLocal, awsIPv6) }
