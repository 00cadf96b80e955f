package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// withFacts is a config that allows facts, with more members.
func withFacts(members string) string {
	if !strings.Contains(members, `"ignition": {`) {
		members += `, "ignition": {}`
	}
	members = strings.Replace(members, `"ignition": {`, `"ignition": {"version": "3.6.0+firstlight.1", `, 1)
	return `{` + strings.Replace(members, ", }", "}", 1) + `, "firstlight": {"facts": true}}`
}

// web1 knows the facts of a machine, and no region.
func web1(name string) (string, error) {
	if name == "region" {
		return "", errors.New("the platform qemu has none")
	}
	return map[string]string{"platform": "qemu", "architecture": "arm64", "hostname": "web1", "mac": "52:54:00:12:34:56", "address": "2001:db8::7", "serial": "S-1.2_3"}[name], nil
}

func mustFill(t *testing.T, text string) (*Config, []Skipped) {
	t.Helper()
	cfg, problems, err := Parse([]byte(text), "")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", fmt.Sprint(problems), "")
	filled, skipped, _, err := cfg.WithFacts(web1)
	testkit.NoError(t, err)
	return filled, skipped
}

func TestFactsTakeThePlaceOfPlaceholders(t *testing.T) {
	cfg, _ := mustFill(t, withFacts(`"storage": {"files": [
		{"path": "/etc/${fact:hostname}.conf", "contents": {"source": "data:,host=${fact:hostname}%20mac=${fact:mac}"}},
		{"path": "/etc/b", "contents": {"source": "https://[${fact:address}]:80/${fact:serial}/${fact:address}?mac=${fact:mac}", "httpHeaders": [{"name": "X", "value": "${fact:mac}"}]}}]},
		"passwd": {"users": [{"name": "${fact:hostname}"}]}, "systemd": {"units": [{"name": "a.service", "contents": "[Service]\nEnvironment=A=${HOME}$${fact:hostname}$$"}]}`))
	text, err := cfg.MarshalJSON()
	testkit.NoError(t, err)
	testkit.Equal(t, "config", string(text), `{"storage":{"files":[{"path":"/etc/web1.conf","contents":{"source":"data:,host=web1%20mac=52%3A54%3A00%3A12%3A34%3A56"}},`+
		`{"path":"/etc/b","contents":{"source":"https://[2001:db8::7]:80/S-1.2_3/2001%3Adb8%3A%3A7?mac=52%3A54%3A00%3A12%3A34%3A56","httpHeaders":[{"name":"X","value":"52:54:00:12:34:56"}]}}]},`+
		`"passwd":{"users":[{"name":"web1"}]},"systemd":{"units":[{"name":"a.service","contents":"[Service]\nEnvironment=A=${HOME}${fact:hostname}$$"}]},"ignition":{"version":"3.6.0"}}`)
}

func TestEntriesAreSkippedWhoseConditionsDoNotHold(t *testing.T) {
	entry := func(name, when string) string {
		return fmt.Sprintf(`{"path": "/%s", "when": {%s}}`, name, when)
	}
	cfg, skipped := mustFill(t, withFacts(`"storage": {"files": [`+strings.Join([]string{
		entry("a", `"hostname": "web*"`), entry("b", `"hostname": "db*"`), entry("c", `"architecture": "arm64", "hostname": "web?"`),
		entry("d", `"platform": "aws", "region": "eu-*"`), entry("e", `"hostname": "[a-z]eb1", "architecture": "amd64"`),
	}, ",")+`]}, "ignition": {"config": {"merge": [{"source": "https://a/${fact:region}?key=secret", "when": {"platform": "aws"}}, {"source": "https://b", "when": {"platform": "qemu"}}]}}`))
	var paths, reasons []string
	for _, f := range cfg.Storage.Files {
		paths = append(paths, f.Path)
	}
	for _, s := range skipped {
		reasons = append(reasons, s.String())
	}
	slices.Sort(reasons)
	testkit.Equal(t, "files", strings.Join(paths, " "), "/a /c")
	testkit.Equal(t, "references", len(cfg.Ignition.Config.Merge), 1)
	testkit.Equal(t, "skipped", strings.Join(reasons, "\n"), strings.Join([]string{
		`ignition.config.merge[0]: platform is "qemu", not "aws"`,
		`storage.files[1] ("/b"): hostname is "web1", not "db*"`,
		`storage.files[3] ("/d"): platform is "qemu", not "aws"`,
		`storage.files[4] ("/e"): architecture is "arm64", not "amd64"`,
	}, "\n"))
	testkit.Equal(t, "is extended", cfg.IsExtended(), false)
}

func TestFactsAreAskedForOnceAndOnlyIfTheyMatter(t *testing.T) {
	cfg, _, err := Parse([]byte(withFacts(`"storage": {"files": [{"path": "/${fact:hostname}"}, {"path": "/x${fact:hostname}"},
		{"path": "/b${fact:serial}", "when": {"platform": "aws", "zone": "a"}}]}`)), "")
	testkit.NoError(t, err)
	var asked []string
	_, _, _, err = cfg.WithFacts(func(name string) (string, error) {
		asked = append(asked, name)
		return web1(name)
	})
	testkit.NoError(t, err)
	testkit.Equal(t, "asked", strings.Join(asked, " "), "hostname platform")
}

