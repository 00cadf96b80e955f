package fetch

import (
	"cmp"
	"context"
	"hash/crc32"
	"net/url"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/storeurl"
)

// googleScope is that of tokens for Secret Manager, which has none of its own.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

var googleSecrets = &secretStore{"Google Secret Manager", askGoogle, [][2]string{
	{"403", "give the service account of this machine the role roles/secretmanager.secretAccessor on the secret, and the machine the access scope cloud-platform"},
	{"401", "check that the service account of this machine still exists"},
	{"404", "check the project, the secret and the version, and that the secret has a version at all"},
	{"FAILED_PRECONDITION", "the version is disabled or destroyed: enable it, or name another one in the URL"},
}}

// askGoogle gets a secret of Google Secret Manager.
//
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access
func askGoogle(ctx context.Context, c *Client, s *storeurl.Secret) ([]byte, string, error) {
	u := &url.URL{Scheme: "https", Host: "secretmanager.googleapis.com", Path: "/v1/" + s.Name + "/versions/" + cmp.Or(s.Version, "latest") + ":access"}
	if parts := strings.Split(s.Name, "/"); parts[2] == "locations" {
		u.Host = "secretmanager." + parts[3] + ".rep.googleapis.com"
	}
	b := &bearer{c.Credentials.Google, googleScope, "gcp", "as this instance's service account", "give the instance a service account, with the access scope cloud-platform"}
	return b.ask(ctx, c, u, decodeGoogle)
}

// decodeGoogle returns the secret of an answer, whose checksum is CRC-32C.
func decodeGoogle(answer []byte) ([]byte, error) {
	var a struct {
		Payload *struct {
			Data string `json:"data"`
		} `json:"payload"`
	}
	if json.Unmarshal(answer, &a) != nil || a.Payload == nil {
		return nil, errMakesNoSense
	}
	secret, err := decodeBase64(a.Payload.Data)
	if err != nil {
		return nil, err
	}
	sum := crc32.Checksum(secret, crc32.MakeTable(crc32.Castagnoli))
	if json.Text(answer, "payload", "dataCrc32c") != strconv.FormatUint(uint64(sum), 10) {
		return nil, failed(ConnLost, "HTTP: the checksum of the answer is wrong")
	}
	return secret, nil
}
