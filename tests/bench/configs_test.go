package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

type decoded struct {
	Ignition struct{ Version string }
	Storage  struct {
		Files []struct {
			Path     string
			Contents struct{ Source string }
		}
		Directories, Links []struct{ Path string }
	}
	Systemd struct{ Units []struct{ Name string } }
}

func generate(t *testing.T, generator func(io.Writer)) ([]byte, decoded) {
	t.Helper()
	c, err := writeConfig(t.TempDir(), "c.ign", generator)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(text)) != c.size {
		t.Errorf("the size is given as %d, it is %d", c.size, len(text))
	}
	var d decoded
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return text, d
}

func TestFilesConfigHasTheCountsOfTheGoal(t *testing.T) {
	_, d := generate(t, filesConfig(fewFiles))
	for name, count := range map[string][2]int{
		"files":       {len(d.Storage.Files), 5_000},
		"directories": {len(d.Storage.Directories), 100},
		"links":       {len(d.Storage.Links), 1_000},
		"units":       {len(d.Systemd.Units), 200},
		"paths":       {paths(fewFiles), 6_100},
	} {
		if count[0] != count[1] {
			t.Errorf("%d %s, want %d", count[0], name, count[1])
		}
	}
}

func TestFilesConfigNamesNothingTwice(t *testing.T) {
	_, d := generate(t, filesConfig(1_000))
	seen := map[string]bool{}
	once := func(name string) {
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
	for _, f := range d.Storage.Files {
		once(f.Path)
	}
	for _, l := range append(d.Storage.Directories, d.Storage.Links...) {
		once(l.Path)
	}
	for _, u := range d.Systemd.Units {
		once(u.Name)
	}
}

func TestConfigsAreValidAndOfTheReferencesVersion(t *testing.T) {
	for name, generator := range map[string]func(io.Writer){"files": filesConfig(50), "data URL": dataURLConfig("/big", 100)} {
		text, d := generate(t, generator)
		if d.Ignition.Version != "3.3.0" {
			t.Errorf("%s: version %s", name, d.Ignition.Version)
		}
		if _, problems, err := config.Parse(text, name); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", name, err, problems)
		}
	}
}

func TestDataURLConfigHoldsSoManyBytesAndTheSameEachTime(t *testing.T) {
	text, d := generate(t, dataURLConfig("/big", 100_000))
	contents, found := strings.CutPrefix(d.Storage.Files[0].Contents.Source, "data:;base64,")
	raw, err := base64.StdEncoding.DecodeString(contents)
	if !found || err != nil || len(raw) != 100_000 {
		t.Errorf("it holds %d bytes, error %v", len(raw), err)
	}
	if again, _ := generate(t, dataURLConfig("/big", 100_000)); string(again) != string(text) {
		t.Error("the second config is another one")
	}
}

func TestWriteConfigSaysWhatCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := writeConfig(dir, "c.ign", filesConfig(1)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

func TestGeneratingDoesNotRaiseThePeakOfChildren(t *testing.T) {
	b := &bencher{dir: t.TempDir(), rounds: 1}
	c, err := writeConfig(b.dir, "big.ign", dataURLConfig("/big", dataURLSize))
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.run(context.Background(), shell("true"), tool{})
	if err != nil {
		t.Fatal(err)
	}
	if s.memory <= 0 || s.memory >= c.size {
		t.Errorf("a program that does nothing is said to need %d bytes, after a config of %d", s.memory, c.size)
	}
}
