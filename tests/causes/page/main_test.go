package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/causes"
)

const file = "../../../docs/troubleshooting.md"

func TestTroubleshootingIsCurrent(t *testing.T) {
	text, err := os.ReadFile(file)
	if err != nil || string(text) != page() {
		t.Errorf("%s is not what the table of causes says (%v): run go generate ./tests/causes", file, err)
	}
}

// Each row says what the page is for, each message and each heading once.
func TestRowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range causes.All {
		for what, text := range map[string]string{"message": c.Message, "cause": c.Says, "meaning": c.Means, "advice": c.Do} {
			if text == "" {
				t.Errorf("%s: there is no %s", c.Name, what)
			}
		}
		if seen[c.Name] || seen[c.Message] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name], seen[c.Message] = true, true
		if !strings.Contains(c.Says, c.Message) {
			t.Errorf("%s: the box does not say %q", c.Name, c.Message)
		}
	}
	if len(causes.All) < 25 {
		t.Errorf("there are only %d causes", len(causes.All))
	}
}

func TestLinksOfThePageLeadSomewhere(t *testing.T) {
	text := page()
	for _, link := range regexp.MustCompile(`\]\(([a-z.]*)#?([a-z0-9-]*)\)`).FindAllStringSubmatch(text, -1) {
		target := text
		if link[1] != "" {
			other, err := os.ReadFile("../../../docs/" + link[1])
			if err != nil {
				t.Error(err)
				continue
			}
			target = string(other)
		}
		found := link[2] == ""
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(target, -1) {
			found = found || anchor(heading[1]) == link[2]
		}
		if !found {
			t.Errorf("%s leads nowhere", link[0])
		}
	}
}
