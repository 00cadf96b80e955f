package config

import (
	"errors"
	"strings"
	"testing"
)

// refusal parses a config that must be refused.
func refusal(t *testing.T, text string) *ParseError {
	t.Helper()
	cfg, problems, err := Parse([]byte(text), "user config")
	var refused *ParseError
	if !errors.As(err, &refused) {
		t.Fatalf("%q: error %v, want a ParseError", text, err)
	}
	if cfg != nil {
		t.Errorf("%q: there is a config although it is refused", text)
	}
	if len(problems) != len(refused.Problems) {
		t.Errorf("%q: %d problems, but %d in the error", text, len(problems), len(refused.Problems))
	}
	return refused
}

func TestVersionGate(t *testing.T) {
	version := func(v string) string { return `{"ignition":{"version":"` + v + `"}}` }
	for _, c := range []struct {
		text string
		kind error
	}{
		{"", ErrEmpty},
		{" ", ErrInvalid},
		{"\n", ErrInvalid},
		{"#!/bin/sh\necho", ErrInvalid},
		{"#cloud-config\n", ErrInvalid},
		{"\x1f\x8b\x08", ErrInvalid},
		{"\xef\xbb\xbf" + version("3.6.0"), ErrInvalid},
		{"// x\n" + version("3.6.0"), ErrInvalid},
		{`[]`, ErrInvalid},
		{`"x"`, ErrInvalid},
		{`5`, ErrInvalid},
		{`true`, ErrInvalid},
		{`{"ignition":5}`, ErrInvalid},
		{`{"ignition":{"version":3}}`, ErrInvalid},
		{version("3.6.0") + version("3.6.0"), ErrInvalid},
		{version("3.6.0") + "x", ErrInvalid},
		{`{"ignition":{"version":"2.2.0"},"storage":}`, ErrInvalid},
		{`{}`, ErrNoVersion},
		{`{"ignition":{}}`, ErrNoVersion},
		{`{"ignition":null}`, ErrNoVersion},
		{`{"ignition":{"version":null}}`, ErrNoVersion},
		{`{"ignitionVersion":1}`, ErrNoVersion},
		{version(""), ErrNoVersion},
		{version("3"), ErrNoVersion},
		{version("3.0"), ErrNoVersion},
		{version("3.0.0.0"), ErrNoVersion},
		{version("v3.0.0"), ErrNoVersion},
		{version(" 3.0.0"), ErrNoVersion},
		{version("3.0.0 "), ErrNoVersion},
		{version("+3.0.0"), ErrNoVersion},
		{version("-3.0.0"), ErrNoVersion},
		{version("3..0"), ErrNoVersion},
		{version("3.0.99999999999999999999"), ErrNoVersion},
		{version("3.0.0-a..b"), ErrNoVersion},
		{version("3.0.0-é"), ErrNoVersion},
		{version("3.0.0-a_b"), ErrNoVersion},
		{version("1.0.0"), ErrUnknownVersion},
		{version("2.2.0"), ErrSpec2},
		{version("2.4.0-experimental"), ErrUnknownVersion},
		{version("3.0.1"), ErrUnknownVersion},
		{version("3.7.0"), ErrUnknownVersion},
		{version("3.8.0"), ErrUnknownVersion},
		{version("4.0.0"), ErrUnknownVersion},
		{version("3.6.0-experimental"), ErrUnknownVersion},
		{version("3.8.0-experimental"), ErrUnknownVersion},
		{version("3.7.0-Experimental"), ErrUnknownVersion},
		{version("3.7.0-experimental.1"), ErrUnknownVersion},
		{version("3.7.0-experimental-"), ErrUnknownVersion},
		{version("3.0.0+x"), ErrUnknownVersion},
		{version("3.0.0-0"), ErrUnknownVersion},
		{version("3.0.0+-"), ErrUnknownVersion},
		{`{"ignition":{"version":"2.2.0"},"storage":5}`, ErrUnknownVersion},
	} {
		if err := refusal(t, c.text); !errors.Is(err, c.kind) {
			t.Errorf("%q: %v (%v), want %v", c.text, err, err.Kind, c.kind)
		}
	}
	accepted := []string{"03.0.0", "3.00.0", "3.0.0-", "3.0.0+", "3.0.0-+", "3.7.0-experimental+"}
	for _, v := range Versions() {
		accepted = append(accepted, v.String())
	}
	for _, v := range accepted {
		cfg, problems, err := Parse([]byte(version(v)+"\n \t\r\n"), "test")
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", v, problems, err)
		} else if _, err := cfg.Version(); err != nil {
			t.Errorf("%s is kept as %s", v, cfg.Ignition.Version)
		}
	}
}

