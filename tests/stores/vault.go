package stores

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A Vault is a server of HashiCorp Vault or OpenBao at one host.
type Vault struct {
	log
	// Signatures are those that Amazon checks for it.
	Signatures
	Host      string // in URLs
	Namespace string
	// Secrets are members as JSON, by "MOUNT/PATH", with "?VERSION" behind it.
	Secrets map[string]string
	// Deleted are such names of versions that were deleted, Forbidden those that no policy
	// allows.
	Deleted, Forbidden map[string]bool
	// Logins are what the methods are shown, by their mounts. Of what AWS is shown only the
	// role is here.
	Logins map[string]map[string]string
	// STS is the host that requests of AWS are signed for, and its region.
	STS, STSRegion string
	// Uses is how often a login works, 0 is always.
	Uses int
	// Lease is the life of tokens, in seconds.
	Lease int
	// Sealed is how many requests find it sealed first.
	Sealed int

	tokens []string
	logins int
}

// Revoke forgets all tokens.
func (s *Vault) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = nil
}

func (s *Vault) fail(w http.ResponseWriter, status int, words ...string) {
	answer(w, status, "application/json", map[string]any{"errors": append([]string{}, words...)})
}

func (s *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	headers := map[string]string{"X-Vault-Request": "true"}
	if s.Namespace != "" {
		headers["X-Vault-Namespace"] = s.Namespace
	}
	mount, isLogin := strings.CutSuffix(r.URL.Path, "/login")
	method := http.MethodGet
	if isLogin {
		method, headers["Content-Type"] = http.MethodPost, "application/json"
	} else {
		headers["X-Vault-Token"] = "*"
	}
	body := s.begin(r, method, headers)
	if r.Host != s.Host {
		s.odd("the host %s", r.Host)
	}
	switch {
	case s.Sealed > 0:
		s.Sealed--
		s.fail(w, 503, "Vault is sealed")
	case isLogin:
		s.logIn(w, strings.TrimPrefix(mount, "/v1/auth/"), body)
	default:
		s.read(w, r)
	}
}

func (s *Vault) logIn(w http.ResponseWriter, mount string, body []byte) {
	var shown map[string]string
	err := json.Unmarshal(body, &shown)
	want, there := s.Logins[mount]
	if strings.HasPrefix(mount, "aws") {
		if problem := s.notOfAmazon(shown); problem != "" {
			s.odd("the request to Amazon: %s", problem)
		}
		maps.DeleteFunc(shown, func(name, _ string) bool { return strings.HasPrefix(name, "iam_") })
	}
	s.logins++
	switch {
	case !there:
		s.fail(w, 404, fmt.Sprintf("no handler for route \"auth/%s/login\". route entry not found.", mount))
	case err != nil || !maps.Equal(shown, want) || s.Uses > 0 && s.logins > s.Uses:
		// The real one repeats nothing of this; this one does, as another might.
		s.fail(w, 400, "invalid role or secret ID: "+strings.Join(slices.Collect(maps.Values(shown)), " "))
	default:
		token := fmt.Sprintf("hvs.token%d", s.logins)
		s.tokens = append(s.tokens, token)
		answer(w, 200, "application/json", map[string]any{"request_id": "1", "auth": map[string]any{"client_token": token, "lease_duration": s.Lease, "renewable": true}})
	}
}

// notOfAmazon checks a request that is sent to Amazon as the vault does it.
func (s *Vault) notOfAmazon(shown map[string]string) string {
	var parts [3]string
	for i, name := range []string{"iam_request_url", "iam_request_body", "iam_request_headers"} {
		text, err := base64.StdEncoding.DecodeString(shown[name])
		if err != nil {
			return name + " is not base64"
		}
		parts[i] = string(text)
	}
	if parts[1] != "Action=GetCallerIdentity&Version=2011-06-15" || parts[0] != "https://"+s.STS+"/" {
		return fmt.Sprintf("%q, %q", parts[0], parts[1])
	}
	r, err := http.NewRequest(shown["iam_http_request_method"], parts[0], bytes.NewReader([]byte(parts[1])))
	if err != nil || r.Method != http.MethodPost {
		return fmt.Sprintf("%v, %q", err, shown["iam_http_request_method"])
	}
	if err := json.Unmarshal([]byte(parts[2]), &r.Header); err != nil {
		return err.Error()
	}
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded; charset=utf-8" {
		return "the kind of body is " + r.Header.Get("Content-Type")
	}
	names := slices.Sorted(maps.Keys(r.Header))
	if want := "Authorization Content-Type X-Amz-Date X-Amz-Security-Token X-Vault-Aws-Iam-Server-Id"; strings.Join(names, " ") != want {
		return fmt.Sprintf("its headers are %q", names)
	}
	if id := r.Header.Get("X-Vault-Aws-Iam-Server-Id"); id != s.Host || !strings.Contains(r.Header.Get("Authorization"), "x-vault-aws-iam-server-id") {
		return "it is for " + id
	}
	if who, problem := s.Check(r, []byte(parts[1]), "sts", s.STSRegion); who == "" || problem != "" {
		return "the signature is " + problem
	}
	return ""
}

func (s *Vault) read(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/v1/")
	mount, path, isData := strings.Cut(name, "/data/")
	version := r.URL.Query().Get("version")
	if !isData || r.URL.RawQuery != "" && r.URL.RawQuery != "version="+version {
		s.odd("the URL %s", r.URL)
	}
	name = mount + "/" + path
	if version != "" {
		name += "?" + version
	}
	members, there := s.Secrets[name]
	switch {
	case !slices.Contains(s.tokens, r.Header.Get("X-Vault-Token")):
		s.fail(w, 403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
	case s.Forbidden[name]:
		s.fail(w, 403, "1 error occurred:\n\t* permission denied\n\n")
	case s.Deleted[name]:
		answer(w, 404, "application/json", map[string]any{"data": map[string]any{"data": nil, "metadata": map[string]any{"version": 3, "deletion_time": "2026-01-02T03:04:05Z", "destroyed": false}}})
	case !there:
		s.fail(w, 404)
	default:
		answer(w, 200, "application/json", map[string]any{"request_id": "1", "lease_duration": 0,
			"data": map[string]any{"data": json.RawMessage(members), "metadata": map[string]any{"version": 1, "deletion_time": "", "destroyed": false}}})
	}
}
