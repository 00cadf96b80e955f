package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/rules"
)

func TestEachRuleIsExplainedOnce(t *testing.T) {
	ids, explained := map[string]bool{}, map[config.Rule]bool{}
	form := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, r := range rules.All() {
		if ids[r.ID] || explained[r.Rule] || !form.MatchString(r.ID) {
			t.Errorf("%s is explained twice, or its id has another form", r.ID)
		}
		ids[r.ID], explained[r.Rule] = true, true
		if r.Title == "" || strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Why, ".") || r.Source == "" || r.Bad == r.Good {
			t.Errorf("%s: title, explanation, source or examples", r.ID)
		}
		if known, ok := rules.Lookup(r.ID); !ok || known.Rule != r.Rule || rules.ID(r.Rule) != r.ID {
			t.Errorf("%s is not found by its id", r.ID)
		}
	}
	for _, r := range config.Rules() {
		if !explained[r] {
			t.Errorf("rule %d is not explained", r)
		}
	}
	if len(explained) != len(config.Rules()) {
		t.Errorf("%d rules are explained, there are %d", len(explained), len(config.Rules()))
	}
}

// reporting are the calls by which problems are made, each with the rule, and perhaps the
// severity, among its first arguments.
var reporting = regexp.MustCompile(`\b(\w+)\((?:modeRule\()?(?:config\.)?(Rule[A-Z]\w+)(?:, (?:config\.)?(Error|Warning|Note)\b)?`)

// unnamed are rules that a variable leads to such a call, with the severities there.
var unnamed = map[string][]config.Severity{
	"RuleDataURL":       {config.Error},
	"RuleDuplicateItem": {config.Error}, "RuleDuplicatePath": {config.Error},
	"RuleModeDecimal": {config.Error, config.Warning},
	"RuleSyntaxJSON":  {config.Error}, "RuleDocumentCutOff": {config.Error},
	"RuleVariantUnknown": {config.Error}, "RuleVersionForm": {config.Error}, "RuleVersionUnknown": {config.Error},
	"RuleDiskNameUnknown": {config.Warning, config.Error},
	"RuleSSHPrivateKey":   {config.Warning}, "RuleSSHKeyForm": {config.Warning},
}

// A severity that the table does not have would be wrong in SARIF, one too many misleads.
func TestSeveritiesAreThoseOfTheCode(t *testing.T) {
	found := map[string][]config.Severity{}
	for name, severities := range unnamed {
		found[name] = slices.Clone(severities)
	}
	bySeverity := map[string]config.Severity{"Error": config.Error, "Warning": config.Warning, "Note": config.Note}
	for _, dir := range []string{"..", "../butane", "../spec2", "../../internal/check", "../../cmd/firstlightctl"} {
		files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
		if len(files) == 0 {
			t.Fatal(dir)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range reporting.FindAllStringSubmatch(string(text), -1) {
				switch {
				case m[3] != "":
					found[m[2]] = append(found[m[2]], bySeverity[m[3]])
				case m[1] == "warn" || m[1] == "tolerate":
					found[m[2]] = append(found[m[2]], config.Warning)
				case m[1] == "unbootable":
					found[m[2]] = append(found[m[2]], config.Warning, config.Error)
				default:
					found[m[2]] = append(found[m[2]], config.Error)
				}
			}
		}
	}
	names := constants(t)
	for _, r := range rules.All() {
		got, want := slices.Clone(r.Severities), found[names[r.Rule]]
		slices.Sort(got)
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(got, want) {
			t.Errorf("%s has the severities %v, in the code %v", r.ID, got, want)
		}
		if r.Severities[0] != config.Error && slices.Contains(r.Severities, config.Error) {
			t.Errorf("%s: the worst severity is not the first", r.ID)
		}
	}
}

// constants are the names of rules in the code, by their order there.
func constants(t *testing.T) map[config.Rule]string {
	text, err := os.ReadFile("../rule.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[config.Rule]string{}
	for i, m := range regexp.MustCompile(`(?m)^\t(Rule[A-Z]\w*)( Rule = iota \+ 1)?$`).FindAllStringSubmatch(string(text), -1) {
		names[config.Rule(i+1)] = m[1]
	}
	return names
}

// Whoever knows the constant knows the id.
func TestIDsAreTheNamesOfTheConstants(t *testing.T) {
	names := constants(t)
	for _, r := range rules.All() {
		if want := "rule" + strings.ReplaceAll(r.ID, "-", ""); strings.ToLower(names[r.Rule]) != want {
			t.Errorf("%s is the id of %s", r.ID, names[r.Rule])
		}
	}
}

func TestNearIDs(t *testing.T) {
	for text, want := range map[string]string{
		"path-realtive": "path-relative", "[Path-Relative]": "path-relative", "decimal": "mode-decimal", "x": "", "": "", "nonsense": "",
	} {
		if got := rules.Nearest(text); got != want {
			t.Errorf("%q is near to %q, want %q", text, got, want)
		}
	}
}
