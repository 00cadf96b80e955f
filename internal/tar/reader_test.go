package tar

import (
	std "archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// describe reads all of an archive, as this package does it.
func describe(body []byte) (string, error) {
	var b strings.Builder
	r := NewReader(bytes.NewReader(body))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%q %c %q %o %d:%d %v %q", h.Name, h.Kind, h.Target, h.Mode, h.UID, h.GID, h.Modified.UTC(), h.Extended)
		if err := contents(&b, h.Size, r); err != nil {
			return b.String(), err
		}
	}
}

// describeStd is describe by the package archive/tar.
func describeStd(body []byte) (string, error) {
	var b strings.Builder
	r := std.NewReader(bytes.NewReader(body))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch h.Typeflag {
		case std.TypeXGlobalHeader:
			continue
		case std.TypeCont, std.TypeGNUSparse:
			h.Typeflag = std.TypeReg
		case std.TypeLink, std.TypeSymlink, std.TypeChar, std.TypeBlock, std.TypeDir, std.TypeFifo:
			h.Size = 0
		}
		extended := map[string]string{}
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok && value != "" {
				extended[attributeNames.Replace(name)] = value
			}
		}
		fmt.Fprintf(&b, "%q %c %q %o %d:%d %v %q", h.Name, h.Typeflag, h.Linkname, h.Mode, h.Uid, h.Gid, h.ModTime.UTC(), extended)
		if err := contents(&b, h.Size, r); err != nil {
			return b.String(), err
		}
	}
}

// tooMuch is more than tests have, in bytes: a sparse file can be of any size.
const tooMuch = 4 << 20

func contents(b *strings.Builder, size int64, r io.Reader) error {
	fmt.Fprintf(b, " %d bytes", size)
	text, err := io.ReadAll(io.LimitReader(r, tooMuch))
	fmt.Fprintf(b, " %q\n", bytes.TrimRight(text, "\x00"))
	if err == nil && int64(len(text)) != min(size, tooMuch) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// seeds are archives of all formats.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	long := strings.Repeat("directory/", 20) + "name"
	headers := []std.Header{{Name: "dir/", Typeflag: std.TypeDir, Mode: 0o755}, {Name: "file", Size: 5, Mode: 0o4644, Uid: 1000, Gid: 50}, {Name: "link", Typeflag: std.TypeSymlink, Linkname: "file"},
		{Name: "hard", Typeflag: std.TypeLink, Linkname: "file"}, {Name: "dev", Typeflag: std.TypeChar, Devmajor: 1, Devminor: 3}, {Name: "pipe", Typeflag: std.TypeFifo}}
	extended := append(slices.Clone(headers), std.Header{Name: long, Size: 5, Uid: 1 << 30}, std.Header{Name: "l", Typeflag: std.TypeSymlink, Linkname: long})
	all := map[string][]byte{"nothing": nil, "zeros": make([]byte, 1024)}
	for name, c := range map[string]struct {
		format  std.Format
		headers []std.Header
	}{"ustar": {std.FormatUSTAR, append(slices.Clone(headers), std.Header{Name: strings.Repeat("p", 120) + "/" + strings.Repeat("n", 90)})}, "pax": {std.FormatPAX, extended}, "gnu": {std.FormatGNU, extended}} {
		var b bytes.Buffer
		w := std.NewWriter(&b)
		for _, h := range c.headers {
			h.Format, h.ModTime = c.format, time.Unix(1_500_000_000, 0)
			if c.format == std.FormatPAX {
				h.ModTime = time.Unix(1_500_000_000, 123_456_789)
				h.PAXRecords = map[string]string{"SCHILY.xattr.user.kind": "x"}
			}
			testkit.NoError(t, w.WriteHeader(&h))
			if h.Size > 0 {
				_, err := io.WriteString(w, "hello")
				testkit.NoError(t, err)
			}
		}
		testkit.NoError(t, w.Close())
		all[name] = b.Bytes()
	}
	dir := t.TempDir()
	sparse, err := os.Create(dir + "/sparse")
	testkit.NoError(t, err)
	for _, at := range []int64{0, 64 << 10, 200 << 10, 300 << 10, 400 << 10, 500 << 10, 700 << 10} {
		_, err := sparse.WriteAt([]byte("part"), at)
		testkit.NoError(t, err)
	}
	testkit.NoError(t, errors.Join(sparse.Truncate(1<<20), sparse.Close()))
	testkit.WriteFile(t, dir+"/empty-end", "x")
	testkit.NoError(t, os.Truncate(dir+"/empty-end", 300<<10))
	if _, err := exec.LookPath("tar"); err != nil {
		t.Log("there is no tar here")
		return all
	}
	for name, flags := range map[string]string{"sparse of gnu": "--sparse --format=gnu", "sparse 0.0": "--sparse --format=pax --sparse-version=0.0", "sparse 0.1": "--sparse --format=pax --sparse-version=0.1",
		"sparse 1.0": "--sparse --format=pax --sparse-version=1.0", "v7": "--format=v7", "old gnu": "--sparse --format=oldgnu"} {
		out, err := exec.Command("tar", append(strings.Fields(flags), "-cf", "-", "-C", dir, "sparse", "empty-end")...).Output()
		testkit.NoError(t, err)
		all[name] = out
	}
	return all
}

