package emulator

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// ask sends a request with what the service wants, and more.
func ask(h http.Handler, method, uri string, header ...string) (status int, body string) {
	r := httptest.NewRequest(method, uri, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestServicesGiveTheConfigToWhoAsksRight(t *testing.T) {
	for _, s := range Services {
		t.Run(s.Platform, func(t *testing.T) {
			h := s.Handler("the config")
			header := slices.Clone(s.Header)
			if s.TokenURI != "" {
				status, _ := ask(h, "GET", s.URI, header...)
				testkit.Equal(t, "status without a token", status, http.StatusUnauthorized)
				status, _ = ask(h, "PUT", s.TokenURI)
				testkit.Equal(t, "status of a token without a header", status, http.StatusBadRequest)
				status, token := ask(h, "PUT", s.TokenURI, s.TokenHeader...)
				testkit.Equal(t, "status of the token", status, http.StatusOK)
				header = append(header, s.TokenName, token)
			}
			status, body := ask(h, "GET", s.URI, header...)
			testkit.Equal(t, "status", status, http.StatusOK)
			if s.Encode != nil {
				text, err := base64.StdEncoding.DecodeString(body)
				testkit.NoError(t, err)
				body = string(text)
			}
			testkit.Equal(t, "config", body, "the config")
			if len(s.Header) > 0 {
				status, _ = ask(h, "GET", s.URI, header[len(s.Header):]...)
				testkit.Equal(t, "status without the header", status, http.StatusBadRequest)
			}
			for uri, want := range s.Also {
				_, body := ask(h, "GET", uri, header...)
				testkit.Equal(t, uri, body, want)
			}
			status, _ = ask(h, "GET", "/other", header...)
			testkit.Equal(t, "status of another URI", status, http.StatusNotFound)
			status, _ = ask(h, "POST", s.URI, header...)
			testkit.Equal(t, "status of POST", status, http.StatusMethodNotAllowed)
		})
	}
}

func TestFind(t *testing.T) {
	s, ok := Find("aws")
	testkit.Equal(t, "platform", s.Platform, "aws")
	testkit.Equal(t, "found", ok, true)
	_, ok = Find("qemu")
	testkit.Equal(t, "without a service", ok, false)
}
