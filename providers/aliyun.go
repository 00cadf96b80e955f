package providers

import (
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
