package stores

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
)

// An AWS is Secrets Manager in all regions.
type AWS struct {
	log
	Signatures
	// Answers are by "REGION ID", with "?VERSION" or "?LABEL" behind it.
	Answers map[string]string
	// Forbidden are such names that nobody may read.
	Forbidden map[string]bool
	// Busy is how many requests are throttled first.
	Busy int
}

func (s *AWS) fail(w http.ResponseWriter, code, member, message string) {
	answer(w, http.StatusBadRequest, "application/x-amz-json-1.1", map[string]string{"__type": code, member: message})
}

func (s *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	region, suffix, _ := strings.Cut(strings.TrimPrefix(r.Host, "secretsmanager."), ".")
	w.Header().Set("Date", s.Clock().UTC().Format(http.TimeFormat))
	body := s.begin(r, http.MethodPost, map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue",
		"Authorization": "*", "X-Amz-Date": "*", "X-Amz-Security-Token": s.Token})
	if r.RequestURI != "/" || suffix != map[bool]string{true: "amazonaws.com.cn", false: "amazonaws.com"}[strings.HasPrefix(region, "cn-")] {
		s.odd("the URL %s%s", r.Host, r.RequestURI)
	}
	var wanted map[string]string
	err := json.Unmarshal(body, &wanted)
	name := region + " " + wanted["SecretId"]
	if v := wanted["VersionId"] + wanted["VersionStage"]; v != "" {
		name += "?" + v
	}
	text, there := s.Answers[name]
	switch who, problem := s.Check(r, body, "secretsmanager", region); {
	case s.Busy > 0:
		s.Busy--
		s.fail(w, "ThrottlingException", "message", "Rate exceeded")
	case problem == "RequestTimeTooSkewed":
		s.fail(w, "InvalidSignatureException", "message", "Signature expired: it is now earlier than ...")
	case problem == "InvalidAccessKeyId", problem == "InvalidToken":
		s.fail(w, "UnrecognizedClientException", "message", "The security token included in the request is invalid.")
	case who == "" || problem != "":
		s.odd("the signature is %s", problem)
		s.fail(w, "InvalidSignatureException", "message", "The request signature we calculated does not match the signature you provided.")
	case err != nil:
		s.odd("the body %q", body)
		s.fail(w, "SerializationException", "Message", "")
	case s.Forbidden[name]:
		s.fail(w, "AccessDeniedException", "Message", "User: arn:aws:sts::1:assumed-role/web/i-1 is not authorized to perform: secretsmanager:GetSecretValue on resource: "+wanted["SecretId"])
	case !there:
		s.fail(w, "ResourceNotFoundException", "Message", "Secrets Manager can't find the specified secret.")
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		io.WriteString(w, text)
	}
}

// A Google is Secret Manager, global and in all locations.
type Google struct {
	log
	Token string
	// Secrets are by "HOST/PATH" of a version, without ":access".
	Secrets map[string]string
	// Forbidden and Disabled are such names.
	Forbidden, Disabled map[string]bool
	// Damaged is how many answers are damaged on the way first.
	Damaged int
}

func (s *Google) fail(w http.ResponseWriter, code int, status, message string) {
	answer(w, code, "application/json; charset=UTF-8", map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
}

func (s *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(r, http.MethodGet, map[string]string{"Authorization": "*"})
	name, isAccess := strings.CutSuffix(r.Host+r.RequestURI, ":access")
	if !isAccess {
		s.odd("the URL %s%s", r.Host, r.RequestURI)
	}
	secret, there := s.Secrets[name]
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.Token:
		s.fail(w, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case s.Forbidden[name]:
		s.fail(w, 403, "PERMISSION_DENIED", "Permission 'secretmanager.versions.access' denied on resource (or it may not exist).")
	case s.Disabled[name]:
		s.fail(w, 400, "FAILED_PRECONDITION", "Secret Version is in DISABLED state.")
	case !there:
		s.fail(w, 404, "NOT_FOUND", "Secret or Secret Version not found.")
	default:
		sum := crc32.Checksum([]byte(secret), crc32.MakeTable(crc32.Castagnoli))
		if s.Damaged > 0 {
			s.Damaged--
			sum++
		}
		payload := map[string]string{"dataCrc32c": fmt.Sprint(sum)}
		if secret != "" { // as fields without a value are left out
			payload["data"] = base64.StdEncoding.EncodeToString([]byte(secret))
		}
		answer(w, 200, "application/json; charset=UTF-8", map[string]any{"name": strings.TrimPrefix(r.URL.Path, "/v1/"), "payload": payload})
	}
}

// An Azure is all vaults of Key Vault.
type Azure struct {
	log
	Token string
	// Secrets are by "HOST/secrets/NAME", with "/VERSION" behind it.
	Secrets map[string]string
	// Errors are by such names: "STATUS CODE MESSAGE".
	Errors map[string]string
}

func (s *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(r, http.MethodGet, map[string]string{"Authorization": "*"})
	if r.URL.RawQuery != "api-version=7.4" {
		s.odd("the query %q", r.URL.RawQuery)
	}
	name := r.Host + r.URL.EscapedPath()
	fail := func(status int, code, message string) {
		answer(w, status, "application/json; charset=utf-8", map[string]any{"error": map[string]string{"code": code, "message": message}})
	}
	secret, there := s.Secrets[name]
	problem := strings.SplitN(s.Errors[name], " ", 3)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.Token:
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/1", resource="https://vault.azure.net"`)
		fail(401, "Unauthorized", "AKV10032: Invalid issuer.")
	case len(problem) == 3:
		var status int
		fmt.Sscan(problem[0], &status)
		fail(status, problem[1], problem[2])
	case !there:
		fail(404, "SecretNotFound", "A secret with (name/id) x was not found in this key vault.")
	default:
		answer(w, 200, "application/json; charset=utf-8", map[string]any{"value": secret, "id": "https://" + name, "attributes": map[string]any{"enabled": true}})
	}
}
