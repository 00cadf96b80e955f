package config

import (
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
	{"data:;base64,YWJj\n", "standard alphabet"},
	{"data:,%zz", "% in the data URL's contents"},
	{"data:,100%", "% in the data URL's contents"},
	{"data:,é", "character in the data URL's contents"},
	{"data:,a b", "character in the data URL's contents"},
	{"data:,a\nb", "character in the data URL's contents"},
	{`data:,"`, "character in the data URL's contents"},
	{"data:,{}", "character in the data URL's contents"},
}

func TestDataURLRules(t *testing.T) {
	for _, d := range dataURLs {
		err := checkDataURL(d.source)
		if (err == nil) != (d.words == "") || err != nil && !strings.Contains(err.Error(), d.words) {
			t.Errorf("%s: %v, want %q", d.source, err, d.words)
		}
	}
}

// FuzzDataURL compares the check with parsing and decoding in earnest.
func FuzzDataURL(f *testing.F) {
	for _, d := range dataURLs {
		f.Add(strings.TrimPrefix(d.source, "data:"))
	}
	f.Fuzz(func(t *testing.T, rest string) {
		if strings.ContainsAny(rest, "\"#") {
			return // the exact rules of quotes and fragments in parameters are of no use to anybody
		}
		source := "data:" + rest
		err := checkDataURL(source)
		_, parseErr := url.Parse(source)
		_, decodeErr := dataurl.DecodeString(source)
		if parseErr == nil && decodeErr == nil && err != nil {
			t.Errorf("%q is right, but the check says: %v", source, err)
		}
		if (parseErr != nil || decodeErr != nil) && err == nil {
			t.Errorf("%q passes the check, but: %v, %v", source, parseErr, decodeErr)
		}
	})
}

func TestBigDataURLIsCheckedWithoutMemory(t *testing.T) {
	source := "data:;base64," + strings.Repeat("AAAA", 1<<20)
	if n := testing.AllocsPerRun(3, func() { _ = checkDataURL(source) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
