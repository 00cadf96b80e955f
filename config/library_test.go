package config

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// print is MarshalJSON of a config that can be printed.
func (c *Config) print() []byte {
	text, err := c.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return text
}

func translated(t *testing.T, c *Config, v Version) *Config {
	t.Helper()
	out, err := c.TranslateTo(v)
	if err != nil {
		t.Fatalf("to %s: %v", v, err)
	}
	return out
}

// refusedWith checks that an error is a ParseError of a kind with these problems.
func refusedWith(t *testing.T, where string, err, kind error, want ...string) {
	t.Helper()
	var refusal *ParseError
	if !errors.As(err, &refusal) || !errors.Is(err, kind) {
		t.Errorf("%s: the error is %v, want %v", where, err, kind)
		return
	}
	expectProblems(t, where, refusal.Problems, want)
}

func TestParseKeepsTheVersion(t *testing.T) {
	for _, v := range Versions() {
		text := string(document(v, `"storage":{"files":[{"path":"/a"}]}`))
		cfg := parsed(t, v, `"storage":{"files":[{"path":"/a"}]}`)
		if got, err := cfg.Version(); got != v || err != nil || string(cfg.print()) != text {
			t.Errorf("%s: %s, %v, %s", v, got, err, cfg.print())
		}
	}
	cfg, _, err := Parse([]byte(`{"Ignition":{"Version":"03.4.00-"}}`), "")
	if err != nil || string(cfg.print()) != `{"ignition":{"version":"3.4.0"}}` {
		t.Errorf("%s, %v", cfg.print(), err)
	}
}

func TestMembersThatTheVersionDoesNotHaveAreNotPrinted(t *testing.T) {
	cfg := New(V3_0)
	cfg.KernelArguments.ShouldExist = []string{"quiet"}
	cfg.Ignition.Proxy.HTTPProxy = pointer("http://p")
	cfg.Ignition.Config.Merge = []Resource{{Source: pointer("http://x"), Compression: pointer("gzip")}}
	cfg.Storage.Files = []File{{Path: "/a", Contents: Resource{Source: pointer("http://x"), Compression: pointer("gzip"), HTTPHeaders: []HTTPHeader{{Name: "a", Value: pointer("b")}}}}}
	want := []string{
		`E kernelArguments "kernelArguments" exists since version 3.3.0 of the spec, and 3.0.0 does not have it`,
		`E ignition.proxy "proxy" exists since version 3.1.0`,
		`E ignition.config.merge[0].compression "compression" exists since version 3.1.0`,
		`E storage.files[0].contents.httpHeaders "httpHeaders" exists since version 3.1.0`,
	}
	_, err := cfg.MarshalJSON()
	refusedWith(t, "MarshalJSON", err, ErrNotInVersion, want...)
	expectProblems(t, "Validate", cfg.Validate(), want)
	if _, err := json.Marshal(cfg); err == nil || !strings.Contains(err.Error(), "kernelArguments") {
		t.Errorf("json.Marshal: %v", err)
	}
}

