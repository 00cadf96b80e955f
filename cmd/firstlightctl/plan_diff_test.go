package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// writeRecord writes a record of stages, each an object without its braces.
func writeRecord(t *testing.T, name string, stages ...string) {
	t.Helper()
	testkit.WriteFile(t, name, `{"version": 1, "boot": "b007", "outcome": "provisioned", "stages": [{`+strings.Join(stages, "}, {")+`}]}`)
}

// record is a stage that did these operations; one that begins with ! has failed.
func record(stage string, operations ...string) string {
	var all []string
	for _, name := range operations {
		name, failed := strings.CutPrefix(name, "!")
		message := ""
		if failed {
			message = `, "error": "no"`
		}
		all = append(all, fmt.Sprintf(`{"operation": %q%s}`, name, message))
	}
	return fmt.Sprintf(`"stage": %q, "operations": [%s]`, stage, strings.Join(all, ", "))
}

func TestAPlanIsComparedWithARecord(t *testing.T) {
	t.Chdir(t.TempDir())
	testkit.WriteFile(t, "motd.ign", `{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,x"}}]}}`)
	did := []string{"recording in /etc/.provisioning-ledger.json what exists", "writing file /etc/motd", "writing the result file /etc/.ignition-result.json",
		"writing everything through to the disks", "recording that all is done"}
	for name, c := range map[string]struct {
		stages []string
		want   string
	}{
		"the same":       {[]string{record("fetch", "getting it"), record("files", did...), record("umount", "unmounting /var")}, "[]"},
		"not done":       {[]string{record("files", did[2:]...)}, "[{files " + did[0] + " not done} {files " + did[1] + " not done}]"},
		"not planned":    {[]string{record("disks", "making ext4 on /dev/vdb"), record("files", did...)}, "[{disks making ext4 on /dev/vdb not planned}]"},
		"failed":         {[]string{record("files", did[0], "!"+did[1])}, "[{files " + did[1] + " failed} {files " + did[2] + " not done} {files " + did[3] + " not done} {files " + did[4] + " not done}]"},
		"twice":          {[]string{record("files", append(did, did[1])...)}, "[{files " + did[1] + " not planned}]"},
		"tried again":    {[]string{record("files", "!"+did[0]), record("files", did...)}, "[]"},
		"only a plan":    {[]string{`"stage": "disks", "planned": ["files: ` + strings.Join(did, `", "files: `) + `"]`}, "[]"},
		"in other words": {[]string{record("mount", did...)}, ""},
	} {
		writeRecord(t, "record.json", c.stages...)
		status := exitRefused
		if c.want == "[]" {
			status = exitOK
		}
		got := planned(t, status, "--diff", "record.json", "motd.ign")
		if got.Record != "b007" || fmt.Sprint(got.Differences) != c.want && c.want != "" {
			t.Errorf("%s: record %s:\n%v\nwant\n%s", name, got.Record, got.Differences, c.want)
		}
		if name == "in other words" && len(got.Differences) != 2*len(did) {
			t.Errorf("%s: %v", name, got.Differences)
		}
	}
}

func TestDifferencesAreDrawn(t *testing.T) {
	compare(t, "none", drawing{columns: 80}.differences(&planResult{Record: "b007"}), "The machine did what is planned (boot b007).\n")
	compare(t, "without a record", drawing{columns: 80}.differences(&planResult{}), "")
	compare(t, "two", drawing{columns: 80}.differences(&planResult{Record: "b007", Differences: []difference{{"disks", "making ext4 on /dev/vdb", "failed"}, {"files", "a\x1bb", "not done"}}}),
		`2 differences to what the machine did (boot b007):
  1. failed: disks: making ext4 on /dev/vdb
  2. not done: files: a?b
`)
}

func TestARecordThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	testkit.WriteFile(t, "none.ign", `{"ignition": {"version": "3.4.0"}}`)
	testkit.WriteFile(t, "broken", "{")
	for name, want := range map[string]string{"nowhere": "reading the record: open nowhere", "broken": "reading the record: "} {
		var stderr strings.Builder
		if status := run([]string{"plan", "--diff", name, "none.ign"}, nil, &stderr, &stderr); status != exitError || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: %d: %s", name, status, &stderr)
		}
	}
}
