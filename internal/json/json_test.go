package json

import (
	std "encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Name string `json:"name"`
	No   int    `json:"no,omitempty"`
}

type record struct {
	Text    string            `json:"text"`
	Flag    bool              `json:"flag"`
	Number  int64             `json:"number"`
	Size    uint64            `json:"size"`
	Share   float64           `json:"share"`
	When    time.Time         `json:"when"`
	List    []inner           `json:"list"`
	Strings []string          `json:"strings,omitempty"`
	Map     map[string]string `json:"map"`
	Inner   inner             `json:"inner,omitzero"`
	Pointer *inner            `json:"pointer,omitempty"`
	Any     map[string]any    `json:"any,omitempty"`
	Hidden  string            `json:"-"`
	Named   int
}

var records = map[string]record{
	"nothing": {},
	"everything": {
		Text: "a \"b\"\n\x01 é \u2028 <&>", Flag: true, Number: math.MinInt64, Size: math.MaxUint64, Share: 0.25,
		When: time.Date(2026, 11, 23, 7, 0, 0, 123000000, time.UTC), List: []inner{{"x", 1}, {}}, Strings: []string{"", "b"},
		Map: map[string]string{"b": "2", "a": "1"}, Inner: inner{No: 3}, Pointer: &inner{Name: "p"},
		Any: map[string]any{"s": "t", "list": []any{true, nil, map[string]any{}}}, Hidden: "h", Named: -7,
	},
	"empty lists": {List: []inner{}, Map: map[string]string{}},
}

// encoding/json, with which the records were written before, is the judge.
func TestRecordsAreWrittenAsEncodingJSONDoes(t *testing.T) {
	for name, r := range records {
		got, err := Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		enc := std.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(strings.TrimSpace(b.String()), `\u2028`, "\u2028")
		if string(got) != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
		var indented any
		text, err := Indent(r)
		if err != nil || std.Unmarshal(text, &indented) != nil {
			t.Fatalf("%v: %s", err, text)
		}
		again, err := std.MarshalIndent(std.RawMessage(got), "", "  ")
		if err != nil || string(text) != strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u2028`, "\u2028").Replace(string(again)) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, text, again)
		}
	}
}

func TestRecordsAreReadAsTheyWere(t *testing.T) {
	for name, r := range records {
		r.Hidden = ""
		text, err := Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), `"when":"0001-01-01T00:00:00Z"`, `"unknown":[1]`, 1))
		var got record
		if err := Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", name, err, got, r)
		}
	}
}

func TestRawValuesAndNumbersAreKept(t *testing.T) {
	var r struct {
		Raw  Raw `json:"raw"`
		None Raw `json:"none,omitempty"`
		Any  any `json:"any"`
	}
	const text = `{"raw":{"a":[1,2.50]},"any":{"n":1e400}}`
	if err := Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if got, err := Marshal(r); err != nil || string(got) != text {
		t.Errorf("got %s, %v", got, err)
	}
	r.Raw = Raw("{")
	if _, err := Marshal(r); err == nil {
		t.Error("what is not JSON was written")
	}
	if !Valid([]byte("[]")) || Valid([]byte("[")) {
		t.Error("what is JSON and what is not are mixed up")
	}
}

func TestOtherDocumentsAreErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"text": 1}`:           "text is a number and not a string",
		`{"list": {}}`:          "list is an object and not a list",
		`{"list": [{}, 1]}`:     "list[1] is a number and not an object",
		`{"map": []}`:           "map is a list and not an object",
		`{"map": {"a": true}}`:  "a is a boolean and not a string",
		`{"flag": "true"}`:      "flag is a string and not a boolean",
		`{"number": 1.5}`:       "number: the number 1.5 is out of range",
		`{"size": -1}`:          "size: the number -1 is out of range",
		`[]`:                    "the document is a list and not an object",
		`{`:                     "end",
		`{"share": 1e999}`:      "share: the number 1e999 is out of range",
		`{"when": "yesterday"}`: "when is not a time such as 2006-01-02T15:04:05Z (RFC 3339)",
	} {
		var r record
		if err := Unmarshal([]byte(text), &r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestTypeThatNoRecordHasIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel was written")
		}
	}()
	_, _ = Marshal(make(chan int))
}
