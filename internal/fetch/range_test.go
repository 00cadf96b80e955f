package fetch

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/http"
)

func TestContentRange(t *testing.T) {
	for text, want := range map[string][2]int64{
		"bytes 5-9/10":                      {5, 10},
		"bytes 0-0/1":                       {0, 1},
		"Bytes 5-9/*":                       {5, -1},
		"bytes 9-5/10":                      {},
		"bytes 5-10/10":                     {},
		"bytes */10":                        {},
		"bytes 5-9":                         {},
		"bytes -5-9/10":                     {},
		"bytes +5-9/10":                     {},
		"bytes 5-99999999999999999/5":       {},
		"bytes 5-99999999999999999999999/*": {},
		"lines 5-9/10":                      {},
		"bytes  5-9/10":                     {},
		"":                                  {},
	} {
		first, last, size, ok := parseContentRange(text)
		if ok != (want != [2]int64{}) || ok && (first != want[0] || size != want[1] || last < first) {
			t.Errorf("%q: got %d, %d, %v", text, first, size, ok)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 5-9/10")
	f.Add("bytes 5-9/*")
	f.Add("bytes */10")
	f.Fuzz(func(t *testing.T, text string) {
		first, last, size, ok := parseContentRange(text)
		if ok && (first < 0 || last < first || size < -1 || size >= 0 && first >= size) {
			t.Fatalf("%q is accepted as %d of %d", text, first, size)
		}
	})
}

func TestValidators(t *testing.T) {
	const noon, later = "Mon, 01 Jan 2029 12:00:00 GMT", "Mon, 01 Jan 2029 12:00:01 GMT"
	const muchLater = "Mon, 01 Jan 2029 13:00:00 GMT"
	for name, tc := range map[string]struct{ tag, changed, date, want string }{
		"nothing":           {"", "", muchLater, ""},
		"strong tag":        {`"a"`, noon, muchLater, `"a"`},
		"weak tag":          {`W/"a"`, noon, muchLater, ""},
		"no tag":            {"a", "", muchLater, ""},
		"old date":          {"", noon, muchLater, noon},
		"date of just now":  {"", noon, later, ""},
		"date of no answer": {"", noon, "", ""},
		"garbage":           {"", "yesterday", muchLater, ""},
	} {
		h := http.Header{"Etag": {tc.tag}, "Last-Modified": {tc.changed}, "Date": {tc.date}}
		if got := validatorOf(h); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestRangeRequestsNeedAValidator(t *testing.T) {
	for _, tc := range []struct {
		at   resumePoint
		want string
	}{
		{resumePoint{0, `"a"`}, ""},
		{resumePoint{5, ""}, ""},
		{resumePoint{5, `"a"`}, `bytes=5- "a"`},
	} {
		h := http.Header{}
		tc.at.addTo(h)
		if got := strings.TrimSpace(h.Get("Range") + " " + h.Get("If-Range")); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.at, got, tc.want)
		}
	}
	h := http.Header{"Range": {"bytes=0-1"}}
	resumePoint{5, `"a"`}.addTo(h)
	if h.Get("Range") != "bytes=0-1" || h.Get("If-Range") != "" {
		t.Errorf("the config's own range has become %v", h)
	}
}
