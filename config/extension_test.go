package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// chosenData is a disk that is chosen by its properties, and used.
const chosenData = `"firstlight":{"disks":[{"as":"data","match":{"serial":"S1"}}]},"storage":{"filesystems":[{"device":"/dev/firstlight/data","format":"xfs"}]}`

// extendedDocument is a config of a version as it is written, without its outer braces.
func extendedDocument(version, text string) []byte {
	return []byte(strings.TrimSuffix(`{"ignition":{"version":"`+version+`"},`+text, ",") + "}")
}

func TestVersionsWithExtensions(t *testing.T) {
	for version, c := range map[string]struct {
		plain string // "" is refused
		kind  error
		rule  Rule
		words string
	}{
		"3.6.0+firstlight.1":              {plain: "3.6.0"},
		"03.6.0+firstlight.1":             {plain: "3.6.0"},
		"3.7.0-experimental+firstlight.1": {plain: "3.7.0-experimental"},
		"3.6.0+firstlight.2":              {kind: ErrUnknownVersion, rule: RuleVersionNewer, words: `it knows "3.6.0+firstlight.1"; update this program`},
		"3.6.0+firstlight.10":             {kind: ErrUnknownVersion, rule: RuleVersionNewer, words: "update this program"},
		"3.5.0+firstlight.1":              {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `exist since version 3.6.0; write "3.6.0+firstlight.1"`},
		"3.6.0+firstlight":                {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `"+firstlight" in version`},
		"3.6.0+firstlight.0":              {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `extensions of Firstlight are "+firstlight.1"`},
		"3.6.0+firstlight.01":             {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `"+firstlight.01" in version`},
		"3.6.0+firstlight.1.1":            {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `is unknown`},
		"3.6.0+Firstlight.1":              {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `is unknown`},
		"3.6.0+firstlights":               {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: `is unknown`},
		"9.0.0+firstlight.1":              {kind: ErrUnknownVersion, rule: RuleVersionNewer, words: "newer than this program knows"},
		"2.3.0+firstlight.1":              {kind: ErrSpec2, rule: RuleVersionSpec2, words: "is of spec 2"},
		"3.6.0+other":                     {kind: ErrUnknownVersion, rule: RuleVersionUnknown, words: "is not supported; supported are"},
	} {
		cfg, problems, err := Parse(extendedDocument(version, chosenData), "test")
		switch {
		case c.plain == "" && (!errors.Is(err, c.kind) || len(problems) != 1 || problems[0].Rule != c.rule || problems[0].Origin.Path != "ignition.version" || !strings.Contains(problems[0].Message, c.words)):
			t.Errorf("%s: got %v, want rule %d, %v and %q", version, problems, c.rule, c.kind, c.words)
		case c.plain != "" && (err != nil || len(problems) > 0):
			t.Errorf("%s: got %v, %s", version, err, problems)
		case c.plain != "" && (cfg.Ignition.Version != c.plain || !cfg.IsExtended() || printedText(t, cfg) != string(extendedDocument(c.plain+"+firstlight.1", chosenData))):
			t.Errorf("%s: it is printed as %s", version, printedText(t, cfg))
		}
	}
}

func printedText(t *testing.T, c *Config) string {
	t.Helper()
	text, err := c.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return canonical(t, text)
}

// canonical has the members of objects in the order of the documents here.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	out := `{"ignition":` + string(m["ignition"])
	for _, name := range []string{"firstlight", "storage"} {
		if m[name] != nil {
			out += `,"` + name + `":` + string(m[name])
		}
	}
	return out + "}"
}