func TestVersionOfSpec1BesideAnotherHasNoEffect(t *testing.T) {
	_, problems, err := Parse([]byte(`{"ignitionVersion":1,"ignition":{"version":"3.0.0"}}`), "test")
	if err != nil || len(problems) != 1 || problems[0].Severity != Warning {
		t.Errorf("got %v, %v", problems, err)
	}
}

func TestVersionMessagesNameWhatWouldBeRight(t *testing.T) {
	for text, words := range map[string]string{
		`{}`:                               `user config, line 1, column 1: there is no ignition.version; a config starts with {"ignition": {"version": "3.6.0"}}`,
		`{"ignition":{"version":"3.9.0"}}`: `user config, line 1, column 24 (ignition.version): version "3.9.0" of the spec is newer than this program knows, which is up to 3.7.0-experimental; lower it with`,
		`{"ignition":{"version":"3"}}`:     `"3" is not a version of the spec; it should be like "3.6.0"`,
		`[]`:                               "a config is a JSON object, this is a list",
		`{"ignitionVersion":1}`:            `user config, line 1, column 20 (ignitionVersion): this is a config of spec 1`,
	} {
		if got := refusal(t, text).Error(); !strings.Contains(got, words) {
			t.Errorf("%s:\n %s\nwant\n %s", text, got, words)
		}
	}
}

// The positions are those of the offending byte or value.
func TestPositions(t *testing.T) {
	const v = `"ignition":{"version":"3.6.0"}`
	for _, c := range []struct {
		name, text   string
		line, column int
		path, words  string
	}{
		{"script", "#cloud-config\n", 0, 0, "", "this is a cloud-config"},
		{"blank", "\n", 2, 1, "", "ends too early"},
		{"cut off", "{" + v + ",\n \"storage\": {", 2, 14, "", "ends too early"},
		{"comma too many", "{" + v + ",\n  }", 1, 32, "", "not valid JSON: invalid character ','"},
		{"octal", "{" + v + ",\n\"a\": [\n  0644]}", 3, 4, "", "not valid JSON"},
		{"bytes, not letters", "{" + v + ",\n\"é\":x}", 2, 6, "", "not valid JSON"},
		{"tab is one", "{" + v + ",\n\t\tx}", 2, 3, "", "not valid JSON"},
		{"two documents", "{" + v + "}\n{}", 2, 1, "", "there is more after the end"},
		{"wrong type", "{" + v + ",\r\n\"storage\": {\"files\": [{\"path\": 5}]}}", 2, 32, "storage.files[0].path", "this is a number, but a string is expected"},
		{"wrong type of an object", "{" + v + ",\n \"storage\" :\n []}", 3, 2, "storage", "this is a list, but an object is expected"},
		{"unknown key", "{" + v + ",\n  \"storag\": {}}", 2, 3, "storag", `"storag" is not a key`},
		{"missing member is at its object", "{" + v + ",\"storage\":{\"files\":\n[ {}]}}", 2, 3, "storage.files[0].path", "a path is missing"},
		{"missing member in an absent object", "{" + v + ",\"storage\":{\n\"luks\":[{\"name\":\"a\"}]}}", 2, 9, "storage.luks[0].device", "a path is missing"},
		{"value", "{" + v + ",\"storage\":{\"files\":[\n{\"path\":\n\t\"a\"}]}}", 3, 2, "storage.files[0].path", "not absolute"},
	} {
		_, problems, _ := Parse([]byte(c.text), "user config")
		if len(problems) != 1 {
			t.Errorf("%s: %d problems: %v", c.name, len(problems), problems)
			continue
		}
		want := at("user config", c.line, c.column, c.path)
		if problems[0].Origin != want || !strings.Contains(problems[0].Message, c.words) {
			t.Errorf("%s: %s\nwant %s ... %s", c.name, problems[0], want, c.words)
		}
	}
}

