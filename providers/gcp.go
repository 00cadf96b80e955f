package providers

import (
	"fmt"
	"path"
	"strings"

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

var gcpInstance = &Instance{
	service: gcp, url: linkLocal + "/computeMetadata/v1/", emptyIsNone: true,
	attributes: []row{
		{"GCP_HOSTNAME", "instance/hostname"},
		{"GCP_IP_EXTERNAL_0", "instance/network-interfaces/0/access-configs/0/external-ip"},
		{"GCP_IP_LOCAL_0", "instance/network-interfaces/0/ip"},
		{"GCP_MACHINE_TYPE", "instance/machine-type"},
	},
	facts: []factRow{
		{fact: "instance-id", at: "instance/id"},
		{fact: "region", at: "instance/zone", part: gcpRegion},
		{fact: "zone", at: "instance/zone", part: path.Base},
	},
	hostname: "instance/hostname",
	keysBy:   gcpKeys,
}

// gcpRegion is that of a zone: us-east1 of projects/1/zones/us-east1-b.
func gcpRegion(zone string) string {
	zone = path.Base(zone)
	return zone[:max(strings.LastIndexByte(zone, '-'), 0)]
}

// gcpKeys are those of the instance, and those of its project unless it blocks them. An
// old attribute of the instance replaces all others.
func gcpKeys(a *Asker) ([]string, error) {
	keys, err := a.gcpKeysAt("instance/attributes/sshKeys")
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	keys, err = a.gcpKeysAt("instance/attributes/ssh-keys")
	if err != nil {
		return nil, err
	}
	if blocked, err := a.value("instance/attributes/block-project-ssh-keys"); err != nil || blocked == "true" {
		return keys, err
	}
	old, err := a.gcpKeysAt("project/attributes/sshKeys")
	if err != nil {
		return nil, err
	}
	project, err := a.gcpKeysAt("project/attributes/ssh-keys")
	return append(append(keys, old...), project...), err
}

// gcpKeysAt reads lines of USER:KEY, whoever the user is.
func (a *Asker) gcpKeysAt(at string) ([]string, error) {
	text, err := a.value(at)
	var keys []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		_, key, ok := strings.Cut(line, ":")
		if !ok && err == nil {
			err = fmt.Errorf("%s has a line that is not USER:KEY", a.name(at))
		}
		keys = append(keys, key)
	}
	return keys, err
}
