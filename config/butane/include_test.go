package butane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
)

const head = "variant: firstlight\nversion: 1.0.0\n"

// filesOf is a files directory. Documents of the variant firstlight are given without the
// lines of their version.
func filesOf(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		if strings.HasSuffix(name, ".bu") && !strings.Contains(text, "variant:") {
			text = head + text
		}
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return files
}

// withIncludes is the JSON of a document, which must have no problems.
func withIncludes(t *testing.T, text string, o Options) (string, *config.Config) {
	t.Helper()
	result, problems, err := Translate([]byte(head+text), "main.bu", o)
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v\n%s", err, problems)
	}
	return string(result.JSON), result.Config
}

func TestIncludedDocumentsAreMergedInOrder(t *testing.T) {
	files := filesOf(map[string]string{
		"base.bu":      "storage: {files: [{path: /a, mode: 0600, contents: {inline: base}}, {path: /b, contents: {inline: base}}]}\nkernel_arguments: {should_exist: [base]}",
		"dir/disks.bu": "include: [base.bu]\nstorage: {files: [{path: /a, contents: {local: text}}]}\nkernel_arguments: {should_exist: [disks]}",
		"old.bu":       "variant: fcos\nversion: 1.1.0\nstorage: {files: [{path: /c, contents: {inline: '${param:x}'}}]}",
		"j.ign":        `{"ignition": {"version": "3.3.0"}, "storage": {"links": [{"path": "/l", "target": "a"}]}}`,
		"text":         "disks",
	})
	got, cfg := withIncludes(t, "include: [dir/disks.bu, base.bu, old.bu, j.ign]\nstorage: {files: [{path: /b, contents: {inline: main}}]}\nkernel_arguments: {should_exist: [main]}", Options{Files: files})
	const want = `{"ignition":{"version":"3.6.0"},"kernelArguments":{"shouldExist":["base","disks","main"]},` +
		`"storage":{"files":[{"path":"/a","contents":{"source":"data:,disks","compression":""},"mode":384},{"path":"/b","contents":{"source":"data:,main","compression":""}},` +
		`{"path":"/c","contents":{"source":"data:,%24%7Bparam%3Ax%7D","compression":""}}],"links":[{"path":"/l","target":"a"}]}}`
	if !sameJSON(t, got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for what, origin := range map[string]config.Origin{
		"base.bu, line 3, column 36 (storage.files[0].mode)":                cfg.Storage.Files[0].Origin("mode"),
		"dir/disks.bu, line 4, column 48 (storage.files[0].contents.local)": cfg.Storage.Files[0].Contents.Origin("source"),
		"main.bu, line 4, column 49 (storage.files[0].contents.inline)":     cfg.Storage.Files[1].Contents.Origin("source"),
		"j.ign, line 1, column 67 (storage.links[0].path)":                  cfg.Storage.Links[0].Origin("path"),
	} {
		if origin.String() != what {
			t.Errorf("a value is from %s, want %s", origin, what)
		}
	}
}

// Documents merged one after the other by hand are the same config, in both directions.
func TestIncludeIsTheSameAsMergingByHand(t *testing.T) {
	documents, err := filepath.Glob(corpus + "*.bu")
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	var valid []string
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Translate(text, name, Options{Raw: true}); err == nil {
			valid = append(valid, string(text))
		}
	}
	if len(valid) < 40 {
		t.Fatalf("only %d documents stand alone", len(valid))
	}
	const own = "storage: {files: [{path: /etc/motd, contents: {inline: main}}]}\npasswd: {users: [{name: core, ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1EbnUzNjQ4MzY0ODM2NDgzNjQ4MzY0ODM2NDgzNjQ4 a]}]}\n"
	for i, first := range valid {
		second := valid[(i*7+3)%len(valid)]
		files := filesOf(map[string]string{"first.bu": first, "second.bu": second})
		included, found, err := Translate([]byte(head+"include: [first.bu, second.bu]\n"+own), "main.bu", Options{Files: files})
		merged, mergedProblems, mergedErr := Merge(Options{}, Document{"first.bu", []byte(first)}, Document{"second.bu", []byte(second)}, Document{"main.bu", []byte(head + own)})
		if (err == nil) != (mergedErr == nil) {
			t.Errorf("included: %v\n%s\nmerged: %v\n%s", err, found, mergedErr, mergedProblems)
			continue
		}
		if err != nil {
			continue
		}
		want, err := merged.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(included.JSON) != string(want) || !config.Equal(included.Config, merged) {
			t.Errorf("included:\n%s\nmerged:\n%s\nof\n%s\n%s", included.JSON, want, first, second)
		}
	}
}

