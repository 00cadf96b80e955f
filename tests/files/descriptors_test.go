package files_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// mustWithFewDescriptors runs the stage with 64 open files at most.
func (m *machine) mustWithFewDescriptors() {
	m.Helper()
	c := m.stage("files")
	c.Args = append([]string{"sh", "-c", `ulimit -n 64; exec "$@"`, "sh", c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
	if out, err := c.CombinedOutput(); err != nil {
		m.Fatalf("%v\n%.5000s", err, out)
	}
	m.nothingLeft()
}

// flaky answers with the path that it was asked for; the first answer to each is
// cut off in the middle.
func flaky(t *testing.T) (url string) {
	t.Helper()
	var asked sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, before := asked.LoadOrStore(r.URL.Path, true); before {
			fmt.Fprint(w, r.URL.Path)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(r.URL.Path)))
		fmt.Fprint(w, r.URL.Path[:1])
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Downloads wait for their turn by the thousand, and hold no descriptor while they do.
func TestThousandsOfFilesNeedFewDescriptors(t *testing.T) {
	steady, flaky := server(t, 0), flaky(t)
	for name, c := range map[string]struct {
		n    int
		path string
		old  bool // there is a file already
		url  string
	}{
		"in one directory":         {3000, "srv/%d", false, steady},
		"each in its directory":    {1000, "srv/%d/f", true, steady},
		"each in a new directory":  {1000, "srv/%d/f", false, steady},
		"a server that breaks off": {1000, "srv/%d", false, flaky},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			files := make([]string, c.n)
			for i := range files {
				at := fmt.Sprintf(c.path, i)
				files[i] = fmt.Sprintf(`{"path": "/%s", "overwrite": %v, "contents": {"source": "%s/%d"}}`, at, c.old, c.url, i)
				if c.old {
					m.write("root/"+at, "old")
				}
			}
			m.boot(sections(`"storage": {"files": [` + strings.Join(files, ",") + `]}`))
			m.mustWithFewDescriptors()
			for i := range c.n {
				if got, want := m.read("root/"+fmt.Sprintf(c.path, i)), fmt.Sprintf("/%d", i); got != want {
					t.Fatalf("file %d holds %q, want %q", i, got, want)
				}
			}
		})
	}
}

func TestThousandsOfFragmentsNeedFewDescriptors(t *testing.T) {
	const n = 3000
	m, url := newMachine(t), server(t, 0)
	fragments := make([]string, n)
	want := "welcome"
	for i := range fragments {
		fragments[i] = fmt.Sprintf(`{"source": "%s/%d"}`, url, i)
		want += fmt.Sprintf("/%d", i)
	}
	m.boot(sections(`"storage": {"files": [{"path": "/etc/motd", "append": [` + strings.Join(fragments, ",") + `]}]}`))
	m.mustWithFewDescriptors()
	if got := m.read("root/etc/motd"); got != want {
		t.Errorf("got %.500q, want %.500q", got, want)
	}
}

func TestLongPathsNeedFewDescriptors(t *testing.T) {
	m, url := newMachine(t), server(t, 0)
	deep := strings.Repeat("d/", 300)
	m.write("root/"+deep+"f", "old")
	m.boot(sections(fmt.Sprintf(`"storage": {"files": [
		{"path": "/%s%s", "overwrite": true, "contents": {"source": "%s/x"}}, {"path": "/new/%s%[2]s", "contents": {"source": "%[3]s/y"}}]}`, deep, "f", url, deep)))
	m.mustWithFewDescriptors()
	for name, want := range map[string]string{deep + "f": "/x", "new/" + deep + "f": "/y"} {
		if got := m.read("root/" + name); got != want {
			t.Errorf("it holds %q, want %q", got, want)
		}
	}
}
