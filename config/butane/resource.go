package butane

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"path"
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
	case n.Member("age") != nil || n.Member("ageLocal") != nil:
		t.encrypted(n)
		return
	case inline == nil && local == nil:
		return
	case local == nil && source == nil:
		t.encodeText(n, inline, inline.Text)
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
		if compression == "" && t.workstation != nil && t.canDecompress() && len(source) > leastCompressed && shorter(t.workstation.compress(contents), len("gzip")) {
			compression = "gzip"
		}
		if text(n, "compression") != compression || n.Member("compression") == nil {
			n.Set("compression", nodeBuilder{from}.value(compression))
		}
	}
	n.Set("source", nodeBuilder{from}.value(source))
}

// leastCompressed is the length of the shortest data URL of something compressed. Most
// contents are not longer, and a compressor takes more time to begin than all the rest.
const leastCompressed = len("data:;base64,") + 28

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

// localPath returns the path of a local file in Files, which it has to be below.
// Symbolic links may lead elsewhere.
func (t *translation) localPath(n *doc.Node, name string) (string, bool) {
	inside := insidePath(name)
	if inside == ".." || strings.HasPrefix(inside, "../") {
		t.error(config.RuleLocalOutside, n.Origin(), "%q is outside %s; local paths lead to files below it", name, t.filesPlace())
		return "", false
	}
	return inside, true
}

// insidePath is the path in Files of a local file that a document names.
func insidePath(name string) string { return path.Join(".", filepath.ToSlash(name)) }

// filesPlace names the place of local files in messages.
func (t *translation) filesPlace() string {
	if t.FilesDir == "" {
		return "the local files"
	}
	return "the files directory " + strconv.Quote(t.FilesDir)
}

func (t *translation) noFilesDir(at config.Origin) {
	t.error(config.RuleLocalFilesDir, at, "local files need a files directory, and there is none; set one with --files-dir. A machine that reads this config itself has none")
}

// local reads the file that n names.
func (t *translation) local(n *doc.Node) ([]byte, bool) {
	if t.Files == nil {
		t.noFilesDir(n.Origin())
		return nil, false
	}
	return t.workstation.readLocal(t, n)
}

func (t *translation) readLocal(n *doc.Node) ([]byte, bool) {
	inside, ok := t.localPath(n, n.Text)
	if !ok {
		return nil, false
	}
	contents, err := fs.ReadFile(t.Files, inside)
	if err != nil {
		t.localError(n, n.Text, err)
		return nil, false
	}
	return contents, true
}

// localError reports in the words of the config why a local file or tree cannot be read.
func (t *translation) localError(n *doc.Node, name string, err error) {
	inside := insidePath(name)
	what := shown(name) + " in " + t.filesPlace()
	switch target, _ := fs.ReadLink(t.Files, inside); {
	case t.FilesDir != "" && !t.isDirectory("."):
		what = "there is no directory " + strconv.Quote(t.FilesDir) + ", which --files-dir names"
	case inside == ".":
		what = "this names no file in " + t.filesPlace()
	case target != "" && errors.Is(err, fs.ErrNotExist):
		what += " is a link to " + strconv.Quote(target) + ", which is not there"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		what = "there is no " + what
	case t.isDirectory(inside):
		what += " is a directory, not a file; storage.trees copies directories"
	default:
		what += " cannot be read: " + withoutPath(err).Error()
	}
	if slashed := strings.ReplaceAll(name, `\`, "/"); slashed != name && t.exists(insidePath(slashed)) {
		what += "; write it with slashes, which Windows reads, too: " + shown(slashed)
	}
	if filepath.IsAbs(name) {
		what += "; " + strconv.Quote(name) + " is looked for below the files directory too, as all local paths are"
	}
	t.error(config.RuleLocalUnreadable, n.Origin(), "%s", what)
}

// shown is the name of a local file in messages, below the files directory.
func shown(name string) string {
	name = strings.TrimLeft(name, "/")
	if quoted := strconv.Quote(name); strings.Contains(name, " ") || len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}

func (t *translation) exists(inside string) bool {
	_, err := fs.Stat(t.Files, inside)
	return err == nil
}

func (t *translation) isDirectory(inside string) bool {
	info, err := fs.Stat(t.Files, inside)
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
