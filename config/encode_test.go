package config

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestMarshalKeepsEverything(t *testing.T) {
	const text = `{"ignition":{"version":"3.7.0-experimental","proxy":{"noProxy":[]}},"passwd":{"users":[{"name":"a\"\\é😀","uid":5,"gecos":"\u0001","system":false,"groups":[""]}]},"systemd":{}}`
	cfg, problems, err := Parse([]byte(text), "test")
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if got := string(cfg.print()); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}

func TestSaveAndLoadKeepOriginsOfMergedValues(t *testing.T) {
	m := Merge(mergeExample(t))
	text, origins := m.Save()
	loaded, err := Load(text, origins, "/run/ignition.json")
	if err != nil {
		t.Fatal(err)
	}
	checkMergedOrigins(t, loaded)
	again, originsAgain := loaded.Save()
	if !bytes.Equal(text, again) || !bytes.Equal(origins, originsAgain) {
		t.Error("saving what was loaded gives something else")
	}
	var written bytes.Buffer
	if origins, err := m.SaveTo(&written); err != nil || !bytes.Equal(text, written.Bytes()) || !bytes.Equal(origins, originsAgain) {
		t.Errorf("what is written is something else: %v", err)
	}
}

func TestSaveAndLoadKeepOriginsAfterFurtherMerging(t *testing.T) {
	loaded := func(c *Config) *Config {
		t.Helper()
		text, origins := c.Save()
		c, err := Load(text, origins, "cache")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	base := parsedAs(t, "system", Newest, "\"storage\":{\"files\":[{\"path\":\"/first\"}]}")
	m := loaded(Merge(base, loaded(Merge(mergeExample(t)))))
	if got, want := m.Storage.Files[2].Origin("mode"), (at("base", 3, 21, "storage.files[1].mode")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := m.Storage.Files[3].Origin(), (at("user", 4, 1, "storage.files[1]")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestLoadWithoutOrigins(t *testing.T) {
	text, _ := Merge(mergeExample(t)).Save()
	cfg, err := Load(text, nil, "/run/ignition.json")
	if err != nil {
		t.Fatal(err)
	}
	o := cfg.Storage.Files[2].Origin("path")
	if o.Source != "/run/ignition.json" || o.Line != 1 || o.Column < 100 || o.Path != "storage.files[2].path" {
		t.Error(o)
	}
}

func TestLoadRefusesWhatIsNotAConfig(t *testing.T) {
	for text, words := range map[string]string{
		``:                                      "ends too early",
		`{`:                                     "ends too early",
		`{}`:                                    "no ignition.version",
		`{"ignition":{"version":"9"}}`:          "not a version",
		string(document(Newest, `"storage":5`)): "an object is expected",
	} {
		if _, err := Load([]byte(text), nil, "cache"); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
}

func TestLoadDoesNotValidate(t *testing.T) {
	if _, err := Load(document(Newest, `"storage":{"files":[{}]}`), nil, "cache"); err != nil {
		t.Error(err)
	}
}

func TestLoadRefusesOriginsOfAnotherConfig(t *testing.T) {
	text, origins := Merge(mergeExample(t)).Save()
	_, other := parsed(t, Newest, `"storage":{}`).Save()
	const words = "the stored origins do not belong to the stored config"
	for name, damaged := range map[string][]byte{
		"other":     other,
		"cut off":   origins[:len(origins)-1],
		"too long":  append(bytes.Clone(origins), 0),
		"one byte":  {0},
		"no source": {0, 0, 1, 1, 0},
		"huge":      bytes.Repeat([]byte{0xff}, 30),
	} {
		if _, err := Load(text, damaged, "cache"); err == nil || err.Error() != words {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadSurvivesDamagedOrigins(t *testing.T) {
	text, origins := Merge(mergeExample(t)).Save()
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		damaged := bytes.Clone(origins)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = byte(random.IntN(256))
		}
		if cfg, err := Load(text, damaged, "cache"); err == nil {
			_ = cfg.Storage.Files[1].Origin("mode").String()
		}
	}
}
