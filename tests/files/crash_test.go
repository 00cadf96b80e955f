package files_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// every is which of the operations are interrupted. The unit tests of package
// files end a run after each operation; here the process dies, in the middle of
// programs and downloads, too.
var every = flag.Int("files.every", 9, "kill the agent at each `n`th operation")

// manyNodes is a config of two hundred operations.
func manyNodes(url string) string {
	var files, links, units []string
	for i := range 60 {
		files = append(files, fmt.Sprintf(`{"path": "/data/%d/inline", "contents": {"source": "data:,%d"}}, {"path": "/data/%d/remote", "mode": 416, "contents": {"source": "%s/%d"}}`, i, i, i, url, i))
		links = append(links, fmt.Sprintf(`{"path": "/links/%d", "target": "/data/%d/inline", "hard": %v}`, i, i, i%2 == 0))
		units = append(units, fmt.Sprintf(`{"name": "u%d.service", "enabled": true, "contents": "[Unit]\n"}`, i))
	}
	return sections(`"passwd": {"groups": [{"name": "staff"}], "users": [
			{"name": "ann", "groups": ["wheel", "staff"], "sshAuthorizedKeys": ["k"]}, {"name": "bob", "passwordHash": "$6$x"}, {"name": "eve", "homeDir": "/srv/eve"}]},
		"storage": {"files": [` + strings.Join(files, ",") + `, {"path": "/etc/motd", "append": [{"source": "data:,+"}, {"source": "` + url + `/x"}]},
			{"path": "/home/ann/note", "user": {"name": "ann"}, "contents": {"source": "data:,x"}}],
		"links": [` + strings.Join(links, ",") + `]}, "systemd": {"units": [` + strings.Join(units, ",") + `]}`)
}

func TestKilledAgentLeadsToTheSameMachine(t *testing.T) {
	url := server(t, 0)
	config := manyNodes(url)
	whole := newMachine(t)
	whole.boot(config)
	_, log, _ := whole.files()
	want := whole.tree()
	operations := strings.Count(log, "[started]")
	if operations < 200 {
		t.Fatalf("there were only %d operations:\n%s", operations, log)
	}
	killed := 0
	for i := 1; i <= operations; i += *every {
		for _, when := range []string{"started", "finished"} {
			m := newMachine(t)
			m.boot(config)
			if m.killAt(fmt.Sprintf("op(%x): [%s]", i, when)) {
				killed++
			}
			m.boot(config) // after a power cut /run is empty
			if status, log, _ := m.files(); status != 0 {
				t.Fatalf("after a kill at %d %s: status %d\n%s", i, when, status, log)
			}
			if got := m.tree(); got != want {
				t.Fatalf("after a kill at %d %s the tree differs:\n%s", i, when, differences(got, want))
			}
			m.nothingLeft()
		}
	}
	if killed < operations/(*every) {
		t.Errorf("only %d of the runs were killed before their end", killed)
	}
}

// With many kills in a row, at any time, a machine is done some day.
func TestAgentThatIsKilledAgainAndAgain(t *testing.T) {
	url := server(t, 0)
	config := manyNodes(url)
	whole := newMachine(t)
	whole.boot(config)
	whole.must()
	m := newMachine(t)
	for i := range 15 {
		m.boot(config)
		c := m.stage("files")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(10+15*i) * time.Millisecond)
		c.Process.Kill()
		c.Wait()
	}
	m.boot(config)
	m.must()
	if got, want := m.tree(), whole.tree(); got != want {
		t.Errorf("the tree differs:\n%s", differences(got, want))
	}
	m.nothingLeft()
}

// differences are the lines that only one of two texts has.
func differences(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for _, line := range g {
		if !slices.Contains(w, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	return b.String()
}
