package butane

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
)

// expectMessages checks that there is a problem with each of these words, and no other.
func expectMessages(t *testing.T, problems config.Problems, words ...string) {
	t.Helper()
	if len(problems) != len(words) {
		t.Errorf("%d problems, want %d:\n%s", len(problems), len(words), problems)
	}
	for _, w := range words {
		if !strings.Contains(problems.String(), w) {
			t.Errorf("there is no %q in\n%s", w, problems)
		}
	}
}

func TestMergeHasTheHighestVersion(t *testing.T) {
	cfg, problems, err := Merge(Options{},
		Document{"a.bu", []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, mode: 0600}]}\n")},
		Document{"b.bu", []byte("variant: flatcar\nversion: 1.0.0\nstorage: {files: [{path: /a, contents: {inline: b}}]}\n")},
		Document{"c.ign", []byte(`{"ignition": {"version": "3.1.0"}, "storage": {"links": [{"path": "/l", "target": "a"}]}}`)})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	text, err := json.Marshal(cfg)
	const want = `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,b","compression":""},"mode":384}],"links":[{"path":"/l","target":"a"}]}}`
	if err != nil || string(text) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, text, want)
	}
	if at := cfg.Storage.Files[0].Contents.Origin("source"); at.Source != "b.bu" || at.Line != 3 {
		t.Errorf("the source is from %v", at)
	}
}

func TestMergeTellsTheProblemsOfAllDocuments(t *testing.T) {
	_, problems, err := Merge(Options{},
		Document{"a.bu", []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: a}]}\n")},
		Document{"b.bu", []byte("variant: fcos\nversion: 9.9.9\n")},
		Document{"c.bu", []byte("variant: fcos\nversion: 1.5.0\nx: 1\n")},
		Document{"d.ign", nil})
	if !errors.Is(err, ErrGenerated) {
		t.Errorf("the error is %v", err)
	}
	expectMessages(t, problems, "a.bu, line 3, column 26 (storage.files[0].path)", "b.bu, line 2", "warning: c.bu, line 3", "error: d.ign: the config is empty")
}

func TestMergeChecksTheWhole(t *testing.T) {
	_, problems, err := Merge(Options{},
		Document{"a.bu", []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, user: {id: 5}}]}\n")},
		Document{"b.bu", []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, user: {name: u}}]}\n")})
	if !errors.Is(err, config.ErrInvalid) {
		t.Errorf("the error is %v", err)
	}
	expectMessages(t, problems, "b.bu, line 3, column 36 (storage.files[0].user): the user is given by id (5) and by name")
}

func TestMergeOfNothingIsAnError(t *testing.T) {
	if _, _, err := Merge(Options{}); !errors.Is(err, config.ErrEmpty) {
		t.Error(err)
	}
}

func TestLocalFilesCanBeInAnyFileSystem(t *testing.T) {
	o := Options{Files: fstest.MapFS{
		"motd":         {Data: []byte("hi")},
		"tree/bin/run": {Data: []byte("#!"), Mode: 0o755},
		"tree/etc/a":   {Data: []byte("a")},
		"tree/etc/l":   {Data: []byte("a"), Mode: fs.ModeSymlink},
	}}
	text := []byte("variant: fcos\nversion: 1.5.0\nstorage:\n  files: [{path: /etc/motd, contents: {local: motd}}]\n  trees: [{local: tree}]\n")
	result, problems, err := Translate(text, "a.bu", o)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	const want = `{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/motd","contents":{"compression":"","source":"data:,hi"}},` +
		`{"path":"/bin/run","mode":493,"contents":{"compression":"","source":"data:,%23!"}},{"path":"/etc/a","mode":420,"contents":{"compression":"","source":"data:,a"}}],` +
		`"links":[{"path":"/etc/l","target":"a"}]}}`
	var got, wanted any
	if json.Unmarshal(result.JSON, &got); json.Unmarshal([]byte(want), &wanted) != nil || !jsonEqual(got, wanted) {
		t.Errorf("got  %s\nwant %s", result.JSON, want)
	}
}

func jsonEqual(a, b any) bool {
	first, _ := json.Marshal(a)
	second, _ := json.Marshal(b)
	return string(first) == string(second)
}

func TestLocalFilesThatAreNotInAFileSystem(t *testing.T) {
	o := Options{Files: fstest.MapFS{"dir/a": {}}}
	for local, want := range map[string]string{
		"b":        "there is no b in the local files",
		"../b":     `"../b" is outside the local files; local paths lead to files below it`,
		"dir":      "dir in the local files is a directory, not a file",
		"''":       "this names no file in the local files",
		`"dir\\a"`: "write it with slashes, which Windows reads, too: dir/a",
	} {
		_, problems, err := Translate([]byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: "+local+"}}]}\n"), "a.bu", o)
		if err == nil {
			t.Errorf("%s is accepted", local)
		}
		expectMessages(t, problems, want)
	}
}
