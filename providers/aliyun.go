package providers

import (
	"net/http"

	"github.com/firstlight-os/firstlight/internal/fetch"
)

// Platform aliyun: Alibaba Cloud. Instances in its hardened mode want a token.
// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
var aliyun = &service{platform: "Alibaba Cloud", userData: fetch.Inquiry{
	URL: "http://100.100.100.200/latest/user-data",
	Token: &fetch.Token{
		Path:    "/latest/api/token",
		Header:  []string{"X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds", "21600"},
		Name:    "X-Aliyun-Ecs-Metadata-Token",
		Without: []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed},
	},
}}
