package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// gcs is Cloud Storage: one bucket with a public and a private object.
func gcs(w http.ResponseWriter, r *http.Request) {
	fail := func(code int, status string) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"error": {"code": %d, "message": "Message of %s", "errors": [{"message": "x"}], "status": "%s"}}`, code, status, status)
	}
	auth := r.Header.Get("Authorization")
	switch {
	case r.Host != "storage.googleapis.com" || r.URL.RawQuery != "alt=media":
		fail(400, "INVALID")
	case auth != "" && auth != "Bearer ya29.good":
		fail(401, "UNAUTHENTICATED")
	case r.URL.EscapedPath() == "/storage/v1/b/bucket/o/dir%2Fpublic%20+":
		io.WriteString(w, "public")
	case r.URL.EscapedPath() == "/storage/v1/b/bucket/o/private" && auth != "":
		io.WriteString(w, "private")
	case r.URL.EscapedPath() == "/storage/v1/b/bucket/o/private":
		fail(403, "PERMISSION_DENIED")
	default:
		fail(404, "NOT_FOUND")
	}
}

func TestGCS(t *testing.T) {
	token := func(text string, err error) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return text, err }
	}
	for name, tc := range map[string]struct {
		source string
		token  func(context.Context, string) (string, error)
		want   string
		err    []string
	}{
		"anonymous":          {"gs://bucket/dir/public%20+", nil, "public", nil},
		"with a token":       {"gs://bucket/private", token("ya29.good", nil), "private", nil},
		"without an account": {"gs://bucket/dir/public%20+", token("", nil), "public", nil},
		"anonymous, private": {"gs://bucket/private", nil, "", []string{"fetching gs://bucket/private: Google Cloud Storage: through the proxy at ", ": the server answered 403 Forbidden: PERMISSION_DENIED, Message of PERMISSION_DENIED",
			"\nasked anonymously for the object \"private\" of the bucket \"bucket\""}},
		"no account, private": {"gs://bucket/private", token("", nil), "", []string{"asked anonymously (this machine has no identity) for"}},
		"no token, private":   {"gs://bucket/private", token("", errors.New("asking X: it is off")), "", []string{"asked anonymously (no credentials: asking X: it is off) for"}},
		"a bad token":         {"gs://bucket/private", token("ya29.bad", nil), "", []string{"401 Unauthorized: UNAUTHENTICATED", "asked as this instance's service account for"}},
		"not there":           {"gs://bucket/none", nil, "", []string{"404 Not Found: NOT_FOUND"}},
		"no object":           {"gs://bucket/", nil, "", []string{"the URL does not name an object; it should look like gs://BUCKET/OBJECT"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, log, _ := through(t, gcs, "storage.googleapis.com")
			c.Credentials.Google = tc.token
			if tc.err != nil {
				fails(t, c, resource(tc.source), tc.err...)
			} else if got, err := get(t, c, resource(tc.source)); got != tc.want || err != nil {
				t.Errorf("got %q, %v\n%s", got, err, log)
			}
			if strings.Contains(log.String(), "ya29") {
				t.Errorf("the token is in the log:\n%s", log)
			}
		})
	}
}

// azure is a storage account. Asked with a token it wants a version of its
// interface, as the real one does.
func azure(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>Message of %s\nRequestId:1</Message></Error>", code, code)
	}
	auth := r.Header.Get("Authorization")
	switch {
	case auth != "" && (r.Header.Get("X-Ms-Version") < "2017-11-09" || r.URL.Query().Has("sig")):
		fail(400, "InvalidAuthenticationInfo")
	case auth != "" && auth != "Bearer good":
		fail(403, "AuthenticationFailed")
	case r.URL.Path == "/c/public" && auth == "", r.URL.Query().Get("sig") == "s3cr3t":
		io.WriteString(w, "public")
	case r.URL.Path == "/c/private" && auth != "":
		io.WriteString(w, "private")
	case r.URL.Path == "/c/busy":
		fail(403, "AuthorizationPermissionMismatch")
	default:
		fail(409, "PublicAccessNotPermitted")
	}
}

func TestAzureBlobs(t *testing.T) {
	const account = "https://acct.blob.core.windows.net"
	token := func(text string, err error) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return text, err }
	}
	for name, tc := range map[string]struct {
		url   string
		token func(context.Context, string) (string, error)
		want  string
		err   []string
	}{
		"with a token":        {account + "/c/private", token("good", nil), "private", nil},
		"public, with none":   {account + "/c/public", nil, "public", nil},
		"public, refused":     {account + "/c/public", token("bad", nil), "public", nil},
		"public, no identity": {account + "/c/public", token("", nil), "public", nil},
		"public, no service":  {account + "/c/public", token("", errors.New("it is off")), "public", nil},
		"with a signature":    {account + "/c/private?sig=s3cr3t", token("good", nil), "public", nil},
		"private, with none":  {account + "/c/private", nil, "", []string{"fetching " + account + "/c/private: through the proxy at ", ": the server answered 409 Conflict: PublicAccessNotPermitted, Message of PublicAccessNotPermitted"}},
		"private, refused": {account + "/c/private", token("bad", nil), "", []string{"Azure blob storage: through the proxy at ", ": the server answered 403 Forbidden: AuthenticationFailed, Message of AuthenticationFailed\n",
			"\nasked as this machine's managed identity for the object \"private\" of the bucket \"acct/c\""}},
		"deeper paths are plain": {account + "/c/dir/private", token("good", nil), "", []string{"the server answered 409 Conflict"}},
	} {
		t.Run(name, func(t *testing.T) {
			var odd atomic.Int32
			c, log, _ := through(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Has("sig") && r.Header.Get("Authorization") != "" {
					odd.Add(1)
				}
				azure(w, r)
			}, "*.blob.core.windows.net")
			c.Credentials.Azure = tc.token
			if tc.err != nil {
				fails(t, c, resource(tc.url), tc.err...)
			} else if got, err := get(t, c, resource(tc.url)); got != tc.want || err != nil {
				t.Errorf("got %q, %v\n%s", got, err, log)
			}
			if odd.Load() > 0 {
				t.Error("a URL with a signature was asked for with a token")
			}
			if said := log.String(); strings.Contains(said, "s3cr3t") || strings.Contains(said, "Bearer") {
				t.Errorf("a secret is in the log:\n%s", said)
			}
		})
	}
}
