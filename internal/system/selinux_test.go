package system_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

func TestPolicyIsTheRootsOwn(t *testing.T) {
	root := t.TempDir()
	l := system.Labeller{Root: root}
	if policy, err := l.Policy(); policy != "" || err != nil {
		t.Errorf("without a configuration: got %q, %v", policy, err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "etc/selinux"), 0o755), os.MkdirAll(filepath.Join(root, "usr"), 0o755),
		os.WriteFile(filepath.Join(root, "usr/config"), []byte("SELINUX=enforcing\nSELINUXTYPE=targeted\n"), 0o644),
		os.Symlink("/usr/config", filepath.Join(root, "etc/selinux/config"))); err != nil {
		t.Fatal(err)
	}
	if policy, err := l.Policy(); policy != "targeted" || err != nil {
		t.Errorf("got %q, %v", policy, err)
	}
}

func TestLabelRunsSetfilesOrWarns(t *testing.T) {
	run := &systemtest.Recorder{}
	var log []string
	l := system.Labeller{Root: "/sysroot", Run: run, Warn: func(text string, _ ...string) { log = append(log, text) }}
	if err := l.Label(t.Context(), "targeted", []string{"/sysroot/a"}); err != nil || len(log) > 0 {
		t.Errorf("got %v, %q", err, log)
	}
	want := "setfiles -vF0 -r /sysroot /sysroot/etc/selinux/targeted/contexts/files/file_contexts -f -"
	if got := run.Lines(); len(got) != 1 || got[0] != want {
		t.Errorf("got %q", got)
	}
	run.Answers = map[string]systemtest.Answer{"setfiles": {Err: exec.ErrNotFound}}
	if err := l.Label(t.Context(), "targeted", []string{"/sysroot/a"}); err != nil || !strings.Contains(strings.Join(log, ""), "no program setfiles") {
		t.Errorf("got %v, %q", err, log)
	}
}
