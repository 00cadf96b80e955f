package config

import (
	"errors"
	"strings"
	"testing"
)

func TestOriginText(t *testing.T) {
	for want, o := range map[string]Origin{
		"user config, line 41, column 9 (storage.filesystems[2])": {"user config", 41, 9, "storage.filesystems[2]"},
		"user config, line 1, column 1":                           {"user config", 1, 1, ""},
		"user config":                                             {Source: "user config"},
		"line 2, column 3 (a)":                                    {"", 2, 3, "a"},
		"":                                                        {},
	} {
		if got := o.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !(Origin{}).IsZero() || (Origin{Line: 1}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestProblemText(t *testing.T) {
	for want, p := range map[string]Problem{
		"warning: x":                     {Warning, Origin{}, "x"},
		"error: a, line 1, column 2: 5%": {Error, Origin{"a", 1, 2, ""}, "5%"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (&ParseError{Kind: ErrEmpty}).Error(); got != "the config is empty" {
		t.Error(got)
	}
	if _, _, err := Parse(nil, "x"); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

func TestOriginOfWhatIsNotThere(t *testing.T) {
	s := parsed(t, V3_6, "\"storage\":{\n\"files\":[{\"path\":\"/a\"}]}").Storage
	for _, way := range [][]any{{"files", 1}, {"files", -1}, {"files", 1, "path"}, {"files", true}} {
		if got := s.Origin(way...); got.Path != "storage.files" || got.Line != 2 {
			t.Errorf("%v: %s", way, got)
		}
	}
	if got := s.Origin("disks", 0, "device"); got.Path != "storage" || got.Line != 1 {
		t.Error(got)
	}
	if got := s.Origin("files", 0, "path", "x"); got.Path != "storage.files[0].path" {
		t.Error(got)
	}
	if got := (Object{}).Origin("a"); !got.IsZero() {
		t.Error(got)
	}
}

func TestLongValuesAreCutInMessages(t *testing.T) {
	long := "/" + strings.Repeat("é", 500) + "/"
	err := refusal(t, string(document(V3_6, `"storage":{"files":[{"path":"`+long+`"}]}`)))
	if text := err.Error(); len(text) > 500 || !strings.Contains(text, `é"...`) {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
