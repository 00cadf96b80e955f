package fetch

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/http"
)

// Services of Amazon, by the names that signatures have.
const (
	serviceS3      = "s3"
	serviceSecrets = "secretsmanager"
	serviceSTS     = "sts"
)

// sign signs a request for a service by version 4 of Amazon's signatures. The URL has to be
// escaped by awsEscape.
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func sign(r *http.Request, keys AWSKeys, service, region string, now time.Time) {
	sum := sha256.Sum256(r.Body)
	body := hex.EncodeToString(sum[:])
	moment := now.UTC().Format("20060102T150405Z")
	if service == serviceS3 {
		r.Header.Set("X-Amz-Content-Sha256", body)
	}
	r.Header.Set("X-Amz-Date", moment)
	if keys.Token != "" {
		r.Header.Set("X-Amz-Security-Token", keys.Token)
	}
	names, headers := signedHeaders(r)
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers, names, body}, "\n")
	digest := sha256.Sum256([]byte(canonical))

	scope := []string{moment[:8], region, service, "aws4_request"}
	key := []byte("AWS4" + keys.Secret)
	for _, part := range scope {
		key = mac(key, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", moment, strings.Join(scope, "/"), hex.EncodeToString(digest[:])}, "\n")
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%x",
		keys.ID, strings.Join(scope, "/"), names, mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signedHeaders returns the names of the headers that are signed, and their
// canonical form: the host, the range, the kind of body, the server that a login is for, and
// all of Amazon's own.
func signedHeaders(r *http.Request) (names, canonical string) {
	lines := []string{"host:" + r.URL.Host + "\n"}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name == "range" || name == "content-type" || name == "x-vault-aws-iam-server-id" || strings.HasPrefix(name, "x-amz-") {
			lines = append(lines, name+":"+strings.TrimSpace(values[0])+"\n")
		}
	}
	slices.Sort(lines)
	var list []string
	for _, l := range lines {
		name, _, _ := strings.Cut(l, ":")
		list = append(list, name)
	}
	return strings.Join(list, ";"), strings.Join(lines, "")
}

// awsEscape is percent-encoding as Amazon demands it: all bytes but RFC 3986's
// unreserved ones, and the slashes of paths.
func awsEscape(text string, path bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if isAlphanumeric(c) || strings.IndexByte("-._~", c) >= 0 || path && c == '/' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
