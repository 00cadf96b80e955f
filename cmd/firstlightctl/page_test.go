package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestPageIsServedUntilInterrupted(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "index.html"), "<!doctype html>the page")
	testkit.WriteFile(t, filepath.Join(dir, "other"), "another file")
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- servePage(ctx, pageOptions{"127.0.0.1:0", dir}, w) }()
	url, err := bufio.NewReader(r).ReadString('\n')
	testkit.NoError(t, err)
	url = strings.TrimSpace(url)
	for path, want := range map[string]int{"": http.StatusOK, "other": http.StatusNotFound, "../page.go": http.StatusNotFound} {
		response, err := http.Get(url + path)
		testkit.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		testkit.NoError(t, err)
		response.Body.Close()
		if response.StatusCode != want || (want == http.StatusOK) != (string(body) == "<!doctype html>the page") {
			t.Errorf("%s: status %d, %q", path, response.StatusCode, body)
		}
		if policy := response.Header.Get("Content-Security-Policy"); want == http.StatusOK && policy != "frame-ancestors 'none'" {
			t.Errorf("the policy is %q", policy)
		}
	}
	interrupt()
	testkit.NoError(t, <-done)
}

func TestPageSaysWhyItIsNotServed(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "web", "index.html"), "")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--directory", dir}, `index.html: no such file or directory; "make web" builds it into dist/web: firstlightctl page --directory dist/web`},
		{nil, filepath.Join("share", "firstlight", "web", "index.html")},
		{[]string{"--directory", filepath.Join(dir, "web"), "--listen", "127.0.0.1:none"}, "serving the page: listen tcp"},
	} {
		var stderr bytes.Buffer
		if status := run(append([]string{"page"}, c.args...), nil, io.Discard, &stderr); status != exitError || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: status %d, %s", c.args, status, &stderr)
		}
	}
}
