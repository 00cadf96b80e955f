package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// planned runs plan and returns what it prints as JSON.
func planned(t *testing.T, status int, args ...string) planResult {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(append([]string{"plan", "--json"}, args...), nil, &stdout, &stderr); got != status {
		t.Fatalf("plan %q: exit status %d, want %d\n%s%s", args, got, status, &stdout, &stderr)
	}
	var result planResult
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		t.Fatalf("%v in %s", err, &stdout)
	}
	return result
}

// A server of what configs refer to, and a log of the requests to it.
func newPlanServer(t *testing.T) (url string, requests func() string) {
	t.Helper()
	var log testkit.Output
	child := `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/child", "contents": {"source": "URL/there"}}]}}`
	mux := http.NewServeMux()
	serve := func(path string, handler http.HandlerFunc) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(&log, r.Method, r.URL.Path)
			handler(w, r)
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	serve("/child.ign", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.ReplaceAll(child, "URL", s.URL)) })
	serve("/there", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "there")
	})
	serve("/get-only", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "here")
	})
	serve("/gone", http.NotFound)
	return s.URL, log.String
}

func TestPlanAsksServersOnlyIfTold(t *testing.T) {
	t.Chdir(t.TempDir())
	url, requests := newPlanServer(t)
	testkit.WriteFile(t, "all.ign", fmt.Sprintf(`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "%s/child.ign"}]}},
"storage": {"files": [{"path": "/a", "contents": {"source": "%[1]s/get-only", "verification": {"hash": "sha256-%[2]x"}}}, {"path": "/b", "append": [{"source": "s3://bucket/b"}]}]}}`, url, sha256.Sum256([]byte("here"))))

	unasked := planned(t, exitOK, "all.ign")
	if len(unasked.Fetches) != 3 || requests() != "" {
		t.Errorf("without --fetch: %v, requests %s", unasked.Fetches, requests())
	}
	var got []string
	for _, f := range planned(t, exitOK, "--fetch", "all.ign").Fetches {
		got = append(got, strings.TrimPrefix(f.Source, url)+" for "+f.For+" by "+f.Verified+": "+f.Found)
	}
	compare(t, "fetches", strings.Join(got, "\n"), `/child.ign for a config by nothing: fetched
/get-only for /a by its sha256: it is there, 4 bytes
s3://bucket/b for /b by the certificate of the server alone: its server is not asked
/there for /child by nothing: it is there, 5 bytes`)
	for _, want := range []string{"GET /child.ign", "HEAD /there", "HEAD /get-only\n", "GET /get-only"} {
		if !strings.Contains(requests(), want) {
			t.Errorf("no %q in the requests\n%s", want, requests())
		}
	}
	if strings.Contains(requests(), "GET /there") {
		t.Errorf("--fetch has fetched a file:\n%s", requests())
	}
}

func TestPlanComparesHashesIfTold(t *testing.T) {
	t.Chdir(t.TempDir())
	url, _ := newPlanServer(t)
	file := `{"path": %q, "contents": {"source": "%s%s", "verification": {"hash": "sha256-%x"}}}`
	testkit.WriteFile(t, "all.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"files": [`+
		fmt.Sprintf(file, "/right", url, "/there", sha256.Sum256([]byte("there")))+",\n"+fmt.Sprintf(file, "/wrong", url, "/there?token=secret", sha256.Sum256(nil))+`]}}`)
	got := planned(t, exitRefused, "--verify", "all.ign")
	if found := got.Fetches[0].Found; found != "fetched, 5 bytes, with the right hash" {
		t.Errorf("found: %s", found)
	}
	if len(got.Conflicts) != 1 || !strings.Contains(got.Conflicts[0].Cause, "the sha256 of what was fetched") || got.Conflicts[0].Origin.Line != 2 || strings.Contains(fmt.Sprint(got), "secret") {
		t.Errorf("conflicts: %+v", got.Conflicts)
	}
}

func TestWhatIsNotThereIsAConflict(t *testing.T) {
	t.Chdir(t.TempDir())
	url, _ := newPlanServer(t)
	testkit.WriteFile(t, "gone.ign", fmt.Sprintf(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "%s/gone?token=secret"}}]}}`, url))
	got := planned(t, exitRefused, "--fetch", "gone.ign").Conflicts
	if len(got) != 1 || got[0].Operation != "asking for "+url+"/gone?..." || !strings.Contains(got[0].Cause, "404") || got[0].Hint == "" {
		t.Errorf("conflicts: %+v", got)
	}
	planned(t, exitRefused, "--fetch", "--verify", "gone.ign")
}

func TestAPlanWaitsForNoServer(t *testing.T) {
	for set, want := range map[int]int{0: 30, 5: 5, 3600: 30} {
		var settings config.Ignition
		settings.Timeouts.HTTPTotal = &set
		if got := *limitTimeouts(settings).Timeouts.HTTPTotal; got != want || *settings.Timeouts.HTTPTotal != set {
			t.Errorf("%d s: %d, want %d", set, got, want)
		}
	}
}

func TestWhatVerifiesADownload(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com/x":               "the certificate of the server alone",
		"HTTP://example.com/x":                "nothing",
		"tftp://example.com/x":                "nothing",
		"tftp://example.com/x sha512-aa":      "its sha512",
		"gs://bucket/object sha256-aabbccdde": "its sha256",
	} {
		source, hash, hashed := strings.Cut(text, " ")
		r := config.Resource{Source: &source}
		if hashed {
			r.Verification.Hash = &hash
		}
		if got := verification(r); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
