package record_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What an agent has recorded is what firstlightctl report shows, from the record and from
// the stages alone.
func TestRecordsOfTheAgentAreShown(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "firstlightctl")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/firstlight-os/firstlight/cmd/firstlightctl").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
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
