package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

const corpus = "../../config/butane/testdata/corpus/"

func filesOf(t testing.TB, pattern string, least int) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < least {
		t.Fatalf("%d files: %v", len(names), err)
	}
	return names
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// translated is what a document means, or why it is refused.
func translated(text []byte, filesDir string) string {
	result, problems, err := butane.Translate(text, "a.bu", butane.Options{FilesDir: filesDir})
	if err != nil {
		var all []string
		for _, p := range problems { // their lines are others
			all = append(all, p.Severity.String()+" "+p.Origin.Path)
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	return string(result.JSON)
}

func TestTheCorpusMeansTheSame(t *testing.T) {
	for _, name := range filesOf(t, corpus+"*.bu", 80) {
		original := readFile(t, name)
		filesDir := strings.TrimSuffix(name, ".bu") + ".files"
		for _, text := range layouts(t, original) {
			formatted, err := Config(text, name)
			if err != nil {
				if translated(text, filesDir) != translated([]byte("variant: fcos\n\t"), "") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			checkFormatted(t, text, formatted)
			if got, want := translated(formatted, filesDir), translated(text, filesDir); got != want {
				t.Errorf("%s: formatted, it means\n%+v\nbefore\n%+v", name, got, want)
			}
		}
	}
}

// layouts returns a document in some layouts.
func layouts(t *testing.T, text []byte) [][]byte {
	all := [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))}
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return all
	}
	for indent := 1; indent < 9; indent++ {
		var b bytes.Buffer
		e := yaml.NewEncoder(&b)
		e.SetIndent(indent)
		if err := e.Encode(&document); err != nil {
			t.Fatal(err)
		}
		var again yaml.Node // the library writes some texts that it does not read
		if yaml.Unmarshal(b.Bytes(), &again) == nil {
			all = append(all, b.Bytes())
		}
	}
	return all
}

func TestConfigsMeanTheSame(t *testing.T) {
	for _, name := range filesOf(t, corpus+"*.ign", 60) {
		text := readFile(t, name)
		if text[0] != '{' {
			continue // a MachineConfig
		}
		formatted, err := Config(text, name)
		if err != nil {
			t.Fatal(err)
		}
		checkFormatted(t, text, formatted)
		before, _, err := config.Parse(text, name)
		if err != nil {
			continue // the rest of a MachineConfig
		}
		after, _, err := config.Parse(formatted, name)
		if err != nil || !config.Equal(before, after) {
			t.Errorf("%s: %v: formatted, it means\n%+v\nbefore\n%+v", name, err, after, before)
		}
	}
}

// checkFormatted checks what is so of every text that was formatted.
func checkFormatted(t *testing.T, text, formatted []byte) {
	t.Helper()
	again, err := Config(formatted, "again")
	if err != nil || !bytes.Equal(again, formatted) {
		t.Errorf("%q\nis formatted as\n%q\nand again as\n%q: %v", text, formatted, again, err)
	}
	if text[0] == '{' {
		return
	}
	// Each comment has the same neighbours: the lines are the same but for white space.
	if before, after := words(text), words(formatted); !slices.Equal(before, after) {
		t.Errorf("formatted, these are the lines\n%q\nbefore\n%q", after, before)
	}
	var before, after any
	if yaml.Unmarshal(text, &before) == nil {
		if err := yaml.Unmarshal(formatted, &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%q\nis formatted as\n%q: %v", text, formatted, err)
		}
	}
}

// words are the lines that are not blank, with one space between their words.
func words(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 {
			all = append(all, strings.Join(words, " "))
		}
	}
	return all
}

