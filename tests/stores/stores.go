// Package stores has emulations of stores of secrets that check what they are asked as
// strictly as the real ones: host, method, path, query, every header, the body, and the
// signature or token. What is not as it has to be is an answer with an error, as the real
// ones give it, and one of Problems.
package stores

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A log has what a store was asked.
type log struct {
	mu       sync.Mutex
	requests []string // "METHOD HOST/PATH?QUERY"
	problems []string
}

// Requests returns the requests so far.
func (l *log) Requests() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// Problems returns what was odd about them.
func (l *log) Problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.problems)
}

// odd notes a problem.
func (l *log) odd(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// begin notes a request, and checks its headers: those of all requests, and the given ones,
// whose value is checked elsewhere if it is "*". It returns the body.
func (l *log) begin(r *http.Request, method string, headers map[string]string) (body []byte) {
	l.requests = append(l.requests, r.Method+" "+r.Host+r.URL.RequestURI())
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != method {
		l.odd("%s with a body (%v), want %s", r.Method, err, method)
	}
	want := map[string]string{"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "*"}
	if len(body) > 0 {
		want["Content-Length"] = fmt.Sprint(len(body))
	}
	for name, value := range headers {
		want[name] = value
	}
	for name, values := range r.Header {
		if w, ok := want[name]; !ok || len(values) != 1 || w != "*" && values[0] != w {
			l.odd("the header %s: %q, want %q", name, values, w)
		}
	}
	for name := range want {
		if len(r.Header[name]) == 0 {
			l.odd("the header %s is missing", name)
		}
	}
	if !strings.HasPrefix(r.Header.Get("User-Agent"), "Ignition/") {
		l.odd("the User-Agent is %q", r.Header.Get("User-Agent"))
	}
	return body
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, status int, contentType string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(text)
}
