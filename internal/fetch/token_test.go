package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

// tokens is a service that forgets its tokens after some uses.
type tokens struct {
	uses, given, left int
	asked             []string
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method)
	if r.Method == http.MethodPut {
		s.given++
		s.left = s.uses
		fmt.Fprintf(w, " T%d\n", s.given)
		return
	}
	if s.left == 0 || r.Header.Get("X-Aws-Ec2-Metadata-Token") != fmt.Sprintf("T%d", s.given) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.left--
	fmt.Fprint(w, "answer")
}

func TestOneTokenServesUntilItIsForgotten(t *testing.T) {
	s := &tokens{uses: 2}
	srv := httptest.NewServer(s)
	defer srv.Close()
	c, _, log := newTestClient(t)
	ask := func() (string, error) {
		text, err := c.DoMetadata(t.Context(), MetadataRequest{URL: srv.URL + "/x", Token: EC2Token})
		return string(text), err
	}
	for i, want := range []string{"PUT GET", "PUT GET GET", "PUT GET GET GET PUT GET"} {
		text, err := ask()
		if asked := strings.Join(s.asked, " "); text != "answer" || err != nil || asked != want {
			t.Errorf("%d: got %q, %v, asked %s", i, text, err, asked)
		}
	}
	s.uses, s.left, s.asked = 0, 0, nil
	if _, err := ask(); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || strings.Join(s.asked, " ") != "GET PUT GET" {
		t.Errorf("a service that knows no token: %v, asked %v", err, s.asked)
	}
	if strings.Contains(log.String(), "T1") {
		t.Error("the token is in the log")
	}
}

func TestTokensThatAreNone(t *testing.T) {
	must := &Token{Path: "/t", Header: "X", RequestHeader: EC2Token.RequestHeader}
	may := &Token{Path: "/t", Header: "X", RequestHeader: EC2Token.RequestHeader, AbsentOn: []int{404}}
	for name, tc := range map[string]struct {
		token  *Token
		answer string
		want   string
	}{
		"none, and it may be":    {may, "!404", ""},
		"empty, and it may be":   {may, "\n", ""},
		"none, and it must be":   {must, "!404", "/t: the server answered 404 Not Found"},
		"empty, and it must be":  {must, "\n", "/t: the service gave an empty token"},
		"a page":                 {may, "<html>\n<body>", "/t: what the service gave is no token"},
		"bytes":                  {may, "\x00\xff", "/t: what the service gave is no token"},
		"forbidden":              {may, "!403", "/t: the server answered 403 Forbidden"},
		"more than a token has":  {may, strings.Repeat("x", maxToken+1), "/t: the answer has more than 65536 bytes"},
		"nothing that is a host": {may, "", "this is not a URL that can be requested"},
	} {
		srv := httptest.NewServer(&metadata{answers: map[string]string{"PUT /t": tc.answer, "GET /x": "answer"}})
		c, _, _ := newTestClient(t)
		url := srv.URL + "/x"
		if strings.HasPrefix(name, "nothing") {
			url = "http://%zz/x"
		}
		text, err := c.DoMetadata(t.Context(), MetadataRequest{URL: url, Token: tc.token})
		if tc.want == "" && (string(text) != "answer" || err != nil) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
		srv.Close()
	}
}

func TestHintsOfServices(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"with a meaning":    {&StatusError{Code: 403}, "switch it on"},
		"without a meaning": {&StatusError{Code: 418}, "check that the kernel argument ignition.platform.id names the platform"},
		"not ready":         {&AttemptError{Kind: ServerBusy, err: &StatusError{Code: 503}}, "the service is there but not ready"},
		"nobody listens":    {&AttemptError{Kind: ConnRefused, err: syscall.ECONNREFUSED}, "check that the kernel argument ignition.platform.id names the platform"},
		"no network":        {&AttemptError{Kind: NoNetwork, err: errors.New("no link")}, "check cable"},
	} {
		q := MetadataRequest{Hints: []Hint{{403, "switch it on"}}}
		if got := q.hint(tc.err); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestRequestsFromLowPorts(t *testing.T) {
	var from []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { from = append(from, r.RemoteAddr) }))
	defer srv.Close()
	c, _, _ := newTestClient(t)
	if _, err := c.DoMetadata(t.Context(), MetadataRequest{URL: srv.URL, LowPort: true}); err != nil {
		var problem *report.Error
		if !errors.Is(err, syscall.EACCES) || !errors.As(err, &problem) || problem.Hint != "run this as root" {
			t.Errorf("got %v", err)
		}
		return // not root
	}
	if len(from) != 1 || len(from[0])-strings.LastIndex(from[0], ":") > 5 {
		t.Errorf("asked from %v", from)
	}
}
