package fetch_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const (
	hugeSize = 2 << 30
	// mostMemory is of the whole process that fetches, in kB.
	mostMemory = 40 << 10
)

// TestHugeFilesTakeLittleMemory fetches in a process of its own, as the server
// needs memory too.
func TestHugeFilesTakeLittleMemory(t *testing.T) {
	if url := os.Getenv("FETCH_HUGE"); url != "" {
		fetchHuge(t, url)
		return
	}
	asked := 0
	block := make([]byte, 1<<16)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		from := 0
		w.Header().Set("ETag", `"huge"`)
		status, length := http.StatusOK, hugeSize
		if n, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			from, _ = strconv.Atoi(strings.TrimSuffix(n, "-"))
			status, length = http.StatusPartialContent, hugeSize-from
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, hugeSize-1, hugeSize))
		}
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.WriteHeader(status)
		end := hugeSize
		if asked == 1 {
			end = hugeSize / 2 // and then the connection breaks
		}
		for at := from; at < end; {
			n, err := w.Write(block[:min(len(block), end-at)])
			if err != nil {
				return
			}
			at += n
		}
		if end < hugeSize {
			panic(http.ErrAbortHandler)
		}
	})
	child := exec.Command(os.Args[0], "-test.run=^TestHugeFilesTakeLittleMemory$", "-test.v")
	child.Env = append(os.Environ(), "FETCH_HUGE="+srv.URL)
	out, err := child.CombinedOutput()
	if err != nil || asked != 2 {
		t.Fatalf("asked %d times, %v\n%s", asked, err, out)
	}
	t.Logf("%s", out)
}

type countWriter struct{ n *int }

func (c countWriter) Write(p []byte) (int, error) { *c.n += len(p); return len(p), nil }

func fetchHuge(t *testing.T, url string) {
	c, _ := newClient(t)
	n := 0
	if err := c.Fetch(t.Context(), resource(url), countWriter{&n}); err != nil || n != hugeSize {
		t.Fatalf("got %d bytes, %v", n, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var peak int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &peak); err == nil {
			if t.Logf("at most %d kB", peak); peak > mostMemory {
				t.Errorf("that is more than %d kB", mostMemory)
			}
			return
		}
	}
	t.Error("the kernel does not say how much memory was used")
}
