package causes

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestCausesInLab(t *testing.T) { testAll(t, true) }
func TestCauses(t *testing.T)      { testAll(t, false) }

// testAll runs the agent into each cause, and reads the box.
func testAll(t *testing.T, lab bool) {
	for _, c := range All {
		if c.Lab == lab {
			t.Run(c.Name, c.test)
		}
	}
}

func (c Cause) test(t *testing.T) {
	m := newMachine(t)
	m.config = c.Config
	m.places["ROOT"] = m.path("root")
	if c.Key != "" {
		provoke[c.Key](m)
	}
	m.config = m.fill(m.config)
	m.write("config.ign", strings.Replace(m.config, Mark, "", 1))
	box := m.box(c.Stages...)
	if n := strings.Count(box, "\n"); n > 24 {
		t.Errorf("the box has %d lines", n)
	}
	for line := range strings.Lines(box) {
		if n := utf8.RuneCountInString(line); n != 81 {
			t.Errorf("a line has %d columns", n-1)
		}
	}
	if c.Operation != "" {
		m.has(box, "operation "+c.Operation)
	}
	m.has(box, "cause "+c.Says)
	place := c.Path
	if strings.Contains(m.config, Mark) {
		line, column := Place(m.config)
		place = fmt.Sprintf("...config.ign), line %d, column %d", line, column)
		if c.Path != "" {
			place += " (" + c.Path + ")"
		}
	}
	if place != "" {
		m.has(box, "config "+place+" hint")
	}
	m.has(box, "hint "+c.Hint)
	if t.Failed() {
		t.Logf("\n%s", box)
	}
}

// has checks that a box has a text; "..." in it stands for anything.
func (m *machine) has(box, want string) {
	m.Helper()
	rest := squeeze(box)
	for part := range strings.SplitSeq(m.fill(want), "...") {
		_, after, found := strings.Cut(rest, squeeze(part))
		if !found {
			m.Errorf("%q is not in the box", want)
			return
		}
		rest = after
	}
}

// Eight files exist: two problems are whole, six have a line each, and all their places are
// there.
func TestEightProblemsAreInABox(t *testing.T) {
	m := newMachine(t)
	m.config = `{"ignition": {"version": "3.4.0"}, "storage": {"files": [`
	var places []string
	for i := range 8 {
		name := fmt.Sprintf("/usr/share/example/of/a/path/that/is/long/file%d", i)
		m.write("root"+name, "contents")
		if i > 0 {
			m.config += ","
		}
		m.config += fmt.Sprintf("\n  {\"path\": %s%q, \"contents\": {\"source\": \"data:,x\"}}", Mark, name)
		before := strings.ReplaceAll(m.config[:strings.LastIndex(m.config, Mark)], Mark, "")
		line, column := Place(before + Mark)
		places = append(places, fmt.Sprintf("line %d, column %d", line, column))
	}
	m.write("config.ign", strings.ReplaceAll(m.config, Mark, "")+"]}}")
	box := m.box(filesStage...)
	if n := strings.Count(box, "\n"); n != 24 {
		t.Errorf("the box has %d lines", n)
	}
	for i, place := range places {
		m.has(box, fmt.Sprintf("problem %d file /usr/share...overwrite is not set...%s", i+1, place))
	}
	m.has(box, "hint set overwrite if it may be replaced...problem 2...hint set overwrite if it may be replaced")
	if t.Failed() {
		t.Logf("\n%s", box)
	}
}

func TestAllThatIsProvokedHasARow(t *testing.T) {
	used := map[string]bool{"": true}
	for _, c := range All {
		used[c.Key] = true
		if provoke[c.Key] == nil && c.Key != "" {
			t.Errorf("%s: nothing provokes %q", c.Name, c.Key)
		}
		testkit.Contains(t, c.Name, c.Says, c.Message)
	}
	for key := range provoke {
		if !used[key] {
			t.Errorf("%q is no cause", key)
		}
	}
}