func TestTypesAreNotCoerced(t *testing.T) {
	const mode = "storage.files[0].mode"
	file := func(members string) string { return `"storage":{"files":[{"path":"/a",` + members + `}]}` }
	testRules(t, []rule{
		{"fraction", "all", file(`"mode":420.0`), []string{"E " + mode + " 420.0 is not a whole number"}},
		{"exponent", "all", file(`"mode":4e2`), []string{"E " + mode + " 4e2 is not a whole number"}},
		{"string", "all", file(`"mode":"0644"`), []string{"E " + mode + " this is a string, but a number is expected"}},
		{"too large", "all", file(`"user":{"id":9223372036854775808}`), []string{"E storage.files[0].user.id fits 64 bits"}},
		{"largest", "all", `"ignition":{$V,"timeouts":{"httpTotal":9223372036854775807,"httpResponseHeaders":-9223372036854775808}}`, []string{"W ignition.timeouts.httpResponseHeaders is negative"}},
		{"minus zero", "all", file(`"mode":-0`), nil},
		{"boolean", "all", file(`"overwrite":"false"`), []string{"E storage.files[0].overwrite this is a string, but a boolean is expected"}},
		{"all are reported", "all", `"storage":{"files":[{"path":1},{"path":true},5],"disks":{}},"systemd":[]`, []string{
			"E storage.files[0].path a number", "E storage.files[1].path a boolean", "E storage.files[2] a number, but an object", "E storage.disks an object, but a list", "E systemd a list, but an object"}},
		{"list items", "all", `"passwd":{"users":[{"name":"a","groups":["a",5]}]}`, []string{"E passwd.users[0].groups[1] a number, but a string"}},
	})
}

func TestNullIsAbsent(t *testing.T) {
	testRules(t, []rule{
		{"scalar and list", "all", `"storage":{"files":[{"path":"/a","mode":null,"append":null}],"disks":null}`, nil},
		{"non-nullable scalar", "all", `"storage":{"disks":[{"device":"/a","partitions":[{"number":null,"label":"x"}]}]}`, nil},
		{"object", "all", `"storage":null`, []string{"W storage storage is null, an object is expected here; it counts as absent"}},
		{"object inside", "all", `"storage":{"files":[{"path":"/a","contents":null}]}`, []string{"W storage.files[0].contents it counts as absent"}},
		{"string in a list", "all", `"passwd":{"users":[{"name":"a","groups":[null]}]}`, nil},
		{"strings in a list", "all", `"passwd":{"users":[{"name":"a","groups":[null,""]}]}`, []string{`E passwd.users[0].groups[1] "" is already`}},
		{"object in a list", "all", `"passwd":{"users":[null]}`, []string{"W passwd.users[0] counts as an empty one", "E passwd.users[0].name is missing"}},
		{"unknown key", "all", `"x":null`, []string{`W x "x" is not a key`}},
	})
	cfg := parsed(t, V3_6, `"storage":{"files":[{"path":"/a","mode":null,"contents":{"source":null}}]}`)
	if f := cfg.Storage.Files[0]; f.Mode != nil || f.Contents.Source != nil || f.Append != nil {
		t.Errorf("null is not unset: %+v", f)
	}
}

func TestKeys(t *testing.T) {
	testRules(t, []rule{
		{"unknown", "all", `"$schema":"x","ignition":{$V,"config":{"append":[{}]}}`, []string{`W $schema "$schema" is not a key`, `W ignition.config.append "append" is not a key`}},
		{"only the topmost is reported", "all", `"a":{"b":{"c":1}}`, []string{"W a not a key"}},
		{"percent sign", "all", `"100%":1`, []string{`W 100% "100%" is not a key`}},
		{"other case", "all", `"Storage":{"FILES":[{"Path":"/a"}]}`, []string{`W Storage "Storage" should be written "storage"`, `W storage.FILES should be written "files"`, `W storage.files[0].Path should be written "path"`}},
		{"once in each case", "all", `"storage":{"files":[{"path":"/a","Path":"/b"}]}`, []string{`W storage.files[0].Path should be written "path"`, `W storage.files[0].path "path" was given before at line 1,`}},
		{"object twice", "all", `"storage":{"files":[{"path":"/a"}]},"storage":{}`, []string{`W storage "storage" was given before at line 1, column`}},
		{"taken back", "all", `"storage":{"files":[{"path":"/a","mode":1,"mode":null}]}`, []string{`W storage.files[0].mode "mode" was given before at line 1, column`}},
	})
	both := parsed(t, V3_6, `"storage":{"files":[{"path":"/a","mode":1,"mode":null}]},"storage":{"links":[{"path":"/b","target":"c"}]},"ignition":{$V},"ignition":{"timeouts":{"httpTotal":5}}`)
	if len(both.Storage.Files) != 1 || both.Storage.Files[0].Mode != nil || len(both.Storage.Links) != 1 || both.Ignition.Timeouts.HTTPTotal == nil {
		t.Errorf("%s", both.print())
	}
	cfg := parsed(t, V3_6, `"storage":{"files":[{"path":"/a","Path":"/b","mode":1,"mode":2}]}`)
	if f := cfg.Storage.Files[0]; f.Path != "/b" || *f.Mode != 2 {
		t.Errorf("not the last one counts: %s %d", f.Path, *f.Mode)
	}
	cfg, problems, err := Parse([]byte(`{"Ignition":{"Version":"3.6.0"}}`), "test")
	if err != nil || len(problems) != 2 || cfg.Ignition.Version != "3.6.0" {
		t.Errorf("Ignition in capitals: %v %v", problems, err)
	}
}