func TestFactThatIsNotKnownHasThePlaceOfItsUse(t *testing.T) {
	for text, want := range map[string]string{
		`"storage": {"files": [{"path": "/a"}, {"path": "/${fact:region}"}]}`:      `storage.files[1].path: the fact region: the platform qemu has none`,
		`"storage": {"files": [{"path": "/a", "when": {"region": "eu-*"}}]}`:       `storage.files[0].when.region: the fact region: the platform qemu has none`,
		`"storage": {"files": [{"path": "/a", "user": {"name": "${fact:zone}"}}]}`: `storage.files[0].user.name: the fact zone: its value is empty`,
	} {
		cfg, _, err := Parse([]byte(withFacts(text)), "")
		testkit.NoError(t, err)
		_, _, _, err = cfg.WithFacts(web1)
		var missing *FactError
		if !errors.As(err, &missing) {
			t.Fatalf("%s: got %v", text, err)
		}
		testkit.Equal(t, "error", missing.Origin.Path+": "+err.Error(), want)
	}
}

// Values are words: nothing in them means something to what they are put into.
func TestValuesOfFactsAreWords(t *testing.T) {
	for value, want := range map[string]string{
		"web1": "", "a.b-c_d+e=f@g:h": "", strings.Repeat("a", 255): "",
		"":                       "its value is empty",
		"web 1":                  `its value "web 1" has the character ' '; values of facts have letters, digits and +-.:=@_ only`,
		"a\nb":                   `its value "a\nb" has the character '\n'`,
		"a\x00b":                 `its value "a\x00b" has the character '\x00'`,
		"../etc":                 `its value "../etc" does not begin with a letter or a digit, as values of facts do`,
		"-x":                     `its value "-x" does not begin`,
		"a/b":                    `has the character '/'`,
		"a$(reboot)":             `has the character '$'`,
		"a%h":                    `has the character '%'`,
		"a\"":                    `has the character '"'`,
		"ä":                      `does not begin`,
		"aä":                     `has the character 'ä'`,
		"a\xff":                  `has the character '�'`,
		"a\u212a":                `has the character`, // which is a k in lower case
		"${fact:serial}":         `does not begin`,
		strings.Repeat("a", 256): "its value has 256 bytes, at most 255 are possible",
	} {
		err := checkFact(value)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", value, err, want)
		}
	}
}

func TestFactsInConfigsThatAreNotValid(t *testing.T) {
	files := func(entries string) string { return withFacts(`"storage": {"files": [` + entries + `]}`) }
	for text, want := range map[string]string{
		files(`{"path": "/${fact:hostnme}"}`):                                                                              `error: line 1, column 33 (storage.files[0].path): there is no fact "hostnme"; did you mean "hostname"?; there are platform, architecture, hostname, instance-id, region, zone, private-ipv4, private-ipv6, public-ipv4, public-ipv6, address, mac, serial`,
		files(`{"path": "/${fact:what}"}`):                                                                                 `there is no fact "what"; there are platform`,
		files(`{"path": "/${fact:hostname"}`):                                                                              `should be a name of letters, digits`,
		files(`{"path": "/${Fact:hostname}"}`):                                                                             `the kind is "fact": write "${fact:hostname}"`,
		files(`{"path": "etc/${fact:hostname}"}`):                                                                          `the path "etc/host1" is not absolute; it should start with a slash (with "host1" for ${fact:hostname})`,
		files(`{"path": "/a", "contents": {"source": "data:;base64,${fact:hostname}"}}`):                                   `a fact cannot be put into base64`,
		files(`{"path": "/a", "when": {"hostname": "web["}}`):                                                              `"web[" is not a pattern for a fact`,
		files(`{"path": "/a", "when": {"hostname": ""}}`):                                                                  `"" is not a pattern for a fact: it is empty`,
		files(`{"path": "/a", "when": {"hostnam": "a"}}`):                                                                  `"hostnam" is not a key of the spec here and has no effect; did you mean "hostname"?`,
		files(`{"path": "/a", "when": {"region": "a"}}, {"path": "/a"}`):                                                   `the path "/a" is already storage.files[0]`,
		files(`{"path": "/a", "when": {"region": "a"}}, {"path": "/a", "when": {"region": "a"}}`):                          `the path "/a" is already storage.files[0]`,
		`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"files": [{"path": "/a", "when": {"region": "a"}}]}}`: `(storage.files[0].when): conditions are in configs that allow facts only; write "firstlight": {"facts": true}`,
		`{"ignition": {"version": "3.6.0"}, "storage": {"files": [{"path": "/a", "when": {"region": "a"}}]}}`:              `"when" has extensions of Firstlight, which version 3.6.0 of the spec does not have`,
	} {
		_, problems, err := Parse([]byte(text), "")
		if err == nil || !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%s: got %v, %v, want %s", text, err, problems, want)
		}
	}
}

