package files_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

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
