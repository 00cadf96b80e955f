package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// fetchIBMCloud reads a NoCloud drive. An instance without user data has none.
func fetchIBMCloud(ctx context.Context, env *Env) (*UserData, error) {
	c := configDrive{label: "cidata", files: []string{"user-data"}, limit: driveLimit}
	data, err := c.fetch(ctx, env)
	return unlessMissing(env, data, err)
}

var ibmcloudInstance = &Instance{
	drive:          &instanceDrive{label: "cidata", file: "meta-data", others: []string{"vendor-data"}},
	moreAttributes: ibmcloudAttributes, moreFacts: []string{"instance-id"},
	hostnameBy: func(a *Asker) (string, error) {
		facts, err := ibmcloudFacts(a)
		return facts["local-hostname"], err
	},
	keysBy: ibmcloudKeys,
}

func ibmcloudAttributes(a *Asker) ([]Attribute, error) {
	var all []Attribute
	facts, err := ibmcloudFacts(a)
	for _, r := range []row{{"IBMCLOUD_INSTANCE_ID", "instance-id"}, {"IBMCLOUD_LOCAL_HOSTNAME", "local-hostname"}} {
		if value, ok := facts[r.at]; ok {
			all = append(all, Attribute{r.name, value})
		}
	}
	return all, err
}

// ibmcloudFacts reads lines of KEY: VALUE, which are no YAML: values have no quotes.
func ibmcloudFacts(a *Asker) (map[string]string, error) {
	text, _, err := a.text("meta-data")
	facts := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			facts[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return facts, err
}

// ibmcloudKeys are in the last part of the vendor data that is for cloud-init and has
// any. Without the file it is not known which there are.
func ibmcloudKeys(a *Asker) ([]string, error) {
	vendor, there, err := a.text("vendor-data")
	if err == nil && !there {
		err = errors.New("the drive has no file vendor-data")
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, part := range multipart(string(vendor)) {
		if !part.has("text/cloud-config") || !strings.Contains(part.body, "ssh_authorized_keys") {
			continue
		}
		n, err := readYAML([]byte(part.body))
		if err != nil {
			return nil, fmt.Errorf("reading the part of vendor-data with SSH keys: %w", err)
		}
		keys = nil
		for _, key := range children(n.Member("ssh_authorized_keys")) {
			keys = append(keys, key.Text)
		}
	}
	return keys, nil
}

// ibmcloudClassicInstance is of the older machines of IBM. Which SSH keys they have is
// not said.
var ibmcloudClassicInstance = &Instance{
	drive: &instanceDrive{label: "config-2", file: openStackMetadata, others: []string{openStackNetwork}}, required: true,
	attributes: []row{
		{"IBMCLOUD_CLASSIC_INSTANCE_ID", openStackMetadata + "#uuid"},
		{"IBMCLOUD_CLASSIC_LOCAL_HOSTNAME", openStackMetadata + "#name"},
	},
	hostname: openStackMetadata + "#name",
	network:  networkData(servicePriority),
}