func TestIncludedDocumentsAreOpenedOnce(t *testing.T) {
	files := filesOf(map[string]string{
		"base.bu": "storage: {files: [{path: /a, append: [{inline: x}]}, {path: /b, mode: 1}]}",
		"a.bu":    "include: [base.bu]\nstorage: {files: [{path: /b, mode: 2}]}",
		"b.bu":    "include: [./base.bu, sub/../base.bu]",
	})
	_, cfg := withIncludes(t, "include: [a.bu, b.bu, base.bu]", Options{Files: files})
	if n := len(cfg.Storage.Files[0].Append); n != 1 || *cfg.Storage.Files[1].Mode != 2 {
		t.Errorf("base.bu is there %d times, and the mode is %d", n, *cfg.Storage.Files[1].Mode)
	}
}

func TestDocumentsThatCannotBeIncluded(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("self.bu", head+"include: [self.bu]\n")
	write("a.bu", head+"include: [b.bu]\n")
	write("b.bu", head+"include: [c.bu]\n")
	write("c.bu", head+"include: [a.bu]\n")
	write("broken.bu", head+"storage: [\n")
	write("invalid.bu", head+"storage: {files: [{path: a}]}\n")
	write("unknown.bu", "variant: fcos\nversion: 9.0.0\n")
	write("empty.bu", "")
	write("text.bu", "hello\n")
	for i := range 20 {
		write(fmt.Sprintf("deep%d.bu", i), head+fmt.Sprintf("include: [deep%d.bu]\n", i+1))
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644), os.Symlink("gone", filepath.Join(dir, "link")),
		os.WriteFile(filepath.Join(dir, "large"), nil, 0o644), os.Truncate(filepath.Join(dir, "large"), maxIncluded+1)); err != nil {
		t.Fatal(err)
	}
	at := func(name string, line int) string {
		return fmt.Sprintf("error: %s, line %d, ", filepath.Join(dir, name), line)
	}
	for include, want := range map[string][]string{
		"gone.bu":         {"error: main.bu, line 3, column 11 (include[0]): there is no gone.bu in the files directory"},
		"link":            {"error: main.bu, line 3, column 11 (include[0]): link in the files directory", `is a link to "gone", which is not there`},
		"sub":             {"error: main.bu, line 3, column 11 (include[0]): sub in the files directory", "is a directory, not a file; name each document that is to be included"},
		"pipe":            {"error: main.bu, line 3, column 11 (include[0]): pipe in the files directory", "is not a file (p---------), so it cannot be included"},
		"large":           {"error: main.bu, line 3, column 11 (include[0]): large in the files directory", "has more than 16 MiB"},
		"../main.bu":      {`error: main.bu, line 3, column 11 (include[0]): "../main.bu" is outside the files directory`},
		".":               {"error: main.bu, line 3, column 11 (include[0]): this names no file in the files directory"},
		"self.bu":         {at("self.bu", 3) + "column 11 (include[0]): this leads back to the same document without an end: self.bu includes self.bu; leave one of them out"},
		"a.bu":            {at("c.bu", 3) + "column 11 (include[0]): this leads back to the same document without an end: a.bu includes b.bu, which includes c.bu, which includes a.bu"},
		"deep0.bu":        {at("deep15.bu", 3) + "column 11 (include[0]): documents are included in more than 16 steps here: main.bu includes deep0.bu, which includes deep1.bu", "which includes deep16.bu; include them in fewer steps"},
		"broken.bu":       {at("broken.bu", 3), "this is not valid YAML"},
		"invalid.bu":      {at("invalid.bu", 3) + "column 26 (storage.files[0].path): "},
		"unknown.bu":      {at("unknown.bu", 2), "there is no version 9.0.0 of the variant fcos"},
		"empty.bu":        {"error: " + filepath.Join(dir, "empty.bu") + ": the config is empty"},
		"text.bu":         {at("text.bu", 1)},
		"'${param:x}.bu'": {"error: main.bu, line 3, column 11 (include[0]): parameters do not depend on each other, nor does what is included depend on them; write the value itself"},
	} {
		result, problems, err := Translate([]byte(head+"include: ["+include+"]\n"), "main.bu", Options{FilesDir: dir})
		if err == nil || result != nil || len(problems) != 1 {
			t.Errorf("%s: %v, %d problems", include, err, len(problems))
		}
		for _, w := range want {
			if !strings.Contains(problems.String(), w) {
				t.Errorf("%s: there is no %q in\n%s", include, w, problems)
			}
		}
	}
}

