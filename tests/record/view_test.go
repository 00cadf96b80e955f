package record_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// What an agent has recorded is what firstlightctl report shows, from the record and from
// the stages alone.
func TestRecordsOfTheAgentAreShown(t *testing.T) {
	t.Parallel()
	program := firstlightctl(t)
	for config, want := range map[string][]string{
		goodConfig: {"First boot: provisioned in ", "\numount ", "\n  writing file /etc/motd "},
		badConfig:  {"First boot: failed after ", ", in the stage files\n", "| stage      files", "/etc/passwd", "storage.files[0]"},
	} {
		m := newMachine(t, config, "")
		m.boot(everyStage...)
		for _, file := range []string{"record.json", "report.json"} {
			for _, format := range []string{"text", "html", "svg", "json", "trace"} {
				out, err := exec.Command(program, "report", "--format", format, m.path("run/ignition/"+file)).CombinedOutput()
				if err != nil {
					t.Errorf("%s as %s: %v\n%s", file, format, err, out)
				}
				for _, part := range want {
					if format == "text" && !strings.Contains(string(out), part) {
						t.Errorf("%s: %q is not in\n%s", file, part, out)
					}
				}
			}
		}
	}
}

// What a machine has recorded is what firstlightctl plans for its root as it was before, and
// no other config's plan.
func TestPlanIsComparedWithTheRecordOfTheAgent(t *testing.T) {
	t.Parallel()
	program := firstlightctl(t)
	m := newMachine(t, goodConfig, "")
	before := m.path("before")
	if err := os.CopyFS(before, os.DirFS(m.path("root"))); err != nil {
		t.Fatal(err)
	}
	if status, log := m.boot(everyStage...); status != 0 {
		t.Fatal(log)
	}
	m.write("other.ign", strings.Replace(goodConfig, "/etc/motd", "/etc/issue", 1))
	for config, want := range map[string]struct {
		status int
		says   []string
	}{
		"config.ign": {0, nil},
		"other.ign":  {1, []string{"writing file /etc/issue", "not done", "writing file /etc/motd", "not planned"}},
	} {
		plan := exec.Command(program, "plan", "--root", before, "--diff", m.path("run/ignition/record.json"), m.path(config))
		out, _ := plan.CombinedOutput()
		if got := plan.ProcessState.ExitCode(); got != want.status {
			t.Errorf("%s: exit status %d, want %d\n%s", config, got, want.status, out)
		}
		testkit.Contains(t, config, string(out), want.says...)
	}
}

func firstlightctl(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}
