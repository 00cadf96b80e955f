package providers

import (
	"fmt"
	"strings"

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

var awsInstance = &Instance{
	service: aws, url: linkLocal + "/2021-01-03/",
	attributes: []row{
		{"AWS_INSTANCE_ID", "meta-data/instance-id"},
		{"AWS_INSTANCE_TYPE", "meta-data/instance-type"},
		{"AWS_IPV4_LOCAL", "meta-data/local-ipv4"},
		{"AWS_IPV4_PUBLIC", "meta-data/public-ipv4"},
		{"AWS_IPV6", "meta-data/ipv6"},
		{"AWS_AVAILABILITY_ZONE", "meta-data/placement/availability-zone"},
		{"AWS_AVAILABILITY_ZONE_ID", "meta-data/placement/availability-zone-id"},
		{"AWS_HOSTNAME", "meta-data/hostname"},
		{"AWS_PUBLIC_HOSTNAME", "meta-data/public-hostname"},
		{"AWS_REGION", "dynamic/instance-identity/document#region"},
	},
	hostname: "meta-data/hostname",
	keysBy:   func(a *Asker) ([]string, error) { return ec2Keys(a, "meta-data/public-keys") },
}

// ec2Keys are those of a service like EC2's: a list of INDEX=NAME, and a key for each.
func ec2Keys(a *Asker, path string) ([]string, error) {
	list, err := a.value(path)
	var keys []string
	for _, line := range keyLines(list) {
		index, name, ok := strings.Cut(line, "=")
		switch {
		case err != nil:
		case !ok || strings.Contains(name, "="):
			err = fmt.Errorf("the list of SSH keys has the line %q, and not INDEX=NAME", fetch.Printable(line))
		default:
			keys, err = a.oneKey(keys, path+"/"+index+"/openssh-key")
		}
	}
	return keys, err
}
