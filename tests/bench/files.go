package main

import (
	"compress/gzip"
	"context"
	"crypto/sha512"
	"errors"
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
	hugeSize    = 1 << 30               // bytes
)

// filesResults are what the stages fetch and files took together.
type filesResults struct {
	remote, small, inline, huge, hugePacked []sample
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
	packed, hash, err := b.packHuge()
	if err != nil {
		return nil, err
	}
	url, stop, err := serve(packed)
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
		{&r.huge, "huge.ign", hugeConfig(url+"/huge", "", hash), 1, hugeSize},
		{&r.hugePacked, "packed.ign", hugeConfig(url+"/packed", "gzip", hash), 1, hugeSize},
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

// packHuge writes the huge file in gzip, and returns the hash of its contents.
func (b *bencher) packHuge() (name, hash string, err error) {
	name = filepath.Join(b.dir, "huge.gz")
	f, err := os.Create(name)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	packer, sum, block := gzip.NewWriter(f), sha512.New(), make([]byte, remoteSize)
	for range hugeSize / remoteSize {
		sum.Write(block)
		if _, err := packer.Write(block); err != nil {
			return "", "", err
		}
	}
	return name, fmt.Sprintf("sha512-%x", sum.Sum(nil)), errors.Join(packer.Close(), f.Close())
}

// serve is a server that answers after its latency, as one that is far away. It has the
// file packed, if that is not "", at /packed.
func serve(packed string) (url string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	block := make([]byte, remoteSize)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		if r.URL.Path == "/packed" {
			http.ServeFile(w, r, packed)
			return
		}
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

func hugeConfig(url, compression, hash string) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {"files": [{"path": "/bench/huge", "contents": {"source": %q, "compression": %q, "verification": {"hash": %q}}}]}}`, specVersion, url, compression, hash)
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
	most := table.Goal{Kind: table.AtMost, Limit: 32e6}
	return append(rows,
		memoryOfSize("fetch and files, 32 MiB in a data URL", "the bytes", r.inline, dataURLSize, table.Goal{Kind: table.AtMost, Limit: 3}),
		memory("fetch and files, a remote file of 1 GiB with its hash", r.huge, most),
		memory("fetch and files, a remote file of 1 GiB with its hash, in gzip", r.hugePacked, most),
	)
}
