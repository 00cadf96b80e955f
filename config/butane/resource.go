package butane

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// resource gives a resource with inline or local contents a source.
func (t *translation) resource(n *doc.Node) {
	if inline := n.Member("inline"); inline != nil {
		t.encode(n, inline, []byte(inline.Text))
	}
	if local := n.Member("local"); local != nil {
		if contents, ok := t.local(local); ok {
			t.encode(n, local, contents)
		}
	}
}

// encode makes contents the source of the resource n: as a data URL, in the
// shortest of the ways that there are. The contents come from the key from.
func (t *translation) encode(n, from *doc.Node, contents []byte) {
	source := "," + escape(contents)
	shorter := func(b []byte, spare int) bool {
		url := ";base64," + base64.StdEncoding.EncodeToString(b)
		if len(url)+spare >= len(source) {
			return false
		}
		source = url
		return true
	}
	compression := text(n, "compression")
	if t.Spec > config.V3_0 {
		shorter(contents, 0)
		// It must spare what it takes to say "gzip".
		if compression == "" && t.compresses() && shorter(t.compressed(contents), len("gzip")) {
			compression = "gzip"
		}
		if text(n, "compression") != compression || n.Member("compression") == nil {
			n.Set("compression", maker{from}.value(compression))
		}
	}
	n.Set("source", maker{from}.value("data:"+source))
}

// compresses tells whether the system can decompress. OpenShift could not.
func (t *translation) compresses() bool { return t.release == 0 || t.release >= 10 }

func (t *translation) compressed(contents []byte) []byte {
	var b bytes.Buffer
	if t.zip == nil {
		// The level is a valid one.
		t.zip, _ = gzip.NewWriterLevel(nil, gzip.BestCompression)
	}
	// Writing to a buffer does not fail.
	t.zip.Reset(&b)
	t.zip.Write(contents)
	t.zip.Close()
	return b.Bytes()
}

// escape is RFC 2397's encoding of what may not stand in a URL (RFC 3986).
func escape(contents []byte) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range contents {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// localPath is where a file of the desk is, if it is below the files directory.
// Symbolic links in there may lead out of it.
func (t *translation) localPath(n *doc.Node, name string) (string, bool) {
	if t.FilesDir == "" {
		t.noFilesDir(n.Origin())
		return "", false
	}
	path := filepath.Join(t.FilesDir, name)
	inside, err := filepath.Rel(t.FilesDir, path)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		t.error(n.Origin(), "%q is outside the files directory %s", name, t.FilesDir)
		return "", false
	}
	return path, true
}

func (t *translation) noFilesDir(at config.Origin) {
	t.error(at, "local files need a files directory, and there is none; give one with --files-dir. A machine that reads this itself has none")
}

// local reads the file that n names.
func (t *translation) local(n *doc.Node) ([]byte, bool) {
	path, ok := t.localPath(n, n.Text)
	if !ok {
		return nil, false
	}
	contents, err := os.ReadFile(path)
	if err != nil {
		t.error(n.Origin(), "%v", err)
		return nil, false
	}
	return contents, true
}