func TestTooManyIncludedDocumentsAreRefused(t *testing.T) {
	texts := map[string]string{}
	var names []string
	for i := range maxDocuments + 1 {
		name := fmt.Sprintf("%d.bu", i)
		texts[name] = ""
		names = append(names, name)
	}
	_, problems, err := Translate([]byte(head+"include: ["+strings.Join(names, ", ")+"]\n"), "main.bu", Options{Files: filesOf(texts)})
	if err == nil {
		t.Error("accepted")
	}
	expectMessages(t, problems, "(include[256]): more than 256 documents are included; join some of them")
}

func TestAMachineCannotInclude(t *testing.T) {
	text := []byte(head + "include: [base.bu]\nstorage: {files: [{path: '${param:name}'}]}\n")
	_, problems, err := Parse(text, "user config")
	if err == nil {
		t.Error("accepted")
	}
	const want = `user config, line 3, column 10 (include): what is included are files below the files directory, and there is none; ` +
		`set one with "firstlightctl translate --files-dir DIR". Neither a machine that reads this config itself has one nor a page in the browser: give them the translated config`
	const undeclared = `storage.files[0].path): the parameter "name" is not declared in the documents that can be read`
	expectMessages(t, problems, want, undeclared)
	_, problems, _ = Translate(text, "user config", Options{})
	expectMessages(t, problems, want, undeclared)
	for _, text := range []string{"include: []", "include: null"} {
		if _, problems, err := Parse([]byte(head+text), "x"); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %s", text, err, problems)
		}
	}
}

func TestWarningsOfIncludedDocuments(t *testing.T) {
	files := filesOf(map[string]string{
		"disks.bu": "storage: {disks: [{as: data, match: {serial: S}, partitions: [{number: 1, label: x}]}]}",
		"fs.bu":    "storage: {filesystems: [{device: /dev/firstlight/data-part1, format: xfs}], files: [{path: /a, mode: 644}]}",
	})
	_, problems, err := Translate([]byte(head+"include: [disks.bu, fs.bu]\n"), "main.bu", Options{Files: files})
	if err != nil {
		t.Error(err)
	}
	// Of fs.bu alone it would be said that it does not define the disk.
	expectMessages(t, problems, "warning: fs.bu, line 3, column 102 (storage.files[0].mode): the mode 644 is decimal")

	_, problems, err = Translate([]byte(head+"include: [fs.bu]\n"), "main.bu", Options{Files: files})
	if err != nil {
		t.Error(err)
	}
	expectMessages(t, problems, "the mode 644 is decimal", "no disk of the config has the name")
}

