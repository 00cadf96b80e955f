package main

import (
	"bufio"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// specVersion is the newest that the packaged reference reads.
const specVersion = "3.3.0"

const directories = 100

// paths is how many entries with a path a config of n files has: the files,
// the directories, and a link for every fifth file.
func paths(n int) int { return n + directories + n/5 }

// A configFile is a generated config on disk.
type configFile struct {
	path string
	size int64 // in bytes
}

// writeConfig generates into a file. Nothing large is held in memory: the
// kernel takes the peak of this process for the least peak of its children.
func writeConfig(dir, name string, generate func(io.Writer)) (configFile, error) {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return configFile{}, err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	generate(w)
	if err := w.Flush(); err != nil {
		return configFile{}, fmt.Errorf("writing %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return configFile{}, err
	}
	return configFile{path, info.Size()}, f.Close()
}

// filesConfig generates a config with n files in 100 directories, n/5 links
// and n/25 units. Errors of the writer show when it is flushed.
func filesConfig(n int) func(io.Writer) { return filesBelow("/etc", n) }

// filesBelow is filesConfig with another directory than /etc. It says nothing
// about hashes there, as these files are written.
func filesBelow(top string, n int) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
		list(w, "files", n, func(i int) {
			hash := ""
			if top == "/etc" {
				hash = fmt.Sprintf(`, "verification": {"hash": "sha512-%x"}`, sha512.Sum512(fmt.Appendf(nil, "file %d", i)))
			}
			fmt.Fprintf(w, `{"path": "%s/d%d/f%d", "mode": 420, "user": {"id": %d}, "contents": {"source": "data:,file%%20%d"%s}}`, top, i%directories, i, i%7, i, hash)
		})
		io.WriteString(w, ",\n")
		list(w, "directories", directories, func(i int) {
			fmt.Fprintf(w, `{"path": "%s/d%d", "mode": 493}`, top, i)
		})
		io.WriteString(w, ",\n")
		list(w, "links", n/5, func(i int) {
			fmt.Fprintf(w, `{"path": "%s/l%d", "target": "d%d/f%d"}`, top, i, i%directories, i)
		})
		io.WriteString(w, "},\n\"systemd\": {")
		list(w, "units", n/25, func(i int) {
			fmt.Fprintf(w, `{"name": "u%d.service", "enabled": true, "contents": "[Unit]\nDescription=Unit %d\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}`, i, i)
		})
		io.WriteString(w, "}}\n")
	}
}

func list(w io.Writer, name string, n int, item func(i int)) {
	fmt.Fprintf(w, "%q: [", name)
	for i := range n {
		if i > 0 {
			io.WriteString(w, ",\n")
		}
		item(i)
	}
	io.WriteString(w, "]")
}

// dataURLConfig generates a config with one file of so many bytes. They are
// random, but the same each time.
func dataURLConfig(path string, size int64) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {"files": [{"path": %q, "contents": {"source": "data:;base64,`, specVersion, path)
		encoder := base64.NewEncoder(base64.StdEncoding, w)
		io.CopyN(encoder, rand.NewChaCha8([32]byte{}), size)
		encoder.Close()
		io.WriteString(w, "\"}}]}}\n")
	}
}
