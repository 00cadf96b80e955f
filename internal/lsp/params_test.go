package lsp

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const firstlightHead = "variant: firstlight\nversion: 1.0.0\n"

// included makes documents in a directory, which it returns.
func included(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(firstlightHead+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const ownText = firstlightHead + "include: [sub/base.bu]\nparams:\n  role: {description: what it does, default: web}\nstorage:\n  files:\n    - path: /a\n"

func baseOf(t *testing.T) string {
	return included(t, map[string]string{
		"sub/base.bu": "include: [more.bu]\nparams:\n  port: {type: int, default: 80}\n  role: {}\n",
		"more.bu":     "include: [sub/base.bu]\nparams: {region: {}}\n",
	})
}

func TestParametersAreCompleted(t *testing.T) {
	dir := baseOf(t)
	uri := uriOf(filepath.Join(dir, "web1.bu"))
	all := []string{"role}", "port}", "region}"}
	for name, c := range map[string]struct {
		text string
		want []string // nil if there are others than parameters
	}{
		"behind the colon":     {ownText + "      mode: ${param:‸\n", all},
		"half a name":          {ownText + "      mode: ${param:po‸\n", all},
		"in the middle":        {ownText + "      mode: ${param:p‸ort}\n", []string{"role", "port", "region"}},
		"in quotes":            {ownText + "      user: {name: \"x-${param:‸\"}\n", all},
		"in a block":           {ownText + "      contents:\n        inline: |\n          a $${param:role} $$${param:‸\n", all},
		"behind another one":   {ownText + "      mode: ${param:role}‸\n", nil},
		"escaped":              {ownText + "      mode: $${param:‸\n", nil},
		"another kind":         {ownText + "      mode: ${fact:‸\n", nil},
		"in another variant":   {"variant: fcos\nversion: 1.7.0\nparams: {x: {}}\nstorage:\n  files:\n    - path: ${param:‸\n", nil},
		"nothing is declared":  {firstlightHead + "storage:\n  files:\n    - path: ${param:‸\n", []string{}},
		"the text is damaged":  {ownText + "      mode: [${param:‸\n", all},
		"types of a parameter": {firstlightHead + "params:\n  x:\n    type: ‸\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			p := client.open(uri, c.text)
			var got struct{ Items []completionItem }
			client.request("textDocument/completion", at(uri, p), &got)
			var texts []string
			for _, item := range got.Items {
				texts = append(texts, item.TextEdit.NewText)
			}
			switch {
			case name == "types of a parameter":
				if !slices.Equal(texts, []string{"string", "int", "bool"}) {
					t.Errorf("got %q", texts)
				}
			case c.want == nil:
				if slices.Contains(texts, "role}") || slices.Contains(texts, "role") || slices.Contains(texts, "x}") {
					t.Errorf("parameters are offered: %q", texts)
				}
			case !slices.Equal(texts, c.want):
				t.Errorf("got %q, want %q", texts, c.want)
			}
		})
	}
}

func TestColonOfAKeyTriggersNothing(t *testing.T) {
	client := start(t, Options{})
	const uri = "file:///a.bu"
	p := client.open(uri, "variant: fcos\nversion: 1.7.0\nstorage:\n  filesystems:\n    - format:‸\n")
	var got any
	client.request("textDocument/completion", strings.TrimSuffix(at(uri, p), "}")+`, "context": {"triggerKind": 2, "triggerCharacter": ":"}}`, &got)
	if got != nil {
		t.Errorf("got %v", got)
	}
}

func TestDefinitionOfParametersAndIncludes(t *testing.T) {
	dir := baseOf(t)
	uri := uriOf(filepath.Join(dir, "web1.bu"))
	for name, c := range map[string]struct {
		text string
		want []string // files and lines
	}{
		"in an included document":     {ownText + "      mode: ${param:po‸rt}\n", []string{"sub/base.bu 5"}},
		"in two documents":            {ownText + "      mode: ${pa‸ram:role}\n", []string{"web1.bu 5", "sub/base.bu 6"}},
		"far away, in a block":        {ownText + "      contents:\n        inline: |\n          a ${param:reg‸ion} b\n", []string{"more.bu 4"}},
		"what is not declared":        {ownText + "      mode: ${param:oth‸er}\n", nil},
		"what is escaped":             {ownText + "      mode: $${param:po‸rt}\n", nil},
		"an included document":        {strings.Replace(ownText, "base.bu", "ba‸se.bu", 1), []string{"sub/base.bu 1"}},
		"a document outside":          {strings.Replace(ownText, "sub/base.bu", "../ba‸se.bu", 1), nil},
		"an included one not in flow": {firstlightHead + "include:\n  - mo‸re.bu\n", []string{"more.bu 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := start(t, Options{})
			p := client.open(uri, c.text)
			var got []location
			client.request("textDocument/definition", at(uri, p), &got)
			var places []string
			for _, l := range got {
				file, err := filepath.Rel(dir, pathOf(l.URI))
				if err != nil {
					t.Fatal(err)
				}
				places = append(places, filepath.ToSlash(file)+" "+string(rune('1'+l.Range.Start.Line)))
			}
			if !slices.Equal(places, c.want) {
				t.Errorf("got %q, want %q", places, c.want)
			}
		})
	}
}

func TestHoverExplainsParameters(t *testing.T) {
	uri := uriOf(filepath.Join(baseOf(t), "web1.bu"))
	client := start(t, Options{})
	p := client.open(uri, ownText+"      mode: ${param:ro‸le}\n")
	client.diagnostics(uri, 1)
	var got struct{ Contents markdown }
	client.request("textDocument/hover", at(uri, p), &got)
	if want := "**role** (parameter, string)\n\nwhat it does\n\nDefault: `web`."; !strings.HasPrefix(got.Contents.Value, want) {
		t.Errorf("got %q, want %q", got.Contents.Value, want)
	}
}

func TestProblemsOfIncludedDocuments(t *testing.T) {
	dir := included(t, map[string]string{
		"base.bu":  "include: [deep.bu]\nparams: {mode: {type: int}}\nstorage:\n  files:\n    - path: etc/a\n      mode: ${param:mode}\n",
		"deep.bu":  "storage: {links: [{path: l, target: x}]}\n",
		"other.bu": "",
	})
	uri := uriOf(filepath.Join(dir, "web1.bu"))
	c := start(t, Options{})
	text := firstlightHead + "include: [other.bu, base.bu]\nstorage:\n  files:\n    - path: /b\n      mode: ${param:mod}\n"
	c.open(uri, text)
	in := newText(text, utf16Units)
	var got []string
	for _, d := range c.diagnostics(uri, 1) {
		line := string(rune('0'+d.Severity)) + " " + in.string[in.offset(d.Range.Start):in.offset(d.Range.End)] + ": " + d.Message
		for _, r := range d.Related {
			line += " -> " + filepath.Base(pathOf(r.Location.URI)) + " " + string(rune('1'+r.Location.Range.Start.Line))
		}
		got = append(got, line)
	}
	want := []string{
		"3 base.bu: base.bu, line 4, column 10 (params.mode): the parameter \"mode\" has no value",
		"1 include: deep.bu, line 3, column 26 (storage.links[0].path): ",
		"3 base.bu: base.bu, line 8, column 13 (storage.files[0].mode): the parameter \"mode\" has no value",
		"1 base.bu: base.bu, line 7, column 13 (storage.files[0].path): ",
		"1 ${param:mod}: the parameter \"mod\" is not declared; did you mean \"mode\"?",
	}
	ends := []string{" -> base.bu 4", " -> deep.bu 3", " -> base.bu 8", " -> base.bu 7", "dollar"}
	if len(got) != len(want) {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) || !strings.HasSuffix(got[i], ends[i]) {
			t.Errorf("got  %s\nwant %s ... %s", got[i], want[i], ends[i])
		}
	}
}

func TestWhatIsTypedInAnIncludedDocumentCounts(t *testing.T) {
	dir := baseOf(t)
	c := start(t, Options{})
	base := uriOf(filepath.Join(dir, "sub/base.bu"))
	c.open(base, firstlightHead+"params: {fresh: {}}\n")
	c.diagnostics(base, 1)
	uri := uriOf(filepath.Join(dir, "web1.bu"))
	p := c.open(uri, ownText+"      mode: ${param:‸\n")
	var got struct{ Items []completionItem }
	c.request("textDocument/completion", at(uri, p), &got)
	if len(got.Items) != 2 || got.Items[1].Label != "fresh" {
		t.Errorf("got %v", got.Items)
	}
}
