package timeline

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestStagesOfReportJSONAreARecord(t *testing.T) {
	const fetched = `{"stage":"fetch","started":"2026-11-29T12:00:00Z","seconds":1.5}` + "\n"
	for lines, want := range map[string]string{
		`{"stage":"files","started":"2026-11-29T12:00:02Z","seconds":1}`:                               report.Unfinished,
		`{"stage":"files","started":"2026-11-29T12:00:02Z","seconds":1,"problems":[{"cause":"full"}]}`: report.Failed,
		"\n" + `{"stage":"umount","started":"2026-11-29T12:00:02Z","seconds":1}` + "\n\n":              report.Provisioned,
	} {
		r, err := Parse([]byte(fetched + lines))
		if err != nil || r.Outcome != want || r.Seconds != 3 || len(r.Stages) != 2 || !r.Started.Equal(noon) {
			t.Errorf("%s: %v, %+v", lines, err, r)
		}
	}
	if r, err := Parse([]byte(fetched)); err != nil || r.Outcome != report.Unfinished {
		t.Errorf("one stage: %v, %+v", err, r)
	}
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "it is empty",
		" \n":                              "it is empty",
		"hello":                            "",
		`{"ignition":{"version":"3.4.0"}}`: `it is neither a record, which has a "version", nor report.json`,
		`{"version":2}`:                    "its format has version 2, and this program knows version 1: use the firstlightctl of a newer release",
		`{"version":1,"stages":{}}`:        "stages",
		`{"version":1,"stages":[{"stage":"fetch","started":"noon"}]}`: "started is not a time such as",
		`{"version":1,"sta`:                                                   "",
		`{"stage":"fetch"}` + "\n" + `{"stage":"di`:                           "line 2 is not a stage of report.json",
		`{"stage":"fetch"}` + "\n\n" + `{"version":1}`:                        `line 3 is not a stage of report.json: there is no "stage"`,
		strings.Repeat(`{"stage":"fetch"}`+"\n", maxParsed+1):                 "it has more than 1000 stages",
		`{"version":1,"stages":[{}` + strings.Repeat(`,{}`, maxParsed) + `]}`: "it has more than 1000 stages",
		strings.Repeat(" ", MaxBytes+1):                                       "it has more than 32 MiB",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

func TestNothingOfARecordSteersATerminal(t *testing.T) {
	const evil = `a\u001b[2J\u202e\r\nb`
	text := `{"version":1,"boot":"E","agent":"E","platform":"E","units":["E"],"outcome":"E","machine":{"architecture":"E","kernel":"E"},
		"sources":[{"kind":"E","name":"E","digest":"E"}],
		"stages":[{"stage":"E","warnings":["E"],"planned":["E"],"waits":[{"for":"E"}],
			"operations":[{"operation":"E","error":"E","origin":{"source":"E","path":"E"}}],
			"problems":[{"operation":"E","cause":"E","detail":"E","hint":"E","origin":{"source":"E","path":"E"}}]}]}`
	r, err := Parse([]byte(strings.ReplaceAll(text, "E", evil)))
	testkit.NoError(t, err)
	shown, err := json.Marshal(r)
	testkit.NoError(t, err)
	if n := strings.Count(string(shown), "a?[2J??"); n != 24 {
		t.Errorf("%d texts are printable: %s", n, shown)
	}
	for _, bad := range []string{`\u001b`, `\u202e`, "\u202e", `\r`} {
		if strings.Contains(string(shown), bad) {
			t.Errorf("there is %q in %s", bad, shown)
		}
	}
}

func TestNumbersThatNoBootHas(t *testing.T) {
	r, err := Parse([]byte(`{"version":1,"seconds":1e308,"started":"0001-01-01T00:00:00Z","stages":[{"stage":"a","seconds":-1,"started":"9999-01-01T00:00:00Z","operations":[{"operation":"b","seconds":1e300}]}]}`))
	testkit.NoError(t, err)
	if s := r.Stages[0]; r.Seconds != maxSeconds || s.Seconds != 0 || !s.Started.IsZero() || s.Operations[0].Seconds != maxSeconds {
		t.Errorf("%+v", r)
	}
}

// FuzzParse: what is a record can be drawn in all ways, and the drawings are well-formed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"stage":"fetch","seconds":1,"started":"2026-11-29T12:00:00Z"}`))
	f.Add([]byte(`{"version":1,"sources":[{"name":"<script>"}],"stages":[{"stage":"a","seconds":1e9,"started":"1970-01-01T00:00:00Z","waits":[{"for":"]]>","seconds":2}],"operations":[{"operation":"\ufffe'\"","seconds":1,"error":"x"}],"problems":[{"cause":"y"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("there is no reason")
			}
			return
		}
		drawn := New(r)
		html, err := drawn.HTML()
		testkit.NoError(t, err)
		trace, err := Trace(r)
		testkit.NoError(t, err)
		if !json.Valid(trace) || !utf8.Valid(html) {
			t.Error("the trace is not JSON, or the page not UTF-8")
		}
		wellFormed(t, drawn.SVG())
	})
}

// wellFormed checks that a text is XML.
func wellFormed(t *testing.T, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}
