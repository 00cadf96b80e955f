package config

import (
	"errors"
	"strings"
	"testing"
)

func TestOriginText(t *testing.T) {
	for want, o := range map[string]Origin{
		"user config, line 41, column 9 (storage.filesystems[2])": at("user config", 41, 9, "storage.filesystems[2]"),
		"user config, line 1, column 1":                           at("user config", 1, 1, ""),
		"user config":                                             {Source: "user config"},
		"line 2, column 3 (a)":                                    at("", 2, 3, "a"),
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
		"warning: x":                     NewProblem(RuleKeyUnknown, Warning, Origin{}, "x"),
		"error: a, line 1, column 2: 5%": NewProblem(RuleValueType, Error, at("a", 1, 2, ""), "5%%"),
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
	for want, path := range map[string][]any{
		"storage.files[1]":        {"files", 1},
		"storage.files[1].path":   {"files", 1, "path"},
		"storage.files[0].path.x": {"files", 0, "path", "x"},
		"storage.disks[0].device": {"disks", 0, "device"},
	} {
		line := 1
		if path[0] == "files" {
			line = 2
		}
		if got := s.Origin(path...); got.Path != want || got.Line != line {
			t.Errorf("%v: %s, want %s, line %d", path, got, want, line)
		}
	}
	if got := s.Files[0].User.Origin("id"); got.Path != "storage.files[0]" {
		t.Errorf("in an absent object: %s", got)
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

// at is an Origin in a few words.
func at(source string, line, column int, path string) Origin {
	return Origin{Source: source, Line: line, Column: column, Path: path}
}
