package dataurl

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/vincent-petithory/dataurl"
)

var dataURLs = []struct {
	source string
	words  string // of the error; "" if it is right
}{
	{"data:,", ""},
	{"data:,hello%20world", ""},
	{"data:,a+b?c;d,e&f=g", ""},
	{"data:text/plain,x", ""},
	{"data:text/,x", ""},
	{"data:textfoo/bar,x", ""},
	{"data:x-a/b,x", ""},
	{"data:X-a/b,x", ""},
	{"data:text/plain;charset=utf-8,x", ""},
	{"data:;a=b;c=%20,x", ""},
	{`data:;a="b c,\"\\",x`, ""},
	{"data:;base64,", ""},
	{"data:;base64,YQ==", ""},
	{"data:;base64,YWI=", ""},
	{"data:;base64,YWJj", ""},
	{"data:;base64,YR==", ""},
	{"data:text/plain;charset=utf-8;base64,YQ==", ""},
	{"data:;base64=x,YQ", ""},
	{"data:", "no comma"},
	{"data:x", "TYPE/SUBTYPE"},
	{"data:text,x", "TYPE/SUBTYPE"},
	{"data:/x,y", "media type is unknown"},
	{"data:font/woff,x", "media type is unknown"},
	{"data:foo/bar,x", "media type is unknown"},
	{"data:xy/z,x", "media type is unknown"},
	{"data:text/plain", "no comma"},
	{"data:text/p(,x", "before the comma"},
	{"data:;,x", "parameters"},
	{"data:;a,x", "parameters"},
	{"data:;a=,x", "parameters"},
	{`data:;a="x`, "parameters"},
	{`data:;a="\n",x`, "parameters"},
	{`data:;a="é",x`, "parameters"},
	{"data:;0=^{,x", ""},
	{"data:;=b,x", "parameters"},
	{"data:;a=%zz,x", "parameters"},
	{"data:;BASE64,YQ==", "parameters"},
	{"data:;base64;a=b,YQ==", "parameters"},
	{"data:;base64,YQ", "cut off"},
	{"data:;base64,Y", "cut off"},
	{"data:;base64,=", "cut off"},
	{"data:;base64,YQ=", "cut off"},
	{"data:;base64,====", "standard alphabet"},
	{"data:;base64,A===", "standard alphabet"},
	{"data:;base64,YQ==YQ==", "standard alphabet"},
	{"data:;base64,-_-_", "standard alphabet"},
	{"data:;base64,YWJj\n", "line breaks or blanks"},
	{"data:;base64,YWJj\nYWJj", "line breaks or blanks in it; write it as one line"},
	{"data:;base64,YWJj YWJj", "line breaks or blanks"},
	{"data:,%zz", "% in the data URL's contents"},
	{"data:,100%", "% in the data URL's contents"},
	{"data:,é", "character in the data URL's contents"},
	{"data:,a b", "character in the data URL's contents"},
	{"data:,a\nb", "character in the data URL's contents"},
	{`data:,"`, "character in the data URL's contents"},
	{"data:,{}", "character in the data URL's contents"},
}

func TestRules(t *testing.T) {
	for _, d := range dataURLs {
		err := Check(d.source)
		if (err == nil) != (d.words == "") || err != nil && !strings.Contains(err.Error(), d.words) {
			t.Errorf("%s: %v, want %q", d.source, err, d.words)
		}
	}
}

// FuzzCheck compares the check with parsing and decoding in earnest.
func FuzzCheck(f *testing.F) {
	for _, d := range dataURLs {
		f.Add(strings.TrimPrefix(d.source, "data:"))
	}
	f.Fuzz(func(t *testing.T, rest string) {
		if strings.ContainsAny(rest, "\"#") {
			return // the exact rules of quotes and fragments in parameters are of no use to anybody
		}
		source := "data:" + rest
		err := Check(source)
		_, parseErr := url.Parse(source)
		want, decodeErr := dataurl.DecodeString(source)
		if parseErr == nil && decodeErr == nil && err != nil {
			t.Errorf("%q is right, but the check says: %v", source, err)
		}
		if (parseErr != nil || decodeErr != nil) && err == nil {
			t.Errorf("%q passes the check, but: %v, %v", source, parseErr, decodeErr)
		}
		if err != nil || decodeErr != nil {
			return
		}
		if got, err := read(source); err != nil || !bytes.Equal(got, want.Data) {
			t.Errorf("%q: got %q, %v, want %q", source, got, err, want.Data)
		}
	})
}

func TestBigURLIsCheckedWithoutMemory(t *testing.T) {
	source := "data:;base64," + strings.Repeat("AAAA", 1<<20)
	if n := testing.AllocsPerRun(3, func() { _ = Check(source) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func read(source string) ([]byte, error) {
	r, err := NewReader(source)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// FuzzEncoding proves that the library escapes the same, and that the library and this package read what is written.
func FuzzEncoding(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("hello, 100% world\n"))
	f.Add(bytes.Repeat([]byte{0, 0xff, '"'}, 40_000))
	f.Fuzz(func(t *testing.T, contents []byte) {
		if got, want := Escape(contents), "data:,"+dataurl.Escape(contents); got != want {
			t.Errorf("%q is escaped as %q, want %q", contents, got, want)
		}
		for _, source := range []string{Encode("", contents), Encode("text/plain;charset=utf-8", contents), Escape(contents)} {
			want, err := dataurl.DecodeString(source)
			got, rerr := read(source)
			if err := errors.Join(err, rerr, Check(source)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want.Data, contents) || !bytes.Equal(got, contents) {
				t.Errorf("%q is not what was written: the library reads %q, we %q", contents, want.Data, got)
			}
		}
	})
}