func TestConditionsThatExcludeEachOtherAreFine(t *testing.T) {
	cfg, problems, err := Parse([]byte(withFacts(`"storage": {"files": [{"path": "/a", "when": {"region": "a"}}, {"path": "/a", "when": {"region": "b"}}],
		"links": [{"path": "/a", "target": "b", "when": {"region": "c"}}]}`)), "")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", fmt.Sprint(problems), "")
	_, _, problems, err = cfg.WithFacts(func(string) (string, error) { return "c", nil })
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", fmt.Sprint(problems), "")
}

func TestSumsOfContentsWithFactsAreNotJudgedEarly(t *testing.T) {
	text := withFacts(`"storage": {"files": [{"path": "/a", "contents": {"source": "data:,${fact:hostname}", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}]}`)
	cfg, problems, err := Parse([]byte(text), "")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", fmt.Sprint(problems), "")
	_, _, problems, err = cfg.WithFacts(web1)
	testkit.NoError(t, err)
	testkit.Contains(t, "problems", fmt.Sprint(problems), "have another hash")
}

func TestProblemsOfValuesNameThem(t *testing.T) {
	cfg, _, err := Parse([]byte(withFacts(`"passwd": {"users": [{"name": "${fact:mac}"}]}`)), "")
	if err == nil {
		_, _, _, err = cfg.WithFacts(func(string) (string, error) { return "a:b", nil })
	}
	testkit.Contains(t, "error", fmt.Sprint(err), "${fact:mac}")
}

func TestPlaceholdersStayWhereFactsAreNotAllowed(t *testing.T) {
	text := `{"ignition":{"version":"3.6.0"},"storage":{"files":[{"path":"/${fact:hostname}","contents":{"source":"https://h/$${fact:x}"}}]}}`
	cfg, problems, err := Parse([]byte(text), "")
	testkit.NoError(t, err)
	testkit.Equal(t, "problems", fmt.Sprint(problems), "")
	same, _, _, err := cfg.WithFacts(web1)
	testkit.NoError(t, err)
	printed, err := same.MarshalJSON()
	testkit.NoError(t, err)
	testkit.Equal(t, "config", string(printed), text)
}

func TestPlaceholdersWithoutFactsAreWarnedOfInExtendedConfigs(t *testing.T) {
	_, problems, err := Parse([]byte(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"files": [{"path": "/${fact:hostname}"}]}}`), "")
	testkit.NoError(t, err)
	testkit.Contains(t, "problems", fmt.Sprint(problems), "(storage.files[0].path): this has a placeholder for a fact, which stays as it is")
}

func TestConfigsWithFactsArePrintedAsTheyWere(t *testing.T) {
	text := `{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"files":[{"path":"/${fact:hostname}","when":{"region":"a*"}}]},"firstlight":{"facts":true}}`
	cfg, _, err := Parse([]byte(text), "")
	testkit.NoError(t, err)
	printed, err := cfg.MarshalJSON()
	testkit.NoError(t, err)
	again, _, err := Parse(printed, "")
	testkit.NoError(t, err)
	testkit.Equal(t, "the same", Equal(cfg, again), true)
	testkit.Contains(t, "printed", string(printed), `"when":{"region":"a*"}`, `"facts":true`, "${fact:hostname}")
	err = cfg.CheckPlain()
	testkit.Contains(t, "plain", fmt.Sprint(err), "this is an extension of Firstlight (when)", "this is an extension of Firstlight (firstlight.facts)")
}

func TestConfigThatIsFilledInCanHaveConditions(t *testing.T) {
	cfg, yes, region := New(V3_6), true, "b"
	cfg.Firstlight.Facts = &yes
	cfg.Storage.Files = []File{{Path: "/a", When: &When{Region: &region}}, {Path: "/b"}}
	testkit.Equal(t, "problems", fmt.Sprint(cfg.Validate()), "")
	filled, skipped, _, err := cfg.WithFacts(func(string) (string, error) { return "c", nil })
	testkit.NoError(t, err)
	testkit.Equal(t, "files", len(filled.Storage.Files), 1)
	testkit.Equal(t, "skipped", len(skipped), 1)
}

func TestFactsInURLsArePercentEncoded(t *testing.T) {
	for url, want := range map[string]string{
		"https://h/?mac=${fact:mac}": "https://h/?mac=52%3A54%3A00%3A12%3A34%3A56",
		"https://[${fact:address}]/": "https://[2001:db8::7]/",
		"https://h/$${fact:mac}":     "https://h/${fact:mac}",
		"https://h/${mac}":           "https://h/${mac}",
		"https://h/${fact:region}":   "! the fact region: the platform qemu has none",
		"https://h/${fact:hostnme}":  `! there is no fact "hostnme"; did you mean "hostname"?`,
	} {
		got, err := FillURL(url, web1)
		if err != nil {
			got = "! " + err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestEachFactHasASample(t *testing.T) {
	for _, name := range FactNames() {
		testkit.NoError(t, checkFact(factSamples[name]))
		testkit.Equal(t, name+" can be written", doc.IsPlaceholderName(name), true)
	}
	testkit.Equal(t, "samples", len(factSamples), len(FactNames()))
}
