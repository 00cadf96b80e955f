package imds

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A tokenService forgets its tokens after some uses.
type tokenService struct {
	uses, given, left int
	got               []string // methods of requests
}

func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.got = append(s.got, r.Method)
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

func TestTokenIsUsedUntilTheServiceForgetsIt(t *testing.T) {
	s := &tokenService{uses: 2}
	srv := httptest.NewServer(s)
	defer srv.Close()
	c, _, log := newTestClient(t)
	do := func() (string, error) {
		text, err := c.Do(t.Context(), Request{URL: srv.URL + "/x", Token: EC2Token})
		return string(text), err
	}
	for i, want := range []string{"PUT GET", "PUT GET GET", "PUT GET GET GET PUT GET"} {
		text, err := do()
		if got := strings.Join(s.got, " "); text != "answer" || err != nil || got != want {
			t.Errorf("%d: got %q, %v, requests %s", i, text, err, got)
		}
	}
	s.uses, s.left, s.got = 0, 0, nil
	if _, err := do(); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") || strings.Join(s.got, " ") != "GET PUT GET" {
		t.Errorf("a service that knows no token: %v, requests %v", err, s.got)
	}
	if strings.Contains(log.String(), "T1") {
		t.Error("the token is in the log")
	}
}

func TestServicesWithBadTokensAreRefused(t *testing.T) {
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
		"more than a token has":  {may, strings.Repeat("x", maxCredentials+1), "/t: the answer has more than 65536 bytes"},
		"nothing that is a host": {may, "", "this is not a URL that can be requested"},
	} {
		srv := httptest.NewServer(&metadata{answers: map[string]string{"PUT /t": tc.answer, "GET /x": "answer"}})
		c, _, _ := newTestClient(t)
		url := srv.URL + "/x"
		if strings.HasPrefix(name, "nothing") {
			url = "http://%zz/x"
		}
		text, err := c.Do(t.Context(), Request{URL: url, Token: tc.token})
		if tc.want == "" && (string(text) != "answer" || err != nil) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
		srv.Close()
	}
}
