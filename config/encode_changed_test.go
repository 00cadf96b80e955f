package config

import (
	"encoding/json"
	"testing"
)

func pointer[T any](v T) *T { return &v }

// literal is a config that was not read from anything.
func literal() *Config {
	return &Config{Ignition: Ignition{Version: "3.2.0"}, Storage: Storage{
		Files: []File{{Path: "/a", Mode: pointer(0o600), Contents: Resource{Source: pointer("data:,x")}}},
		Links: []Link{{Path: "/b", Target: pointer("a")}},
	}}
}

const literalText = `{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":384}],"links":[{"path":"/b","target":"a"}]}}`

func TestALiteralIsPrintedAsItIs(t *testing.T) {
	if got := string(literal().print()); got != literalText {
		t.Errorf("got  %s\nwant %s", got, literalText)
	}
	for _, v := range []any{literal(), *literal()} {
		if got, err := json.Marshal(v); err != nil || string(got) != literalText {
			t.Errorf("json.Marshal of %T: %s, %v", v, got, err)
		}
	}
	old := &Config{Ignition: Ignition{Version: "3.4.0"}}
	if got, want := string(old.print()), `{"ignition":{"version":"3.4.0"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestALiteralIsMergedValidatedAndSaved(t *testing.T) {
	m := Merge(literal(), parsed(t, Newest, `"storage":{"files":[{"path":"/a","mode":420}]}`))
	if len(m.Storage.Files) != 1 || *m.Storage.Files[0].Mode != 420 || ValueOr(m.Storage.Files[0].Contents.Source, "") != "data:,x" {
		t.Errorf("merged: %s", m.print())
	}
	if m = Merge(new(Config), new(Config)); !Equal(m, new(Config)) {
		t.Errorf("merging nothing gives %+v", m)
	}
	if problems := literal().ValidateMerged(); len(problems) > 0 {
		t.Errorf("valid, but: %s", problems)
	}
	bad := literal()
	bad.Storage.Files[0].Path, bad.Storage.Links[0].Path = "a", ""
	expectProblems(t, "literal", bad.ValidateMerged(), []string{"E storage.files[0].path not absolute", "E storage.links[0] a path is missing"})
	text, origins := literal().Save()
	if loaded, err := Load(text, origins, "cache"); err != nil || !Equal(loaded, literal().at(Newest.String())) {
		t.Errorf("loaded: %+v, %v", loaded, err)
	}
}

func TestChangesArePrintedAndMerged(t *testing.T) {
	cfg := parsed(t, Newest, `"passwd":{"users":[{"name":"u"}]},"storage":{"filesystems":[{"device":"/d","format":"ext4"}],"files":[{"path":"/a"},{"path":"/b"}]}`)
	changed := *cfg
	changed.Passwd, changed.Storage.Filesystems = Passwd{}, nil
	const want = `{"ignition":{"version":"3.7.0-experimental"},"storage":{"files":[{"path":"/a"},{"path":"/b"}]}}`
	for what, got := range map[string]*Config{"printed": &changed, "merged": Merge(New(Newest), &changed), "saved": reloaded(t, &changed)} {
		if got := string(got.print()); got != want {
			t.Errorf("%s: got  %s\nwant %s", what, got, want)
		}
	}
	if len(cfg.Passwd.Users) != 1 || len(cfg.Storage.Filesystems) != 1 {
		t.Error("the original has changed")
	}
	if got, want := Merge(New(Newest), &changed).Storage.Files[1].Origin("path"), cfg.Storage.Files[1].Origin("path"); got != want {
		t.Errorf("what has not changed is of %s, want %s", got, want)
	}
}

func TestProblemsOfChangesHaveTheirOrigins(t *testing.T) {
	cfg := parsed(t, Newest, "\"storage\":{\"files\":[\n{\"path\":\"/a\"}]}")
	cfg.Storage.Files[0].Path = "a"
	cfg.Storage.Files = append(cfg.Storage.Files, File{Path: "b"})
	problems := cfg.ValidateMerged()
	expectProblems(t, "changed", problems, []string{"E storage.files[0].path not absolute", "E storage.files[1].path not absolute"})
	if got, want := problems[0].Origin, at("test", 2, 9, "storage.files[0].path"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func reloaded(t *testing.T, c *Config) *Config {
	t.Helper()
	text, origins := c.Save()
	loaded, err := Load(text, origins, "cache")
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}