func TestNothingOfADuplicateListLeaks(t *testing.T) {
	cfg := parsed(t, V3_6, `"storage":{"files":[{"path":"/a","mode":1}]},"storage":{"files":[{"path":"/b"}]}`)
	if len(cfg.Storage.Files) != 1 || cfg.Storage.Files[0].Mode != nil {
		t.Errorf("the mode leaked: %+v", cfg.Storage.Files)
	}
}

func TestStringsAreMadeValid(t *testing.T) {
	cfg := parsed(t, V3_6, `"passwd":{"users":[{"name":"a\ud800b","gecos":"`+"\xff"+`","homeDir":"\u0041\t\ud83d\ude00"}]}`)
	u := cfg.Passwd.Users[0]
	if u.Name != "a\ufffdb" || *u.Gecos != "\ufffd" || *u.HomeDir != "A\t😀" {
		t.Errorf("%q %q %q", u.Name, *u.Gecos, *u.HomeDir)
	}
}

// Errors of types do not hide those of rules, and rules do not report what follows from
// wrong types.
func TestAllKindsOfErrorsAreReportedAtOnce(t *testing.T) {
	testRules(t, []rule{
		{"all kinds", "3.2+", `"x":1,"systemd":{"units":[{"name":"a","contents":"[Unit"}]},"storage":{"files":[{"path":5},{"path":"b","mode":"0644"},3,{"path":"c"}],"luks":[{"name":"a/b","device":"/d"}]}`, []string{
			"W x is not a key", "E storage.files[0].path a string is expected", "E storage.files[1].mode a number is expected", "E storage.files[2] an object is expected",
			"E storage.files[3].path is not absolute", "E storage.luks[0].name has a slash", "E systemd.units[0].name should end in", "E systemd.units[0].contents no closing bracket"}},
		{"what is missing for its type", "all", `"storage":{"files":[{"path":"/a","contents":5,"overwrite":true}],"raid":[{"name":"a","level":"raid1","devices":[5]}],"disks":[{"device":1}]}`, []string{
			"E storage.files[0].contents an object is expected", "E storage.raid[0].devices[0] a string is expected", "E storage.disks[0].device a string is expected"}},
		{"warnings of what is incomplete", "all", `"systemd":{"units":[{"name":"a.service","enabled":true,"contents":"[Unit]\n"},{"name":1}]}`, []string{"E systemd.units[1].name a string is expected"}},
		{"another object of the list", "all", `"storage":{"links":[{"path":"/a","target":1},{"path":"/b"}]}`, []string{"E storage.links[0].target a string is expected", "E storage.links[1].target missing"}},
	})
}

func TestRulesAreNotAppliedToWrongTypes(t *testing.T) {
	err := refusal(t, `{"ignition":{"version":"3.6.0"},"storage":{"files":[{"path":5}]}}`)
	if len(err.Problems) != 1 {
		t.Errorf("the path is wrong, not missing:\n%s", err.Problems)
	}
}

func TestErrorListsAllErrors(t *testing.T) {
	err := refusal(t, string(document(V3_6, `"x":1,"storage":{"files":[{"path":"a"},{"path":"b"}]}`)))
	text := err.Error()
	if !strings.HasPrefix(text, "2 problems:\nuser config, line 1, column ") || strings.Contains(text, "not a key") {
		t.Error(text)
	}
	if !strings.HasPrefix(err.Problems.String(), "warning: user config, line 1, column ") {
		t.Error(err.Problems.String())
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	refusal(t, strings.Repeat(`{"a":`, 100_000))
	refusal(t, strings.Repeat("[", 100_000))
}

func TestEmptyConfig(t *testing.T) {
	cfg := New(Newest)
	if got := string(cfg.print()); got != `{"ignition":{"version":"3.7.0-experimental"}}` {
		t.Error(got)
	}
	if problems := cfg.ValidateMerged(); len(problems) > 0 {
		t.Error(problems)
	}
	if !cfg.Storage.Origin("files", 0).IsZero() {
		t.Error("an empty config has an origin")
	}
}
