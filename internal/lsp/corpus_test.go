package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// corpus has documents of both languages, by URI.
func corpus(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../config/butane/testdata/corpus/*.bu")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d documents: %v", len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all["file:///"+filepath.Base(file)] = string(text)
		result, _, err := butane.Translate(text, "x", butane.Options{FilesDir: strings.TrimSuffix(file, ".bu") + ".files", Raw: true})
		if err == nil {
			all["file:///"+filepath.Base(file)+".ign"] = string(result.JSON)
		}
	}
	return all
}

// Each key of the corpus is offered after its first letter, whether the text ends there, or
// only its line does and the rest of the text follows; so is each value that is one of a
// few.
func TestTheCorpusCanBeCompleted(t *testing.T) {
	keys, values := 0, 0
	for uri, text := range corpus(t) {
		s := newServer(nil, Options{})
		s.setDocument(uri, "", 1, text)
		d := s.documents[uri]
		ask := func(at span, label string) {
			cut := at.start + 1
			if strings.ContainsRune("\"'", rune(text[at.start])) {
				cut++
			}
			rest := text[cut:]
			for _, after := range []string{"", rest[strings.IndexByte(rest+"\n", '\n'):]} {
				s.setDocument(uri, "", 1, text[:cut]+after)
				if !s.offers(uri, cut, label) {
					t.Errorf("%s: %q is not offered behind\n%s", uri, label, text[max(0, cut-200):cut])
				}
			}
		}
		d.root.all(func(v *value) bool {
			place := d.language().At(v.path()...)
			if place == nil {
				return true
			}
			if v.key != "" {
				keys++
				ask(v.keySpan, v.key)
			}
			if v.kind == scalar && slices.Contains(place.Values, v.text) && place.Name != "variant" && place.Name != "version" {
				values++
				ask(v.span, v.text)
			}
			return true
		})
	}
	if keys < 1000 || values < 100 {
		t.Errorf("only %d keys and %d values were asked for", keys, values)
	}
}

func (s *server) offers(uri string, offset int, label string) bool {
	d := s.documents[uri]
	got, _ := s.completion(&positionParams{Document: textDocument{uri}, Position: d.position(offset)})
	list, ok := got.(map[string]any)
	return ok && slices.ContainsFunc(list["items"].([]completionItem), func(i completionItem) bool { return i.Label == label })
}

// Where the readers find a value, the outline has the same one.
func TestOutlineOfTheCorpusIsThatOfTheReaders(t *testing.T) {
	compared := 0
	for uri, text := range corpus(t) {
		s := newServer(nil, Options{})
		s.setDocument(uri, "", 1, text)
		d := s.documents[uri]
		result := checkDocument(d, "")
		if result.Config == nil {
			continue
		}
		compare := func(o doc.Object, member, want string) {
			at := o.Origin(member)
			v, _ := d.find(d.Offset(at.Line, at.Column))
			made := !strings.HasSuffix(at.Path, "."+member) // of something else, such as a mount unit
			if made || v == nil || v.style == '*' || v.style == '|' || v.style == '>' {
				return
			}
			if compared++; v.text != want || dotted(v) != at.Path {
				t.Errorf("%s: %s is %q at %s, want %q", uri, at.Path, v.text, dotted(v), want)
			}
		}
		for i := range result.Config.Storage.Files {
			f := &result.Config.Storage.Files[i]
			compare(f.Object, "path", f.Path)
		}
		for i := range result.Config.Systemd.Units {
			u := &result.Config.Systemd.Units[i]
			compare(u.Object, "name", u.Name)
			if u.Contents != nil {
				compare(u.Object, "contents", *u.Contents)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d values were compared", compared)
	}
}

// dotted is the path of a value as origins have it.
func dotted(v *value) string {
	if v.parent == nil {
		return ""
	}
	up := dotted(v.parent)
	if v.parent.kind == list {
		return fmt.Sprintf("%s[%d]", up, v.index)
	}
	return strings.TrimPrefix(up+"."+v.key, ".")
}
