package providers_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/firstlight-os/firstlight/internal/emulator"
)

// An answer is what a service says to one request.
type answer struct {
	status int // 200 if 0
	body   string
	after  string // Retry-After
}

// An emulation is a metadata service as its vendor describes it.
type emulation = emulator.Service

// A cloud is an emulation at work. After the last answer it repeats it.
type cloud struct {
	emulation
	tokens []answer
	// data are the answers of the first host, and of the second if it has others.
	data, second []answer
	// forgets is after how many uses a token is not known any more.
	forgets int

	mu         sync.Mutex
	asked      []string
	complaints []string
	given      int
	uses       int
}

// start serves until the test is over.
func (c *cloud) start(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		for _, complaint := range c.complaints {
			t.Error(complaint)
		}
	})
	serve(t, c)
}

// serve answers at port 80 of all addresses until the test is over.
func serve(t *testing.T, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close(); l.Close() })
}

// local is the address that a request came to.
func local(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	return host
}

// port is the one that a request came from.
func port(r *http.Request) uint16 {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		panic(err)
	}
	return from.Port()
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host == azureFabricAddress { // it is told of failures, and is no part of this
		w.WriteHeader(http.StatusForbidden)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, r.Method+" "+r.RequestURI)
	if complaint := c.complain(r); complaint != "" {
		c.complaints = append(c.complaints, fmt.Sprintf("%s of %s: %s", r.Method, r.RequestURI, complaint))
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch {
	case r.Method == http.MethodPut && c.TokenURI != "" && r.RequestURI == c.TokenURI:
		c.given, c.uses = c.given+1, 0
		next(&c.tokens).write(w, fmt.Sprintf("token-%d", c.given))
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case c.Also[r.RequestURI] != "":
		fmt.Fprint(w, c.Also[r.RequestURI])
	case r.RequestURI != c.URI:
		w.WriteHeader(http.StatusNotFound)
	case !c.knows(r):
		w.WriteHeader(http.StatusUnauthorized)
	case c.second != nil && local(r) != c.Hosts[0]:
		next(&c.second).write(w, "")
	default:
		next(&c.data).write(w, "")
	}
}

// complain says what no request of an agent that is right has.
func (c *cloud) complain(r *http.Request) string {
	if wrong := c.WrongHeader(r); wrong != "" {
		return wrong
	}
	host := strings.Trim(r.Host, "[]")
	switch {
	case !strings.HasPrefix(r.Header.Get("User-Agent"), "Ignition/"):
		return "the user agent is " + r.Header.Get("User-Agent")
	case r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "":
		return "it came through a proxy"
	case c.LowPort && port(r) >= 1024:
		return "it came from " + r.RemoteAddr
	case !contains(c.Hosts, local(r)) || host != local(r):
		return fmt.Sprintf("it came to %s for %s", local(r), r.Host)
	}
	return ""
}

// knows reports whether a request shows the token that was given last, where
// there are tokens.
func (c *cloud) knows(r *http.Request) bool {
	shown := r.Header.Get(c.TokenName)
	if c.TokenURI == "" || c.given == 0 || shown == "" && c.v1() {
		return c.TokenURI == "" || c.v1()
	}
	c.uses++
	return shown == fmt.Sprintf("token-%d", c.given) && (c.forgets == 0 || c.uses <= c.forgets)
}

// v1 reports whether the service gives no tokens.
func (c *cloud) v1() bool {
	return len(c.tokens) > 0 && c.tokens[len(c.tokens)-1].status >= 400
}

func (a answer) write(w http.ResponseWriter, body string) {
	if a.after != "" {
		w.Header().Set("Retry-After", a.after)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
		body = ""
	}
	fmt.Fprint(w, a.body+body)
}

// next takes an answer from a queue, but the last one stays. Of no queue it is
// success.
func next(queue *[]answer) answer {
	if len(*queue) == 0 {
		return answer{}
	}
	a := (*queue)[0]
	if len(*queue) > 1 {
		*queue = (*queue)[1:]
	}
	return a
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// requests are what was asked, in order.
func (c *cloud) requests() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.asked, ", ")
}
