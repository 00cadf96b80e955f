package emulator

import (
	"fmt"
	"io"
	"net/http"
)

// A Service is a metadata service as its vendor describes it.
type Service struct {
	Platform string
	Hosts    []string // addresses, at port 80
	URI      string   // of the user data
	Header   []string // that it wants, names and values in turn
	// LowPort is set where requests have to come from a port below 1024.
	LowPort bool
	// The service with tokens gives them at TokenURI to who sends TokenHeader,
	// and wants to see them as TokenName.
	TokenURI, TokenName string
	TokenHeader         []string
	Encode              func(string) string // of user data
	None                int                 // the status without user data, if not 200
	Also                map[string]string   // what the service says about other things, by URI
}

// Find returns the service of a platform.
func Find(platform string) (Service, bool) {
	for _, s := range Services {
		if s.Platform == platform {
			return s, true
		}
	}
	return Service{}, false
}

// UserData is a config as the service gives it.
func (s Service) UserData(config string) string {
	if s.Encode == nil {
		return config
	}
	return s.Encode(config)
}

// WrongHeader says what header is missing in a request, or is not what it should be.
func (s Service) WrongHeader(r *http.Request) string {
	header := s.Header
	if r.Method == http.MethodPut {
		header = s.TokenHeader
	}
	for i := 0; i < len(header); i += 2 {
		if got := r.Header.Get(header[i]); got != header[i+1] {
			return fmt.Sprintf("the header %s is %q", header[i], got)
		}
	}
	return ""
}

// Token is what a Handler gives out as one.
const Token = "token-of-the-emulated-service"

// Handler is the service of a machine with a config. It does not look at the ports that
// requests come from.
func (s Service) Handler(config string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrong := s.WrongHeader(r); wrong != "" {
			http.Error(w, wrong, http.StatusBadRequest)
			return
		}
		other, known := s.Also[r.RequestURI]
		switch {
		case r.Method == http.MethodPut && s.TokenURI != "" && r.RequestURI == s.TokenURI:
			io.WriteString(w, Token)
		case r.Method != http.MethodGet:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case known:
			io.WriteString(w, other)
		case r.RequestURI != s.URI:
			w.WriteHeader(http.StatusNotFound)
		case s.TokenURI != "" && r.Header.Get(s.TokenName) != Token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			io.WriteString(w, s.UserData(config))
		}
	})
}
