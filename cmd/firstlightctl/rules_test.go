package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/rules"
)

// ruleID is what a problem's line ends with.
var ruleID = regexp.MustCompile(`(?m)^.*\b(error|warning|note): .* \[([a-z0-9-]+)\]$`)

// broken returns the ids of the rules that an example breaks, and the worst severity of each.
func broken(t *testing.T, r rules.Rule, text string) map[string]config.Severity {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, contents := range r.Files {
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(name, contents)
	}
	write("config", text)
	command := r.Command
	if command == "" {
		command = "validate"
	}
	var stdout, stderr bytes.Buffer
	status := run(append(strings.Fields(command), "config"), nil, &stdout, &stderr)
	found := map[string]config.Severity{}
	for _, m := range ruleID.FindAllStringSubmatch(stdout.String()+stderr.String(), -1) {
		for _, s := range []config.Severity{config.Error, config.Warning, config.Note} {
			if s.String() == m[1] {
				found[m[2]] = max(found[m[2]], s)
			}
		}
	}
	if status == exitError || status == exitRefused && len(found) == 0 {
		t.Fatalf("status %d\n%s%s", status, &stdout, &stderr)
	}
	return found
}

func TestExamplesBreakTheirRule(t *testing.T) {
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			found := broken(t, r, r.Bad)
			for _, id := range r.Besides {
				if _, is := found[id]; !is {
					t.Errorf("the bad example does not break %s", id)
				}
				delete(found, id)
			}
			severity, is := found[r.ID]
			if !is || len(found) != 1 || !slices.Contains(r.Severities, severity) {
				t.Errorf("the bad example breaks %v, want %s with one of %v", found, r.ID, r.Severities)
			}
			if found := broken(t, r, r.Good); len(found) != 0 {
				t.Errorf("the good example breaks %v", found)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	explained := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"explain"}, args...), nil, &stdout, &stderr)
		return status, stdout.String(), stderr.String()
	}
	for _, id := range []string{"path-relative", "[path-relative]"} {
		status, page, _ := explained(id)
		for _, words := range []string{"path-relative\n\nA path does not begin with a slash (error).\n", "Wrong:\n\n    variant: fcos\n", "- path: etc/motd\n", "Right:\n\n"} {
			if status != exitOK || !strings.Contains(page, words) {
				t.Errorf("explain %s: status %d, no %q in\n%s", id, status, words, page)
			}
		}
	}
	status, list, _ := explained()
	if lines := strings.Count(list, "\n"); status != exitOK || lines != len(rules.All()) || !strings.Contains(list, "path-relative  ") {
		t.Errorf("status %d, %d lines", status, lines)
	}
	for id, want := range map[string]string{
		"path-realtive": `there is no rule "path-realtive"; did you mean "path-relative"? ("firstlightctl explain" lists all)`,
		"xyzzy":         `there is no rule "xyzzy" ("firstlightctl explain" lists all)`,
		"":              `there is no rule "" ("firstlightctl explain" lists all)`,
	} {
		if status, _, message := explained(id); status != exitError || message != "firstlightctl: "+want+"\n" {
			t.Errorf("explain %q: status %d, %s", id, status, message)
		}
	}
}

func TestPagesFitATerminal(t *testing.T) {
	for _, r := range rules.All() {
		for line := range strings.Lines(r.Page(80)) {
			if len(line) > 81 && !strings.HasPrefix(line, "    ") {
				t.Errorf("%s: %d bytes in %q", r.ID, len(line), line)
			}
		}
	}
}
