package providers

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
)

// Alibaba Cloud. Instances in its hardened mode require a token.
var aliyun = &service{request: imds.Request{
	URL: "http://100.100.100.200/latest/user-data",
	Token: &imds.Token{
		Path:          "/latest/api/token",
		RequestHeader: []string{"X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600"},
		Header:        "X-Aliyun-Ecs-Metadata-Token",
		AbsentOn:      []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed},
	},
}}

var aliyunInstance = &Instance{
	service: aliyun, url: "http://100.100.100.200/latest/meta-data/", emptyIsNone: true,
	attributes: []row{
		{"ALIYUN_EIPV4", "eipv4"},
		{"ALIYUN_HOSTNAME", "hostname"},
		{"ALIYUN_IMAGE_ID", "image-id"},
		{"ALIYUN_INSTANCE_ID", "instance-id"},
		{"ALIYUN_INSTANCE_TYPE", "instance/instance-type"},
		{"ALIYUN_IPV4_PRIVATE", "private-ipv4"},
		{"ALIYUN_IPV4_PUBLIC", "public-ipv4"},
		{"ALIYUN_REGION_ID", "region-id"},
		{"ALIYUN_VPC_ID", "vpc-id"},
		{"ALIYUN_ZONE_ID", "zone-id"},
	},
	hostname:    "hostname",
	keysBy:      aliyunKeys,
	skipBadKeys: true,
}

// aliyunKeys are in the order of their texts, each once.
func aliyunKeys(a *Asker) ([]string, error) {
	list, err := a.value("public-keys/")
	var keys []string
	for _, id := range keyLines(list) {
		if err == nil {
			keys, err = a.oneKey(keys, "public-keys/"+strings.TrimSuffix(id, "/")+"/openssh-key")
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), err
}
