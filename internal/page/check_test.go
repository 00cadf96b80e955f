package page

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

const motd = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/motd # 🦊\n      contents: {inline: grüße 🦊}\n"

// cut returns a part of a text as JavaScript would.
func cut(text string, from, to int) string {
	return string(utf16.Decode(utf16.Encode([]rune(text))[from:to]))
}

func TestOriginsAreSpansOfBothTexts(t *testing.T) {
	a := new(Page).Check([]byte(motd), Options{})
	var got []string
	for o := range slices.Chunk(a.Origins, 4) {
		if value := cut(a.Output, o[0], o[1]); value[0] == '"' {
			got = append(got, value+" <- "+cut(motd, o[2], o[3]))
		}
	}
	want := []string{`"3.4.0" <- 1.5.0`, `"/etc/motd" <- /etc/motd`, `"data:;base64,Z3LDvMOfZSDwn6aK" <- grüße 🦊`, `"" <- grüße 🦊`}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProblemsHavePlacesForPeopleAndForTheEditor(t *testing.T) {
	text := strings.Replace(motd, "inline: grüße 🦊", "🦊: ß, inline: ä", 1)
	a := new(Page).Check([]byte(text), Options{})
	if len(a.Problems) != 1 {
		t.Fatalf("%v", a.Problems)
	}
	if p := a.Problems[0]; p.Line != 6 || p.Column != 18 || cut(text, p.From, p.To) != "🦊" || p.Severity != "warning" {
		t.Errorf("%v", p)
	}
}

func TestStrictRefusesWarnings(t *testing.T) {
	for _, c := range []struct {
		text            string
		lenient, strict bool // refused
	}{
		{motd, false, false},
		{motd + "unknown: 1\n", false, true},
		{motd + "}", true, true},
	} {
		for strict, want := range map[bool]bool{false: c.lenient, true: c.strict} {
			if a := new(Page).Check([]byte(c.text), Options{Strict: strict}); a.Refused != want || a.Refused != (a.Output == "") {
				t.Errorf("strict %t: refused is %t, want %t\n%s\n%s", strict, a.Refused, want, c.text, a.Output)
			}
		}
	}
}

func TestTheLanguageIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		motd: "Butane fcos 1.5.0", `{"ignition": {"version": "3.4.0"}}`: "Ignition 3.4.0", "variant: flatcar\nx": "Butane flatcar", "": "", "x": "",
	} {
		if a := new(Page).Check([]byte(text), Options{}); a.Language != want {
			t.Errorf("%q is %q, want %q", text, a.Language, want)
		}
	}
}

func TestOffsetsOfLongTexts(t *testing.T) {
	text := strings.Repeat("aß🦊€", 1000)
	o := newOffsets([]byte(text))
	units := 0
	for i, r := range text {
		if got := o.of(i); got != units {
			t.Fatalf("byte %d is at %d, want %d", i, got, units)
		}
		units += utf16.RuneLen(r)
	}
	if got := o.of(len(text)); got != units {
		t.Errorf("the end is at %d, want %d", got, units)
	}
}

func TestAnotherVersionOfTheSpec(t *testing.T) {
	var p Page
	for to, want := range map[string]string{"": `"version": "3.4.0"`, "3.0.0": `"version": "3.0.0"`, "9.9.9": `"version": "3.4.0"`} {
		if a := p.Check([]byte(motd), Options{To: to}); !strings.Contains(a.Output, want) || len(a.Origins) == 0 {
			t.Errorf("%q: there is no %s in\n%s", to, want, a.Output)
		}
	}
}