func TestPlainVersionsHaveNoExtensions(t *testing.T) {
	for _, v := range Versions() {
		for _, key := range []string{`"firstlight":{}`, `"firstlight":null`, `"FirstLight":{"disks":[]}`, `"firstlight":{"disks":[{"as":"data"}]}`} {
			_, problems, err := Parse(document(v, key), "test")
			hint := max(v, V3_6).String() + "+firstlight.1"
			if !errors.Is(err, ErrInvalid) || len(problems) != 1 || problems[0].Rule != RuleExtensionVersion || !strings.Contains(problems[0].Message, hint) {
				t.Errorf("%s: %s: got %s, want one problem that names %s", v, key, problems, hint)
			}
		}
	}
}

func TestExtendedConfigsWithoutExtensionsArePrintedPlain(t *testing.T) {
	for _, text := range []string{"", `"firstlight":{}`, `"firstlight":{"disks":[]}`, `"storage":{}`} {
		cfg, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", text), "test")
		if err != nil || len(problems) > 0 {
			t.Fatalf("%s: %v %s", text, err, problems)
		}
		if got := printedText(t, cfg); cfg.IsExtended() || strings.Contains(got, "firstlight") {
			t.Errorf("%s: it is printed as %s", text, got)
		}
		if err := cfg.CheckPlain(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestConfigsThatAreFilledInAreExtendedByWhatIsInThem(t *testing.T) {
	cfg := New(V3_6)
	cfg.Firstlight.Disks = []ChosenDisk{{As: "data", Match: DiskMatch{Serial: new("S1")}}}
	cfg.Storage.Filesystems = []Filesystem{{Device: "/dev/firstlight/data", Format: new("xfs")}}
	if got, want := printedText(t, cfg), string(extendedDocument("3.6.0+firstlight.1", chosenData)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if problems := cfg.Validate(); len(problems) > 0 {
		t.Errorf("%s", problems)
	}
	cfg.Ignition.Version += ExtendedSuffix // as somebody may write it
	if v, err := cfg.Version(); v != V3_6 || err != nil {
		t.Errorf("the version is %v, %v", v, err)
	}
	if got, want := printedText(t, cfg), string(extendedDocument("3.6.0+firstlight.1", chosenData)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	cfg.Firstlight.Disks = nil
	if got := printedText(t, cfg); strings.Contains(got, `"firstlight"`) || strings.Contains(got, "+") {
		t.Errorf("without extensions it is printed as %s", got)
	}

	old := New(V3_5)
	old.Firstlight.Disks = []ChosenDisk{{As: "data"}}
	if _, err := old.MarshalJSON(); !errors.Is(err, ErrNotInVersion) {
		t.Errorf("version 3.5.0 with extensions: %v", err)
	}
}

// Each member of Firstlight makes a config an extended one: none is forgotten.
func TestEachExtensionIsOne(t *testing.T) {
	typ := reflect.TypeFor[Firstlight]()
	for i := range typ.NumField() {
		if typ.Field(i).Anonymous {
			continue
		}
		cfg := New(V3_6)
		f := reflect.ValueOf(&cfg.Firstlight).Elem().Field(i)
		switch f.Kind() {
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		default:
			t.Fatalf("this test does not know how to fill %s", typ.Field(i).Name)
		}
		if !cfg.IsExtended() || cfg.CheckPlain() == nil {
			t.Errorf("%s: it is no extension", typ.Field(i).Name)
		}
	}
}

func TestPlainAndExtendedConfigsAreMerged(t *testing.T) {
	extended, _, err := Parse(extendedDocument("3.6.0+firstlight.1", chosenData), "extended")
	if err != nil {
		t.Fatal(err)
	}
	plain := parsedAs(t, "plain", V3_7Experimental, `"storage":{"disks":[{"device":"/dev/firstlight/data","wipeTable":true}]}`)
	for name, merged := range map[string]*Config{"extended parent": Merge(extended, plain), "extended child": Merge(plain, extended)} {
		text := printedText(t, merged)
		if !merged.IsExtended() || !strings.HasPrefix(text, `{"ignition":{"version":"3.7.0-experimental+firstlight.1"}`) {
			t.Errorf("%s: got %s", name, text)
		}
		if problems := merged.ValidateMerged(); problems.HasErrors() {
			t.Errorf("%s: %s", name, problems)
		}
		if at := merged.Firstlight.Disks[0].Match.Origin("serial"); at.Source != "extended" || at.Path != "firstlight.disks[0].match.serial" {
			t.Errorf("%s: the serial number comes from %v", name, at)
		}
	}

	// A child's disk of the same name has its own properties, and the parent's others.
	child, _, err := Parse(extendedDocument("3.6.0+firstlight.1", `"firstlight":{"disks":[{"as":"data","match":{"transport":"nvme"},"pick":"largest"}]}`), "child")
	if err != nil {
		t.Fatal(err)
	}
	disks := Merge(extended, child).Firstlight.Disks
	if len(disks) != 1 || *disks[0].Match.Serial != "S1" || *disks[0].Match.Transport != "nvme" || *disks[0].Pick != PickLargest {
		t.Errorf("got %+v", disks)
	}
}

func TestReferencedConfigsCanBeExtended(t *testing.T) {
	children := map[string]string{
		"http://a": string(extendedDocument("3.6.0+firstlight.1", chosenData)),
		"http://b": `{"ignition":{"version":"3.4.0"}}`,
	}
	parent := parsed(t, V3_4, `"ignition":{$V,"config":{"merge":[{"source":"http://a"},{"source":"http://b"}]}}`)
	r := Resolver{Fetch: func(ref Resource) (*Config, int, error) {
		cfg, _, err := Parse([]byte(children[*ref.Source]), *ref.Source)
		return cfg, 0, err
	}}
	cfg, err := r.Resolve(parent)
	if err != nil || !cfg.IsExtended() || cfg.Ignition.Version != "3.6.0" {
		t.Errorf("got %+v, %v", cfg.Ignition.Version, err)
	}
}

func TestExtensionsAreSaved(t *testing.T) {
	cfg, _, err := Parse(extendedDocument("3.6.0+firstlight.1", chosenData), "user config")
	if err != nil {
		t.Fatal(err)
	}
	text, origins := cfg.Save()
	if !strings.Contains(string(text), `"version":"3.7.0-experimental+firstlight.1"`) {
		t.Errorf("got %s", text)
	}
	loaded, err := Load(text, origins, "cache")
	if err != nil {
		t.Fatal(err)
	}
	at := loaded.Firstlight.Disks[0].Origin("as")
	if !loaded.IsExtended() || loaded.Ignition.Version != Newest.String() || at != cfg.Firstlight.Disks[0].Origin("as") {
		t.Errorf("got version %s, and an origin of %v", loaded.Ignition.Version, at)
	}
	if again, _ := loaded.Save(); string(again) != string(text) {
		t.Errorf("it is saved as %s, and then as %s", text, again)
	}
	plain, _ := parsed(t, V3_6, "").Save()
	if strings.Contains(string(plain), "firstlight") {
		t.Errorf("a plain config is saved as %s", plain)
	}
}

func TestTranslationOfExtensions(t *testing.T) {
	cfg, _, err := Parse(extendedDocument("3.6.0+firstlight.1", strings.Replace(chosenData, `}]},"st`, `},{"as":"logs","match":{"wwn":"0x1"}}]},"st`, 1)), "test")
	if err != nil {
		t.Fatal(err)
	}
	later, err := cfg.TranslateTo(V3_7Experimental)
	if err != nil || !later.IsExtended() || !strings.Contains(printedText(t, later), "3.7.0-experimental+firstlight.1") {
		t.Errorf("in a later version: %v", err)
	}
	_, lower := cfg.TranslateTo(V3_5)
	_, _, upTo := ParseUpTo(V3_7Experimental, extendedDocument("3.6.0+firstlight.1", chosenData), "test")
	for name, err := range map[string]error{"a lower version": lower, "plain": cfg.CheckPlain(), "a program without extensions": upTo} {
		var refusal *ParseError
		if !errors.As(err, &refusal) || !errors.Is(err, ErrNotInVersion) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		p := refusal.Problems[0]
		if p.Rule != RuleTranslationLoss || p.Origin.Path != "firstlight.disks[0]" || !strings.Contains(p.Message, "an extension of Firstlight (firstlight.disks)") {
			t.Errorf("%s: got %s", name, refusal.Problems)
		}
	}
	if refusal := lower.(*ParseError); len(refusal.Problems) != 2 || refusal.Problems[1].Origin.Path != "firstlight.disks[1]" {
		t.Errorf("not each extension is named once: %s", refusal.Problems)
	}
}

func TestExtensionsAreComparedAndCopied(t *testing.T) {
	cfg, _, err := Parse(extendedDocument("3.6.0+firstlight.1", chosenData), "test")
	if err != nil {
		t.Fatal(err)
	}
	other := cfg.Clone()
	if !Equal(cfg, other) {
		t.Error("a copy is not equal")
	}
	*other.Firstlight.Disks[0].Match.Serial = "S2"
	if Equal(cfg, other) || *cfg.Firstlight.Disks[0].Match.Serial != "S1" {
		t.Error("a change of the copy changes the config, or is not seen")
	}
}

// What other programs tolerate, and we with them, is an error where they are not.
func TestKeysOfExtensionsAreExact(t *testing.T) {
	for text, want := range map[string]string{
		`"serial":"a","serail":"b"`: `"serail" is not a key of the spec here and has no effect; did you mean "serial"?`,
		`"Serial":"a"`:              `"Serial" should be written "serial"`,
		`"serial":"a","serial":"b"`: `"serial" was given before`,
		`"serial":"a","as":"b"`:     `it belongs under firstlight.disks`,
	} {
		_, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", `"firstlight":{"disks":[{"as":"data","match":{`+text+`}}]}`), "test")
		if !errors.Is(err, ErrInvalid) || problems[0].Severity != Error || problems[0].Rule != RuleExtensionKey || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: got %s, want an error %q", text, problems, want)
		}
	}
	// Outside of them all is as in a plain config.
	_, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", `"storage":{"serial":"a"},`+chosenData[:strings.Index(chosenData, `,"storage`)]), "test")
	if err != nil || problems[0].Severity != Warning || problems[0].Rule != RuleKeyUnknown {
		t.Errorf("got %v, %s", err, problems)
	}
}

// Hints of plain configs do not name keys that these cannot have.
func TestPlainConfigsAreNotToldOfExtensions(t *testing.T) {
	for _, key := range []string{"serial", "match", "transport", "disks"} {
		_, problems, _ := Parse(document(V3_6, `"`+key+`":{}`), "test")
		if len(problems) != 1 || strings.Contains(problems[0].Message, "firstlight") {
			t.Errorf("%s: got %s", key, problems)
		}
	}
}

// The tree of a plain config is the one that was read, so that extensions cost nothing.
func TestPlainConfigsArePrintedFromTheirTree(t *testing.T) {
	cfg := parsed(t, V3_6, `"storage":{"files":[{"path":"/a"}]}`)
	if cfg.encode() != doc.NodeOf(cfg.Object) || cfg.printed(V3_6) != doc.NodeOf(cfg.Object) {
		t.Error("it is copied")
	}
}

func TestExtensionsExistSinceTheFirstVersionThatCanHaveThem(t *testing.T) {
	var check func(fields []doc.Field, within string)
	check = func(fields []doc.Field, within string) {
		for _, f := range fields {
			name := within + "." + f.Name
			if f.Extension {
				if f.Since < firstExtended {
					t.Errorf("%s exists since %s, want %s or later", name, f.Since, firstExtended)
				}
				continue
			}
			check(f.Fields, name)
			if f.Item != nil {
				check(f.Item.Fields, name+"[]")
			}
		}
	}
	check(doc.FieldsOf(configType), "")
}