func TestArchivesAreReadAsByTheStandardLibrary(t *testing.T) {
	for name, body := range seeds(t) {
		got, err := describe(body)
		want, wantErr := describeStd(body)
		if err != nil || wantErr != nil || got != want {
			t.Errorf("%s: %v, %v; got\n%.2000s\nwant\n%.2000s", name, err, wantErr, got, want)
		}
	}
}

func TestExtendedAttributes(t *testing.T) {
	for name, c := range map[string]struct {
		records  map[string]string
		extended map[string]string
		others   []string
	}{
		"GNU tar's": {map[string]string{"SCHILY.xattr.user.a%3Db%25%3D": "1=2\x00\n", "SCHILY.xattr.security.capability": "\x01"},
			map[string]string{"user.a=b%=": "1=2\x00\n", "security.capability": "\x01"}, nil},
		"both forms":           {map[string]string{"SCHILY.xattr.user.a": "1", "LIBARCHIVE.xattr.user.a": "MQ"}, map[string]string{"user.a": "1"}, nil},
		"libarchive's alone":   {map[string]string{"LIBARCHIVE.xattr.user.a": "MQ"}, nil, []string{"LIBARCHIVE.xattr.user.a"}},
		"an ACL, and another":  {map[string]string{"SCHILY.acl.access": "user::rw-", "SCHILY.xattr.user.a": "1"}, map[string]string{"user.a": "1"}, []string{"SCHILY.acl.access"}},
		"something else of it": {map[string]string{"SCHILY.fflags": "x", "comment": "y"}, nil, nil},
	} {
		records := ""
		for key, value := range c.records {
			records += record(key, value)
		}
		h := Header{}
		read, _, err := readRecords([]byte(records))
		testkit.NoError(t, err)
		testkit.NoError(t, (&Reader{}).complete(&h, read, nil, "", ""))
		if !maps.Equal(h.Extended, c.extended) || !slices.Equal(h.Others, c.others) {
			t.Errorf("%s: got %q and %q", name, h.Extended, h.Others)
		}
	}
}

// record is one of pax.
func record(key, value string) string {
	text := " " + key + "=" + value + "\n"
	n := len(text)
	for n != len(text)+len(strconv.Itoa(n)) {
		n = len(text) + len(strconv.Itoa(n))
	}
	return strconv.Itoa(n) + text
}

func TestDamagedArchives(t *testing.T) {
	whole := seeds(t)["pax"]
	change := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"cut in a header":        {whole[:700], io.ErrUnexpectedEOF},
		"cut in the contents":    {whole[:512+100], io.ErrUnexpectedEOF},
		"another checksum":       {change(150, '7'), ErrForm},
		"another byte":           {change(0, 'x'), ErrForm},
		"no archive":             {bytes.Repeat([]byte("text "), 300), ErrForm},
		"more after one block":   {append(make([]byte, 512), whole...), ErrForm},
		"a record without a key": {change(512+3, '='), ErrForm},
		"parts without an end":   {endless(), ErrForm},
	} {
		if _, err := describe(c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// endless is a sparse file of GNU tar with blocks of parts that have no parts.
func endless() []byte {
	var b bytes.Buffer
	w := std.NewWriter(&b)
	w.WriteHeader(&std.Header{Name: "sparse", Size: 1, Format: std.FormatGNU})
	head := b.Bytes()[:512]
	head[156], head[482] = sparseFile, 1
	sum := 0
	for i, c := range head {
		if 148 <= i && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	more := make([]byte, 512)
	more[504] = 1
	return append(head, bytes.Repeat(more, maxMeta/512+10)...)
}

// What the standard library reads, this package reads in the same way.
func FuzzReader(f *testing.F) {
	for _, body := range seeds(f) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := describe(body)
		want, wantErr := describeStd(body)
		if wantErr == nil && err == nil && got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