func TestAVersionIsNeeded(t *testing.T) {
	for text, c := range map[string]struct {
		kind error
		want string
	}{
		"":      {ErrNoVersion, "E ignition.version is not set; config.New sets it"},
		"3.9.0": {ErrUnknownVersion, `E ignition.version there is no version "3.9.0" of the spec; there are 3.0.0, 3.1.0`},
		"2.2.0": {ErrUnknownVersion, `E ignition.version there is no version "2.2.0"`},
	} {
		cfg := &Config{Ignition: Ignition{Version: text}}
		where := "version " + text
		want := strings.Replace(c.want, "E ignition.version", "E ", 1)
		_, err := cfg.MarshalJSON()
		refusedWith(t, where, err, c.kind, want)
		_, err = cfg.TranslateTo(V3_4)
		refusedWith(t, where, err, c.kind, want)
		expectProblems(t, where, cfg.Validate(), []string{want})
		if merged := Merge(New(V3_4), cfg); text != "" && merged.Ignition.Version != text {
			t.Errorf("merging hides the version %s: %s", text, merged.Ignition.Version)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for _, v := range Versions() {
		if got, err := ParseVersion(v.String()); got != v || err != nil {
			t.Errorf("%s is %s, %v", v, got, err)
		}
	}
	for _, text := range []string{"", "3", "2.2.0", "03.4.0", "3.7.0"} {
		if _, err := ParseVersion(text); err == nil || !strings.Contains(err.Error(), "there are 3.0.0, 3.1.0") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseUpTo(t *testing.T) {
	if cfg, _, err := ParseUpTo(V3_4, document(V3_2, ""), "a"); err != nil || cfg.Ignition.Version != "3.2.0" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, _, err := ParseUpTo(V3_4, document(V3_4, ""), "a"); err != nil {
		t.Error(err)
	}
	cfg, problems, err := ParseUpTo(V3_4, document(V3_5, ""), "a")
	want := `E ignition.version version "3.5.0" of the spec is newer than 3.4.0, up to which`
	refusedWith(t, "3.5.0", err, ErrUnknownVersion, want)
	expectProblems(t, "3.5.0", problems, []string{want})
	if cfg != nil {
		t.Error("there is a config although it is refused")
	}
	_, _, err = ParseUpTo(V3_4, document(V3_5, `"storage":{"files":[{}]}`), "a")
	refusedWith(t, "invalid", err, ErrInvalid, "E storage.files[0].path a path is missing")
}

func TestTranslatingDownRefusesAllThatCannotBeSaid(t *testing.T) {
	cfg := parsedAs(t, "user config", V3_6, "\"kernelArguments\":{\"shouldExist\":[\"a\"]},\n"+
		`"storage":{"files":[{"path":"/a","mode":2541,"contents":{"source":"arn:aws:s3:::b/c"}}],`+"\n"+
		`"luks":[{"name":"l","device":"/d","discard":true,"cex":{"enabled":true}}],"filesystems":[{"device":"/e","format":"none"}]}`)
	_, err := cfg.TranslateTo(V3_2)
	refusedWith(t, "3.2.0", err, ErrNotInVersion,
		`E kernelArguments exists since version 3.3.0 of the spec, and 3.2.0 does not have it`,
		`E storage.luks[0].discard since version 3.4.0`,
		`E storage.luks[0].cex since version 3.5.0`,
		`E storage.files[0].mode special bits`,
		`E storage.files[0].contents.source arn URLs exist since`,
		`E storage.filesystems[0].format "none" exists since`)
	var refusal *ParseError
	errors.As(err, &refusal)
	i := slices.IndexFunc(refusal.Problems, func(p Problem) bool { return p.Origin.Path == "storage.luks[0].discard" })
	if got, want := refusal.Problems[i].Origin, at("user config", 3, 45, "storage.luks[0].discard"); got != want {
		t.Errorf("the origin is %v, want %v", got, want)
	}
	if got := cfg.Ignition.Version; got != "3.6.0" {
		t.Errorf("the config is of version %s now", got)
	}
}

func TestTranslatingDownDoesNotCountWhatSaysNothing(t *testing.T) {
	// As the reference's types are printed.
	cfg := parsed(t, V3_5, `"ignition":{$V,"config":{"replace":{"verification":{}}},"proxy":{},"security":{"tls":{}},"timeouts":{}},"kernelArguments":{},"passwd":{},`+
		`"storage":{"luks":[],"files":[{"path":"/a","contents":{"verification":{}},"group":{},"user":{}}]},"systemd":{}`)
	const luks = `{"name":"l","device":"/d","keyFile":{},"clevis":{"tpm2":true,"custom":{}},"cex":{}}`
	if _, err := parsed(t, V3_5, `"storage":{"luks":[`+luks+`]}`).TranslateTo(V3_2); err != nil {
		t.Error(err)
	}
	lower := translated(t, cfg, V3_0)
	want := string(document(V3_0, `"ignition":{$V,"config":{"replace":{}},"security":{"tls":{}},"timeouts":{}},"passwd":{},`+
		`"storage":{"files":[{"path":"/a","contents":{"verification":{}},"group":{},"user":{}}]},"systemd":{}`))
	if got := string(lower.print()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTranslatingDownDoesNotCountWhatWasWrongBefore(t *testing.T) {
	cfg := New(V3_4)
	cfg.Storage.Files = []File{{Path: "relative"}}
	if lower := translated(t, cfg, V3_1); lower.Storage.Files[0].Path != "relative" {
		t.Errorf("%s", lower.print())
	}
}

func TestTranslatingDropsWhatMeantNothing(t *testing.T) {
	cfg := New(V3_0)
	cfg.Storage.Files = []File{{Path: "/a", Mode: pointer(0o4755)}, {Path: "/b", Mode: pointer(0o644)}}
	cfg.Ignition.Config = ConfigReferences{Merge: []Resource{{}, {Source: pointer("http://x")}, {}}, Replace: Resource{Verification: Verification{Hash: pointer("sha512-" + strings.Repeat("0", 128))}}}
	want := `{"ignition":{"version":"3.6.0","config":{"merge":[{"source":"http://x"}]}},"storage":{"files":[{"path":"/a","mode":493},{"path":"/b","mode":420}]}}`
	for where, got := range map[string]*Config{"TranslateTo": translated(t, cfg, V3_6), "Merge": Merge(New(V3_6), cfg)} {
		if wanted, _, err := Parse([]byte(want), ""); err != nil || !Equal(got, wanted) {
			t.Errorf("%s: got  %s\nwant %s", where, got.print(), want)
		}
	}
	if *cfg.Storage.Files[0].Mode != 0o4755 || len(cfg.Ignition.Config.Merge) != 3 {
		t.Error("the config itself has changed")
	}
	pins := New(V3_2)
	pins.Storage.Luks = []Luks{{Name: "a", Device: pointer("/d"), Clevis: Clevis{Custom: ClevisCustom{NeedsNetwork: pointer(true)}}}}
	if got := translated(t, pins, V3_3); !Equal(got, parsed(t, V3_3, `"storage":{"luks":[{"name":"a","device":"/d"}]}`)) {
		t.Errorf("%s", got.print())
	}
}

func TestMergingGivesTheHigherVersion(t *testing.T) {
	for _, c := range []struct{ parent, child, want string }{
		{"3.2.0", "3.4.0", "3.4.0"}, {"3.4.0", "3.2.0", "3.4.0"}, {"3.4.0", "3.4.0", "3.4.0"},
		{"", "3.2.0", "3.2.0"}, {"3.2.0", "", "3.2.0"}, {"", "", ""}, {"3.9.0", "3.2.0", "3.9.0"}, {"3.2.0", "x", "x"},
	} {
		of := func(v string) *Config { return &Config{Ignition: Ignition{Version: v}} }
		if got := Merge(of(c.parent), of(c.child)).Ignition.Version; got != c.want {
			t.Errorf("%q and %q: %q, want %q", c.parent, c.child, got, c.want)
		}
	}
}

func TestEqual(t *testing.T) {
	const text = `"passwd":{"users":[{"name":"u","groups":["a","b"],"uid":5}]},"storage":{"disks":[{"device":"/d","partitions":[{"number":0,"label":"l"}]}]}`
	cfg := parsed(t, V3_4, text)
	for name, c := range map[string]struct {
		other *Config
		want  bool
	}{
		"itself":                   {cfg, true},
		"from elsewhere":           {parsedAs(t, "other", V3_4, "\n"+text), true},
		"in another order":         {parsed(t, V3_4, `"storage":{"disks":[{"partitions":[{"label":"l"}],"device":"/d"}]},"passwd":{"users":[{"groups":["a","b"],"uid":5,"name":"u"}]}`), true},
		"with what says nothing":   {parsed(t, V3_4, text+`,"systemd":{"units":[]},"kernelArguments":{}`), true},
		"another version":          {parsed(t, V3_5, text), false},
		"another order of a list":  {parsed(t, V3_4, strings.Replace(text, `"a","b"`, `"b","a"`, 1)), false},
		"another number":           {parsed(t, V3_4, strings.Replace(text, `"uid":5`, `"uid":6`, 1)), false},
		"a number that is missing": {parsed(t, V3_4, strings.Replace(text, `,"uid":5`, ``, 1)), false},
		"one item more":            {parsed(t, V3_4, strings.Replace(text, `"a",`, `"a","c",`, 1)), false},
		"zero is not unset":        {parsed(t, V3_4, strings.Replace(text, `"label":"l"`, `"label":"l","sizeMiB":0`, 1)), false},
	} {
		if got := Equal(cfg, c.other); got != c.want || Equal(c.other, cfg) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAChangedCloneLeavesTheOriginal(t *testing.T) {
	cfg := parsed(t, V3_4, `"storage":{"files":[{"path":"/a","mode":420,"append":[{"source":"data:,"}]}]}`)
	before := string(cfg.print())
	c := cfg.Clone()
	if !Equal(c, cfg) || c.Storage.Files[0].Origin("mode") != cfg.Storage.Files[0].Origin("mode") {
		t.Error("the clone is another config")
	}
	f := &c.Storage.Files[0]
	f.Path, *f.Mode, *f.Append[0].Source = "/b", 0, "data:,x"
	c.Ignition.Version = "3.5.0"
	if got := string(cfg.print()); got != before {
		t.Errorf("the original is %s now", got)
	}
}

func TestMadeConfigsMeetTheRulesOfTheirVersion(t *testing.T) {
	nul := New(V3_2)
	nul.Passwd.Users = []User{{Name: "a\x00"}}
	expectProblems(t, "NUL", nul.Validate(), []string{"E passwd.users[0].name NUL"})
	cfg := New(V3_2)
	cfg.Storage.Files = []File{{Path: "a"}, {Path: "/b", Mode: pointer(0o4755)}, {Path: "/b"}}
	cfg.Passwd.Users = []User{{Name: "u"}, {Name: "u"}}
	expectProblems(t, "made", cfg.Validate(), []string{
		"E storage.files[0].path not absolute",
		"W storage.files[1].mode special bits",
		`E storage.files[2] the path "/b" is already`,
		`E passwd.users[1] the name "u" is already`,
	})
}

func TestWholeConfigsMeetTheRulesOfMachines(t *testing.T) {
	cfg := New(V3_0) // where special bits mean nothing
	cfg.Storage.Files = []File{{Path: "/a", Mode: pointer(0o4755)}}
	expectProblems(t, "made", cfg.ValidateMerged(), nil)
}

func TestUnmarshalJSON(t *testing.T) {
	text := document(V3_4, `"storage":{"files":[{"path":"/a"}]}`)
	var holder struct{ Config Config }
	if err := json.Unmarshal([]byte(`{"config":`+string(text)+`}`), &holder); err != nil || string(holder.Config.print()) != string(text) {
		t.Errorf("%s, %v", holder.Config.print(), err)
	}
	err := json.Unmarshal(document(V3_4, `"storage":{"files":[{"path":"a"}]}`), &holder.Config)
	refusedWith(t, "invalid", err, ErrInvalid, "E storage.files[0].path not absolute")
}
