package files_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
)

var plans = flag.Int("files.plans", 8, "configs and roots, made up at random, whose plans are compared with their runs")

// A randomRoot makes up configs, and what is in their roots.
type randomRoot struct{ *rand.Rand }

func (r randomRoot) pick(texts ...string) string { return texts[r.IntN(len(texts))] }

// some returns about one in n of these, joined as the elements of a list.
func (r randomRoot) some(n int, texts ...string) string {
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	var kept []string
	for _, text := range texts {
		if r.IntN(n) == 0 {
			kept = append(kept, text)
		}
	}
	return strings.Join(kept, ", ")
}

// Places where nodes are, or are wanted.
var places = []string{"/etc/motd", "/etc/conf.d", "/etc/conf.d/a", "/home/core/file", "/opt", "/opt/app", "/srv/link", "/var/lib/x/y", "/etc/systemd/system/a.service"}

func (r randomRoot) user(name string) string {
	if r.IntN(6) == 0 {
		return fmt.Sprintf(`{"name": %q, "shouldExist": false}`, name)
	}
	return fmt.Sprintf(`{"name": %q%s%s%s%s}`, name, r.pick("", "", `, "groups": ["wheel"]`, `, "groups": ["docker"]`), r.pick("", "", "", fmt.Sprintf(`, "uid": %d`, 1000+r.IntN(20))),
		r.pick("", `, "homeDir": "/srv/`+name+`"`), r.pick("", `, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]`, `, "noCreateHome": true`))
}

func (r randomRoot) unit(name string) string {
	return fmt.Sprintf(`{"name": %q%s%s%s%s}`, name, r.pick("", `, "enabled": true`, `, "enabled": false`), r.pick("", "", `, "mask": true`, `, "mask": false`),
		r.pick("", `, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=a.target\n"`), r.pick("", `, "dropins": [{"name": "d.conf", "contents": "[Unit]\n"}]`))
}

// config is one that has a bit of everything.
func (r randomRoot) config() string {
	paths := slices.Clone(places)
	r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	entry := func(i int, more string) string {
		return fmt.Sprintf(`{"path": %q%s%s%s}`, paths[i], more, r.pick("", `, "user": {"name": "core"}`, `, "user": {"id": 7}`, `, "group": {"name": "docker"}`), r.pick("", `, "overwrite": true`))
	}
	contents := func() string {
		return r.pick(`, "contents": {"source": "data:,x"}`, `, "contents": {"source": "data:,y"}, "mode": 384`)
	}
	target := func() string { return fmt.Sprintf(`, "target": %q`, r.pick("/etc/motd", "../opt", "/nowhere")) }
	return sections(`"passwd": {"groups": [` + r.some(2, `{"name": "docker"}`, `{"name": "wheel"}`, `{"name": "late", "gid": 1001}`) + `], "users": [` + r.some(2, r.user("core"), r.user("dusk"), r.user("ann"), r.user("eve")) + `]},
"storage": {"directories": [` + r.some(3, entry(0, ""), entry(1, `, "mode": 448`)) + `],
"files": [` + r.some(3, entry(2, contents()), entry(3, contents()), entry(4, contents()), fmt.Sprintf(`{"path": %q, "append": [{"source": "data:,more"}]}`, paths[5])) + `],
"links": [` + r.some(3, entry(6, target()), entry(7, target()), entry(8, `, "target": "/etc/motd", "hard": true`)) + `]},
"systemd": {"units": [` + r.some(2, r.unit("a.service"), r.unit("b.timer"), r.unit("c.socket")) + `]}`)
}

