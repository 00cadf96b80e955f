package butane

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// resource sets the source of a resource with inline or local contents.
func (t *translation) resource(n *doc.Node) {
	switch inline, local, source := n.Member("inline"), n.Member("local"), n.Member("source"); {
	case inline == nil && local == nil:
		return
	case local == nil && source == nil:
		t.encode(n, inline, []byte(inline.Text))
		return
	case inline == nil && source == nil:
		if contents, ok := t.local(local); ok {
			t.encode(n, local, contents)
			return
		}
	}
	// What the contents should be was reported. Nothing else is to be said of them.
	n.Remove("compression")
	n.Remove("verification")
	t.encode(n, n, nil)
}

// encode sets the source of the resource n to a data URL of contents, in the
// shortest encoding. Its origin is that of from.
func (t *translation) encode(n, from *doc.Node, contents []byte) {
	source := dataurl.Escape(contents)
	shorter := func(b []byte, spare int) bool {
		url := dataurl.Encode("", b)
		if len(url)+spare >= len(source) {
			return false
		}
		source = url
		return true
	}
	compression := text(n, "compression")
	if t.Spec > config.V3_0 {
		shorter(contents, 0)
		// Compression has to save more than "gzip" takes.
		if compression == "" && t.compress != nil && t.canDecompress() && shorter(t.compress(contents), len("gzip")) {
			compression = "gzip"
		}
		if text(n, "compression") != compression || n.Member("compression") == nil {
			n.Set("compression", nodeBuilder{from}.value(compression))
		}
	}
	n.Set("source", nodeBuilder{from}.value(source))
}

// canDecompress reports whether the system can decompress; OpenShift before 4.10
// could not.
func (t *translation) canDecompress() bool { return t.release == 0 || t.release >= 10 }

// gzipCompressor returns a function that compresses with one writer for all calls.
func gzipCompressor() func([]byte) []byte {
	var w *gzip.Writer
	return func(contents []byte) []byte {
		var b bytes.Buffer
		if w == nil {
			w, _ = gzip.NewWriterLevel(nil, gzip.BestCompression) // a valid level
		}
		// Writing to a buffer does not fail.
		w.Reset(&b)
		w.Write(contents)
		w.Close()
		return b.Bytes()
	}
}

// localPath returns the path of a local file, which has to be below the files
// directory. Symbolic links below it may lead elsewhere.
func (t *translation) localPath(n *doc.Node, name string) (string, bool) {
	if t.FilesDir == "" {
		t.noFilesDir(n.Origin())
		return "", false
	}
	path := filepath.Join(t.FilesDir, name)
	inside, err := filepath.Rel(t.FilesDir, path)
	if err != nil || inside == ".." || strings.HasPrefix(inside, "../") {
		t.error(n.Origin(), "%q is outside the files directory %q; local paths lead to files below it", name, t.FilesDir)
		return "", false
	}
	return path, true
}

func (t *translation) noFilesDir(at config.Origin) {
	t.error(at, "local files need a files directory, and there is none; set one with --files-dir. A machine that reads this config itself has none")
}

// local reads the file that n names.
func (t *translation) local(n *doc.Node) ([]byte, bool) {
	path, ok := t.localPath(n, n.Text)
	if !ok {
		return nil, false
	}
	contents, err := os.ReadFile(path)
	if err != nil {
		t.localError(n, n.Text, err)
		return nil, false
	}
	return contents, true
}

// localError reports in the words of the config why a local file or tree cannot be read.
func (t *translation) localError(n *doc.Node, name string, err error) {
	path, directory := filepath.Join(t.FilesDir, name), strconv.Quote(t.FilesDir)
	what := shown(name) + " in the files directory " + directory
	switch target, _ := os.Readlink(path); {
	case !isDirectory(t.FilesDir):
		what = "there is no directory " + directory + ", which --files-dir names"
	case filepath.Clean(path) == filepath.Clean(t.FilesDir):
		what = "this names no file in the files directory " + directory
	case target != "" && errors.Is(err, fs.ErrNotExist):
		what += " is a link to " + strconv.Quote(target) + ", which is not there"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		what = "there is no " + what
	case errors.Is(err, syscall.EISDIR):
		what += " is a directory, not a file; storage.trees copies directories"
	default:
		what += " cannot be read: " + withoutPath(err).Error()
	}
	if filepath.IsAbs(name) {
		what += "; " + strconv.Quote(name) + " is looked for below the files directory too, as all local paths are"
	}
	t.error(n.Origin(), "%s", what)
}

// shown is the name of a local file in messages, below the files directory.
func shown(name string) string {
	name = strings.TrimLeft(name, "/")
	if quoted := strconv.Quote(name); strings.Contains(name, " ") || len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// withoutPath returns what the system has said.
func withoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