func TestRandomDocumentsMeanTheSame(t *testing.T) {
	for seed := range uint64(1000) {
		d := &random{Rand: rand.New(rand.NewPCG(seed, 0))}
		text := d.document()
		formatted, err := Config(text, "random")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		checkFormatted(t, text, formatted)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// random writes documents with random layouts.
type random struct {
	*rand.Rand
	b      strings.Builder
	number int
	end    string
}

func (d *random) document() []byte {
	d.end = []string{"\n", "\n", "\r\n"}[d.IntN(3)]
	d.blanks()
	d.b.WriteString("variant: fcos" + d.end)
	d.mapping(0, 4)
	return []byte(d.b.String())
}

// blanks writes what can be between lines.
func (d *random) blanks() {
	for d.IntN(4) == 0 {
		spaces := strings.Repeat(" ", d.IntN(9))
		if d.IntN(2) == 0 {
			d.number++
			spaces += fmt.Sprintf("# %d: - [", d.number)
		}
		d.b.WriteString(spaces + d.end)
	}
}

// lineEnd ends a line, perhaps with a comment.
func (d *random) lineEnd() {
	d.b.WriteString([]string{"", "", "", " ", "   # a: 'b"}[d.IntN(5)] + d.end)
}

func (d *random) mapping(indent, depth int) {
	for i := range 1 + d.IntN(4) {
		if i > 0 || indent == 0 {
			d.blanks()
			d.b.WriteString(strings.Repeat(" ", indent))
		}
		d.number++
		key := fmt.Sprintf([]string{"k%d", "'k %d'", `"k\t%d"`, "&a%[1]d k%[1]d", "ключ%d"}[d.IntN(5)], d.number)
		d.b.WriteString(key + ":")
		d.value(indent, depth-1, true)
	}
}

func (d *random) list(indent, depth int) {
	for i := range 1 + d.IntN(3) {
		if i > 0 {
			d.blanks()
			d.b.WriteString(strings.Repeat(" ", indent))
		}
		d.b.WriteString("-")
		d.value(indent, depth-1, false)
	}
}

// value writes what follows a dash or a colon.
func (d *random) value(indent, depth int, ofKey bool) {
	space := strings.Repeat(" ", 1+d.IntN(4))
	inner := indent + 1 + d.IntN(6)
	switch kind := d.IntN(9); {
	case depth > 0 && kind < 3: // on lines of its own
		if d.IntN(3) == 0 {
			d.b.WriteString(" !!map")
			kind = 0
		}
		d.lineEnd()
		d.blanks()
		if kind == 1 && ofKey && d.IntN(2) == 0 {
			inner = indent
		}
		d.b.WriteString(strings.Repeat(" ", inner))
		if kind == 0 || kind == 2 {
			d.mapping(inner, depth)
		} else {
			d.list(inner, depth)
		}
	case depth > 0 && kind < 5 && !ofKey: // on the line of the dash
		d.b.WriteString(space)
		inner = indent + 1 + len(space)
		if kind == 3 {
			d.mapping(inner, depth)
		} else {
			d.list(inner, depth)
		}
	case kind == 5:
		d.blockScalar(space, indent, inner)
	default:
		d.b.WriteString(space)
		d.flow(inner)
		d.lineEnd()
	}
}

func (d *random) blockScalar(space string, indent, inner int) {
	d.b.WriteString(space + []string{"|", ">"}[d.IntN(2)])
	if d.IntN(3) == 0 {
		inner = indent + 1 + d.IntN(4)
		fmt.Fprint(&d.b, inner-indent)
	}
	d.b.WriteString([]string{"", "-", "+"}[d.IntN(3)] + d.end)
	for range 1 + d.IntN(4) {
		for d.IntN(4) == 0 {
			d.b.WriteString(strings.Repeat(" ", d.IntN(inner+1)) + d.end)
		}
		d.b.WriteString(strings.Repeat(" ", inner) + []string{"text", "# text", "- a: 'b ", "%s\t", "'"}[d.IntN(5)] + d.end)
	}
}

// flow writes a value that goes on in lines of this indentation.
func (d *random) flow(indent int) {
	next := d.end + strings.Repeat(" ", indent)
	texts := []string{
		"0644", "'0644'", "~", "!!str 12", "1e3", `"\u00e4 # ' \" : "`, "'it''s # \" '", "a b:c d#e",
		"a" + next + "b" + d.end + next + "c - d", `"a` + next + "# b  " + d.end + next + `\  c\` + next + `d"`,
		"'a  " + next + "- b''" + d.end + d.end + next + "c'", "[a,   'b'," + next + "# c" + next + "{d:   e}" + d.end + "]", "{}", "{a: [" + next + "]," + next + "b}",
	}
	d.b.WriteString(texts[d.IntN(len(texts))])
}