// fill makes some of the nodes that a config may want.
func (r randomRoot) fill(m *machine) {
	m.Helper()
	m.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\ncore:x:1000:1000::/home/core:/bin/sh\ndusk:x:1002:1002::/home/dusk:/bin/sh\n")
	m.write("root/etc/group", "root:x:0:\nwheel:x:10:\ncore:x:1000:\ndusk:x:1002:\n"+r.pick("", "docker:x:990:\n", "docker:x:990:\n"))
	m.write("root/etc/shadow", "root:*:19000:0:99999:7:::\ncore:*:19000:0:99999:7:::\ndusk:*:19000:0:99999:7:::\n")
	m.write("root/etc/gshadow", "root:*::\nwheel:!::\ncore:!::\ndusk:!::\n")
	for name, uid := range map[string]int{"core": 1000, "dusk": 1002} {
		home := m.path("root/home/" + name)
		if err := errors.Join(os.MkdirAll(home, 0o755), os.Chown(home, uid, uid)); err != nil {
			m.Fatal(err)
		}
	}
	for _, at := range places {
		name := m.path("root" + at)
		if os.MkdirAll(filepath.Dir(name), 0o755) != nil {
			continue // it is below what is no directory
		}
		var err error
		switch r.IntN(40) {
		case 0:
			err = os.WriteFile(name, []byte(r.pick("x", "other")), 0o644)
		case 1:
			err = os.Mkdir(name, 0o755)
		case 2:
			err = os.Symlink(r.pick("/etc/motd", "/nowhere"), name)
		}
		if err != nil && !os.IsExist(err) && !errors.Is(err, syscall.EISDIR) {
			m.Fatal(err)
		}
	}
}

// ctl builds firstlightctl.
func ctl(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", name, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// planFiles are the operations of the files stage as firstlightctl plans them, or the
// conflicts. Refused is a config that has neither.
func (m *machine) planFiles(ctl string) (operations, conflicts []string, refused bool) {
	m.Helper()
	c := exec.Command(ctl, "plan", "--json", "--root", m.path("root"), m.path("config.ign"))
	c.Env, c.Dir = m.env, m.dir
	out, err := c.Output()
	if len(out) == 0 {
		return nil, nil, true
	}
	var plan struct {
		Operations []struct{ Stage, Operation string }
		Conflicts  []report.Problem
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		m.Fatalf("%v in %s", err, out)
	}
	if (err != nil) != (len(plan.Conflicts) > 0) {
		m.Errorf("plan: %v with %d conflicts", err, len(plan.Conflicts))
	}
	for _, o := range plan.Operations {
		operations = append(operations, o.Operation)
	}
	return operations, causes(plan.Conflicts), false
}

func causes(all []report.Problem) []string {
	var causes []string
	for _, p := range all {
		causes = append(causes, p.Operation+": "+p.Cause)
	}
	return causes
}

// runFiles are those that the stage does, or why it does nothing.
func (m *machine) runFiles() (operations, problems []string, log string) {
	m.Helper()
	_, log, _ = m.files()
	lines := strings.Split(strings.TrimSpace(m.read("run/ignition/report.json")), "\n")
	var last report.Stage
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Stage != "files" {
		m.Fatalf("%v in %s", err, lines[len(lines)-1])
	}
	for _, o := range last.Operations {
		operations = append(operations, o.Name)
	}
	problems = causes(last.Problems)
	for i, text := range problems { // the plan has a file of its name
		problems[i] = strings.ReplaceAll(text, "user config ("+m.path("config.ign")+")", m.path("config.ign"))
	}
	return operations, problems, log
}

// What is planned is what is done, and what is refused is refused for the same reasons. A
// run that a program stops has done the beginning of the plan.
func TestThePlanIsWhatTheRunDoes(t *testing.T) {
	program, random := ctl(t), randomRoot{seeded(t, 2000)}
	done, stopped, conflicting := 0, 0, 0
	for done < *plans {
		m := newMachine(t)
		random.fill(m)
		config := random.config()
		m.write("config.ign", config)
		operations, conflicts, refused := m.planFiles(program)
		if refused {
			if out, err := m.stage("fetch").CombinedOutput(); err == nil {
				t.Errorf("the config is refused by the plan, but not by the machine: %s\n%s", config, out)
			}
			continue
		}
		m.boot(config)
		did, problems, log := m.runFiles()
		switch {
		case len(conflicts) > 0:
			conflicting++
		case len(problems) > 0 && len(did) > 0:
			stopped++
			operations, problems = operations[:min(len(operations), len(did))], nil
		default:
			done++
		}
		if !slices.Equal(operations, did) || !slices.Equal(conflicts, problems) {
			t.Errorf("the config is\n%s\nplanned\n%s\nconflicts\n%s\ndone\n%s\nproblems\n%s\nthe log is\n%s", config,
				strings.Join(operations, "\n"), strings.Join(conflicts, "\n"), strings.Join(did, "\n"), strings.Join(problems, "\n"), log)
		}
	}
	t.Logf("%d runs, %d others that a program stopped, %d refused for conflicts", done, stopped, conflicting)
}
