package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/tests/bench/table"
)

const (
	remoteFiles = 200
	remoteSize  = 64 << 10              // bytes of each
	latency     = 20 * time.Millisecond // of the server
	hugeSize    = 2 << 30               // bytes
)

// filesResults are what the stages fetch and files took together.
type filesResults struct {
	remote, small, inline, huge []sample
}

// provisionWork is the stages fetch and files, one after the other as in a boot.
// Afterwards the root holds so many files of the config, with so many bytes.
func provisionWork(c configFile, files int, bytes int64) work {
	stage := func(t tool, dir, name string) string {
		return strings.Join(t.stage, " ") + " -stage=" + name + " -platform=file -log-to-stdout -root=" + filepath.Join(dir, "root") +
			" -config-cache=" + cacheOf(dir) + " -state-file=" + filepath.Join(dir, "state") + " -neednet=" + filepath.Join(dir, "neednet")
	}
	return work{name: "files", config: c.path,
		args: func(t tool, dir string) []string {
			return []string{"sh", "-e", "-c", "PATH=" + dir + "/root/bin:$PATH; " + stage(t, dir, "fetch") + "; " + stage(t, dir, "files")}
		},
		before: writeRoot,
		check:  func(dir string) error { return checkTree(filepath.Join(dir, "root/bench"), files, bytes) },
	}
}

// writeRoot makes a root with what the reference cannot do without: a policy, and
// the program that labels for it, which does nothing here.
func writeRoot(_ context.Context, _ *bencher, _ tool, dir string) error {
	for name, text := range map[string]string{
		"etc/passwd":         "root:x:0:0::/root:/bin/sh\n",
		"etc/selinux/config": "SELINUXTYPE=none\n",
		"bin/setfiles":       "#!/bin/sh\nexec cat >/dev/null\n",
	} {
		at := filepath.Join(dir, "root", name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// checkTree reports whether all was written.
func checkTree(root string, files int, bytes int64) error {
	found, size := 0, int64(0)
	err := filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		found, size = found+1, size+info.Size()
		return nil
	})
	if err == nil && (found != files || bytes > 0 && size != bytes) {
		err = fmt.Errorf("the root has %d files of %d bytes, the config has %d of %d", found, size, files, bytes)
	}
	return err
}

// files measures what the files stage is about.
func (b *bencher) files(ctx context.Context) (*filesResults, error) {
	url, stop, err := serve()
	if err != nil {
		return nil, err
	}
	defer stop()
	r := new(filesResults)
	for _, m := range []struct {
		to       *[]sample
		name     string
		generate func(io.Writer)
		files    int
		bytes    int64
	}{
		{&r.remote, "remote.ign", remoteConfig(url), remoteFiles, remoteFiles * remoteSize},
		{&r.small, "small.ign", filesBelow("/bench", fewFiles), fewFiles, 0},
		{&r.inline, "inline.ign", dataURLConfig("/bench/big", dataURLSize), 1, dataURLSize},
		{&r.huge, "huge.ign", hugeConfig(url), 1, hugeSize},
	} {
		c, err := writeConfig(b.dir, m.name, m.generate)
		if err != nil {
			return nil, err
		}
		if *m.to, err = b.inTurn(ctx, b.each(provisionWork(c, m.files, m.bytes))); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// serve is a server that answers after its latency, as one that is far away.
func serve() (url string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	block := make([]byte, remoteSize)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		size := remoteSize
		if r.URL.Path == "/huge" {
			size = hugeSize
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		for ; size > 0; size -= len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})}
	go server.Serve(listener) // it ends with an error when it is stopped
	return "http://" + listener.Addr().String(), server.Close, nil
}

func remoteConfig(url string) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
		list(w, "files", remoteFiles, func(i int) {
			fmt.Fprintf(w, `{"path": "/bench/%d", "contents": {"source": "%s/%d"}}`, i, url, i)
		})
		io.WriteString(w, "}}\n")
	}
}

func hugeConfig(url string) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {"files": [{"path": "/bench/huge", "contents": {"source": "%s/huge"}}]}}`, specVersion, url)
	}
}

// rows sets them against the goals.
func (r *filesResults) rows() []table.Row {
	rows := []table.Row{
		wallTime("fetch and files, 200 remote files, 64 KiB each, 20 ms away", r.remote, table.Goal{Kind: table.AtLeastTimes, Limit: 10}),
		wallTime("fetch and files, 5,000 small files, 1,000 links, 200 units", r.small, table.Goal{Kind: table.AtLeastTimes, Limit: 6}),
		wallTime("fetch and files, 32 MiB in a data URL", r.inline, table.Goal{Kind: table.AtLeastTimes, Limit: 8}),
	}
	rows = append(rows, memory("fetch and files, 32 MiB in a data URL", r.inline, table.Goal{Kind: table.AtLeastTimes, Limit: 2}))
	return append(rows, memory("fetch and files, a remote file of 2 GiB", r.huge, table.Goal{Kind: table.Under, Limit: 40e6}))
}
