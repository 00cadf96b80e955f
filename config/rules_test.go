package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A rule is a row of a table: what a config, in some versions of the spec, is
// told.
type rule struct {
	name string
	// versions is "all", "3.2", "3.3+", "≤3.5" or "3.3-3.5".
	versions string
	// text is a config without its outer braces; $V stands for the version
	// member, and an ignition object with it is added if there is none.
	text string
	// want has "E PATH WORDS" or "W PATH WORDS" for each problem, in any order.
	// The words are a part of the message.
	want []string
}

func testRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, v := range versionsIn(t, r.versions) {
				_, problems, err := Parse(document(v, r.text), "test")
				expectProblems(t, v.String(), problems, r.want)
				if refused := problems.HasErrors(); refused != (err != nil) || refused && !errors.Is(err, ErrInvalid) {
					t.Errorf("%s: refused is %v, but the error is %v", v, refused, err)
				}
			}
		})
	}
}

func document(v Version, text string) []byte {
	if !strings.Contains(text, "$V") {
		text = strings.TrimSuffix(`"ignition":{$V},`+text, ",")
	}
	return []byte("{" + strings.ReplaceAll(text, "$V", `"version":"`+v.String()+`"`) + "}")
}

func expectProblems(t *testing.T, where string, problems Problems, want []string) {
	t.Helper()
	left := append([]string(nil), want...)
	for _, p := range problems {
		found := -1
		for i, w := range left {
			parts := strings.SplitN(w, " ", 3)
			severity := map[Severity]string{Error: "E", Warning: "W"}[p.Severity]
			if parts[0] == severity && parts[1] == p.Origin.Path && strings.Contains(p.Message, parts[2]) {
				found = i
				break
			}
		}
		if p.Rule == NoRule {
			t.Errorf("%s: no rule: %s", where, p)
		}
		if found < 0 {
			t.Errorf("%s: unexpected %s", where, p)
			continue
		}
		left = append(left[:found], left[found+1:]...)
	}
	for _, w := range left {
		t.Errorf("%s: missing %q in:\n%s", where, w, problems)
	}
}

func versionsIn(t *testing.T, text string) []Version {
	t.Helper()
	first, last := V3_0, Newest
	number := func(s string) Version {
		for _, v := range Versions() {
			if strings.HasPrefix(v.String(), s+".") {
				return v
			}
		}
		t.Fatalf("no version %q", s)
		return 0
	}
	if from, to, ok := strings.Cut(text, "-"); ok {
		first, last = number(from), number(to)
	} else if from, ok := strings.CutSuffix(text, "+"); ok {
		first = number(from)
	} else if to, ok := strings.CutPrefix(text, "≤"); ok {
		last = number(to)
	} else if text != "all" {
		first, last = number(text), number(text)
	}
	return Versions()[first-V3_0 : last-V3_0+1]
}

// parsed is a config that must be accepted.
func parsed(t *testing.T, v Version, text string) *Config {
	t.Helper()
	return parsedAs(t, "test", v, text)
}

func parsedAs(t *testing.T, name string, v Version, text string) *Config {
	t.Helper()
	cfg, problems, err := Parse(document(v, text), name)
	if err != nil {
		t.Fatalf("%s: %v\n%s", text, err, problems)
	}
	return cfg
}

func TestVersionsInTables(t *testing.T) {
	for text, want := range map[string]string{
		"all":     "[3.0.0 3.1.0 3.2.0 3.3.0 3.4.0 3.5.0 3.6.0 3.7.0-experimental]",
		"3.6+":    "[3.6.0 3.7.0-experimental]",
		"≤3.1":    "[3.0.0 3.1.0]",
		"3.3-3.5": "[3.3.0 3.4.0 3.5.0]",
		"3.7":     "[3.7.0-experimental]",
	} {
		if got := fmt.Sprint(versionsIn(t, text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
