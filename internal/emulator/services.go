package emulator

import (
	"encoding/base64"
	"net/http"
)

// LinkLocal is the address of most services.
const LinkLocal = "169.254.169.254"

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// Services are the platforms' services, from the descriptions of their vendors.
var Services = []Service{
	{Platform: "akamai", Hosts: []string{LinkLocal, "fd00:a9fe:a9fe::1"}, URI: "/v1/user-data", Header: []string{"Accept", "*/*"}, Encode: inBase64,
		TokenURI: "/v1/token", TokenName: "Metadata-Token", TokenHeader: []string{"Metadata-Token-Expiry-Seconds", "300", "Accept", "text/plain"}},
	{Platform: "aliyun", Hosts: []string{"100.100.100.200"}, URI: "/latest/user-data", None: http.StatusNotFound,
		TokenURI: "/latest/api/token", TokenName: "X-aliyun-ecs-metadata-token", TokenHeader: []string{"X-aliyun-ecs-metadata-token-ttl-seconds", "21600"}},
	{Platform: "aws", Hosts: []string{LinkLocal, "fd00:ec2::254"}, URI: "/2019-10-01/user-data", None: http.StatusNotFound,
		TokenURI: "/latest/api/token", TokenName: "X-aws-ec2-metadata-token", TokenHeader: []string{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}},
	{Platform: "azure", Hosts: []string{LinkLocal}, URI: "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
		Header: []string{"Metadata", "true"}, Encode: inBase64,
		Also: map[string]string{"/metadata/instance?api-version=2021-08-01&extended=true": `{"extended":{"compute":{"hasCustomData":false}}}`}},
	{Platform: "digitalocean", Hosts: []string{LinkLocal}, URI: "/metadata/v1/user-data"},
	{Platform: "exoscale", Hosts: []string{LinkLocal}, URI: "/1.0/user-data", None: http.StatusNotFound},
	{Platform: "gcp", Hosts: []string{LinkLocal, "fd20:ce::254"}, URI: "/computeMetadata/v1/instance/attributes/user-data",
		Header: []string{"Metadata-Flavor", "Google"}, None: http.StatusNotFound},
	{Platform: "hetzner", Hosts: []string{LinkLocal}, URI: "/hetzner/v1/userdata", None: http.StatusNotFound},
	{Platform: "oraclecloud", Hosts: []string{LinkLocal, "fd00:c1::a9fe:a9fe"}, URI: "/opc/v2/instance/metadata/user_data",
		Header: []string{"Authorization", "Bearer Oracle"}, Encode: inBase64, None: http.StatusNotFound},
	{Platform: "outscale", Hosts: []string{LinkLocal}, URI: "/latest/user-data", None: http.StatusNotFound},
	{Platform: "scaleway", Hosts: []string{"169.254.42.42", "fd00:42::42"}, URI: "/user_data/cloud-init", LowPort: true, None: http.StatusNotFound},
	{Platform: "upcloud", Hosts: []string{LinkLocal}, URI: "/metadata/v1/user_data", None: http.StatusNotFound},
	{Platform: "vultr", Hosts: []string{LinkLocal}, URI: "/user-data/user-data", None: http.StatusNotFound},
}
