package providers_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// faults are the ways in which a response can fail, or be slow.
var faults = []struct {
	name  string
	serve func(http.ResponseWriter, *http.Request, http.Handler)
}{
	{"500", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusInternalServerError)
	}},
	{"reset", breaks("", 0)},
	{"broken header", breaks("HTTP/1.1 200 OK\r\nContent-Le", -1)},
	{"truncated body", breaks("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"ignition\":", -1)},
	{"truncated chunk", breaks("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ign\r\n", -1)},
	{"slow", func(w http.ResponseWriter, r *http.Request, h http.Handler) {
		time.Sleep(2 * time.Second)
		h.ServeHTTP(w, r)
	}},
}

// breaks writes some text in the place of a response and ends the connection: with a
// reset if linger is 0.
func breaks(text string, linger int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, text)
		conn.(*net.TCPConn).SetLinger(linger)
		conn.Close()
	}
}

// A flaky service fails at every third request, the first included, each time in the
// next way.
type flaky struct {
	http.Handler
	t *testing.T

	mu    sync.Mutex
	asked int
	next  int // of faults
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fault := faults[f.next%len(faults)]
	fails := f.asked%3 == 0
	f.asked++
	if fails {
		f.next++
	}
	f.mu.Unlock()
	if !fails {
		f.Handler.ServeHTTP(w, r)
		return
	}
	f.t.Logf("%s %s: %s", r.Method, r.RequestURI, fault.name)
	fault.serve(w, r, f.Handler)
}

// Whatever requests it is that fail, those for tokens too, the machine gets its config.
func TestFlakyServicesGiveTheirConfig(t *testing.T) {
	for i, e := range emulations {
		t.Run(e.Platform, func(t *testing.T) {
			cloud := &cloud{emulation: e, data: []answer{answerOf(e, config(e.Platform))}}
			service := &flaky{Handler: cloud, t: t, next: i}
			serve(t, service)
			boot{platform: e.Platform}.run(t).wants(t, "/etc/"+e.Platform)
			if service.next == i {
				t.Error("nothing has failed")
			}
			for _, complaint := range cloud.complaints {
				t.Error(complaint)
			}
		})
	}
}