func TestDocumentsThatAreWrongTogether(t *testing.T) {
	files := filesOf(map[string]string{"base.bu": "storage: {files: [{path: /a, user: {id: 5}}]}"})
	_, problems, err := Translate([]byte(head+"include: [base.bu]\nstorage: {files: [{path: /a, user: {name: u}}]}\n"), "main.bu", Options{Files: files})
	if !errors.Is(err, ErrGenerated) {
		t.Error(err)
	}
	expectMessages(t, problems, "main.bu, line 4, column 36 (storage.files[0].user): the user is given by id (5) and by name")
}

func TestFactsHoldForTheirDocument(t *testing.T) {
	files := filesOf(map[string]string{
		"facts.bu": "facts: true\nstorage: {links: [{path: /facts, target: '${fact:hostname}'}], files: [{path: /x, contents: {inline: 'a ${fact:region}'}, when: {region: a}}]}",
		"plain.bu": "storage: {links: [{path: /plain, target: '${fact:hostname} $${fact:region}'}], files: [{path: /y, contents: {inline: '${fact:region}'}}]}",
		"j.ign":    `{"ignition": {"version": "3.3.0"}, "storage": {"links": [{"path": "/json", "target": "${fact:hostname}"}]}}`,
	})
	result, _, err := Translate([]byte(head+"include: [plain.bu, facts.bu, j.ign]\n"), "main.bu", Options{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	machine, _, problems, err := result.Config.WithFacts(func(name string) (string, error) {
		return map[string]string{"hostname": "web1", "region": "a"}[name], nil
	})
	if err != nil {
		t.Fatal(err, problems)
	}
	var got []string
	for _, l := range machine.Storage.Links {
		got = append(got, *l.Target)
	}
	for _, f := range machine.Storage.Files {
		got = append(got, *f.Contents.Source)
	}
	if want := "${fact:hostname} $${fact:region}, web1, ${fact:hostname}, data:,%24%7Bfact%3Aregion%7D, data:,a%20a"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

func TestConditionsAreNotMerged(t *testing.T) {
	files := filesOf(map[string]string{
		"base.bu": "facts: true\nstorage: {files: [{path: /x, when: {region: a}}, {path: /y}]}\nsystemd: {units: [{name: a.service, dropins: [{name: a.conf, contents: '[Unit]', when: {region: a}}]}]}",
	})
	for _, c := range []struct{ text, want string }{
		{"storage: {files: [{path: /x, mode: 0600}]}", "main.bu, line 5, column 19 (storage.files[0]): this is merged with an entry of another document (base.bu, line 4, column 19 (storage.files[0])), and one of the two has a condition"},
		{"storage: {links: [{path: /x, target: y}]}", "main.bu, line 5, column 19 (storage.links[0]): this is merged with an entry of another document"},
		{"facts: true\nstorage: {files: [{path: /y, when: {zone: z}}]}", "main.bu, line 6, column 19 (storage.files[0]): this is merged with an entry of another document"},
		{"systemd: {units: [{name: a.service, dropins: [{name: a.conf, contents: '[Install]'}]}]}", "main.bu, line 5, column 47 (systemd.units[0].dropins[0]): this is merged"},
		{"storage: {files: [{path: /z, mode: 0600}, {path: /y, mode: 0600}]}\nsystemd: {units: [{name: a.service, enabled: true}]}", ""},
	} {
		_, problems, err := Translate([]byte(head+"include: [base.bu]\n\n"+c.text+"\n"), "main.bu", Options{Files: files})
		if (err != nil) != (c.want != "") {
			t.Errorf("%s: %v", c.text, err)
		}
		if !strings.Contains(problems.String(), c.want) {
			t.Errorf("%s: there is no %q in\n%s", c.text, c.want, problems)
		}
	}
}

func TestOtherVariantsHaveNoIncludes(t *testing.T) {
	_, problems, err := Translate([]byte("variant: fcos\nversion: 1.7.0\ninclude: [a.bu]\nparams: {x: {}}\nstorage: {files: [{path: '/${param:x}'}]}\n"), "main.bu", Options{})
	if err != nil {
		t.Error(err)
	}
	expectMessages(t, problems, `(include): "include" is a key of firstlight and has no effect in fcos 1.7.0`, `(params): "params" is a key of firstlight and has no effect in fcos 1.7.0`)
}

// Random documents that include each other are the same as what a person merges by hand: each
// once, after what it includes.
func TestRandomIncludesAreTheSameAsMergingByHand(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) string { return all[random.IntN(len(all))] }
	body := func() string {
		var b strings.Builder
		b.WriteString("storage:\n  files:\n")
		for range 1 + random.IntN(3) {
			fmt.Fprintf(&b, "    - path: /f%d\n", random.IntN(1000)%3)
			fmt.Fprintf(&b, "      %s\n", pick("mode: 0600", "overwrite: true", "append: [{inline: a}]", "user: {name: u}", "contents: {inline: x, compression: gzip}", "contents: {source: 'http://a/b'}"))
		}
		fmt.Fprintf(&b, "  links: [{path: /%s, target: %s}]\n", pick("f0", "l1", "l2"), pick("a", "b"))
		fmt.Fprintf(&b, "systemd: {units: [{name: %s.service, %s, dropins: [{name: %s.conf, contents: '[%s]'}]}]}\n", pick("a", "b"), pick("enabled: true", "mask: false"), pick("x", "y"), pick("Unit", "Service"))
		fmt.Fprintf(&b, "kernel_arguments: {%s: [%s]}\n", pick("should_exist", "should_not_exist"), pick("a", "b", "c"))
		fmt.Fprintf(&b, "passwd: {users: [{name: %s, groups: [%s]}]}\n", pick("u", "v"), pick("g", "h"))
		return b.String()
	}
	valid := 0
	for range 1000 {
		texts, bodies, includes := map[string]string{}, map[string]string{}, map[string][]string{}
		var names []string
		for i := range 2 + random.IntN(5) {
			name := fmt.Sprintf("%d.bu", i)
			for range random.IntN(3) {
				if i > 0 {
					includes[name] = append(includes[name], names[random.IntN(i)])
				}
			}
			names = append(names, name)
			bodies[name] = head + body()
			texts[name] = bodies[name] + "include: [" + strings.Join(includes[name], ", ") + "]\n"
		}
		main := names[len(names)-1]
		var order []Document
		var visit func(name string)
		visit = func(name string) {
			for _, other := range includes[name] {
				visit(other)
			}
			if !slices.ContainsFunc(order, func(d Document) bool { return d.Name == name }) {
				order = append(order, Document{name, []byte(bodies[name])})
			}
		}
		visit(main)
		merged, _, mergedErr := Merge(Options{}, order...)
		included, problems, err := Translate([]byte(texts[main]), main, Options{Files: filesOf(texts)})
		if (err == nil) != (mergedErr == nil) {
			t.Fatalf("included: %v %s\nmerged: %v\n%v", err, problems, mergedErr, texts)
		}
		if err != nil {
			continue
		}
		valid++
		want, err := merged.MarshalJSON()
		if err != nil || string(included.JSON) != string(want) {
			t.Fatalf("%v\nincluded %s\nmerged   %s\n%v", err, included.JSON, want, texts)
		}
		for i := range merged.Storage.Files {
			if got, want := included.Config.Storage.Files[i].Origin("path"), merged.Storage.Files[i].Origin("path"); got != want {
				t.Fatalf("a path is from %v, and from %v if merged by hand", got, want)
			}
		}
	}
	if valid < 100 {
		t.Errorf("only %d of the documents are valid", valid)
	}
}
