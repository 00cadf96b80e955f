package system_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A tree has a configuration of SELinux, and a directory that is a link.
type tree struct{ config string }

func (t tree) ReadFile(name string) ([]byte, error) {
	if name != "/etc/selinux/config" || t.config == "" {
		return nil, nil
	}
	return []byte(t.config), nil
}

func (tree) Resolve(name string) (string, error) {
	return strings.Replace(name, "/etc/selinux/linked/", "/usr/share/policy/", 1), nil
}

func TestPolicyIsTheRootsOwn(t *testing.T) {
	for config, want := range map[string]string{"": "", "SELINUX=enforcing\n": "", "SELINUX=enforcing\n SELINUXTYPE=targeted \n": "targeted"} {
		policy, err := system.Labeller{Tree: tree{config}}.Policy()
		testkit.NoError(t, err)
		testkit.Equal(t, "policy", policy, want)
	}
}

func TestLabelRunsSetfilesOrWarns(t *testing.T) {
	run := &systemtest.Recorder{}
	var log []string
	l := system.Labeller{Root: "/sysroot", Tree: tree{}, Run: run, Warn: func(text string, _ ...string) { log = append(log, text) }}
	for policy, contexts := range map[string]string{"targeted": "etc/selinux/targeted/contexts/files/file_contexts", "linked": "usr/share/policy/contexts/files/file_contexts"} {
		if err := l.Label(t.Context(), policy, []string{"/sysroot/a"}); err != nil || len(log) > 0 {
			t.Errorf("got %v, %q", err, log)
		}
		lines := run.Lines()
		testkit.Equal(t, "command", lines[len(lines)-1], "setfiles -vF0 -r /sysroot /sysroot/"+contexts+" -f -")
	}
	run.Answers = map[string]systemtest.Answer{"setfiles": {Err: exec.ErrNotFound}}
	if err := l.Label(t.Context(), "targeted", []string{"/sysroot/a"}); err != nil || !strings.Contains(strings.Join(log, ""), "no program setfiles") {
		t.Errorf("got %v, %q", err, log)
	}
}
