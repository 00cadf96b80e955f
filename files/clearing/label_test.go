package clearing

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A labeller is told what gets labels.
type labeller struct {
	err   error
	paths []string
	args  []string
}

func (l *labeller) Run(_ context.Context, c system.Command) ([]byte, error) {
	l.paths, l.args = strings.Split(strings.TrimSuffix(string(c.Stdin), "\x00"), "\x00"), c.Args
	return nil, l.err
}

// What is copied to /etc is labelled by the policy, and nothing that is kept.
func TestLabels(t *testing.T) {
	image := append([]string{"usr/etc/selinux/config=SELINUXTYPE=targeted", "usr/etc/selinux/targeted/contexts/files/file_contexts=", "usr/etc/ssh/moduli=m", "usr/etc/new\nline=x"}, deployment...)
	for name, c := range map[string]struct {
		request  Request
		settings string
		err      error
		want     string
		failure  string
	}{
		"all":                      {want: "/etc"},
		"beside what is kept":      {request: Request{Keep: []string{"/etc/ssh/key"}}, want: "/etc/new\nline /etc/passwd /etc/selinux /etc/ssh/moduli /etc/ssh/sshd_config"},
		"another ID":               {request: Request{Keep: []string{"/etc/ssh/key"}, MachineID: "0123"}, want: "/etc/new\nline /etc/passwd /etc/selinux /etc/ssh/moduli /etc/ssh/sshd_config /etc/machine-id"},
		"not if it is not wanted":  {settings: "SELINUX_RELABEL=no"},
		"a kept directory":         {request: Request{Keep: []string{"/etc"}}},
		"a program that is absent": {want: "/etc", err: exec.ErrNotFound},
		"a program that fails":     {want: "/etc", err: errors.New("no policy"), failure: "labelling /etc for SELinux, if it has a policy: no policy"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTree(t, t.TempDir(), append(image, "etc/ssh/key=k", "var/f=x")...)
			l := &labeller{err: c.err}
			c.request.Run, c.request.Settings, c.request.Log = l, settings(t, c.settings), report.NewFuncLogger(func(report.Level, string, map[string]string) {})
			p, err := tr.look(c.request)
			testkit.NoError(t, err)
			if err := run(t, p); c.failure == "" {
				testkit.NoError(t, err)
			} else {
				testkit.ErrorContains(t, "clearing", err, c.failure)
			}
			for i, at := range l.paths {
				l.paths[i] = strings.TrimPrefix(at, tr.dir)
			}
			testkit.Equal(t, "labelled", strings.Join(l.paths, " "), c.want)
			if c.want != "" {
				testkit.Contains(t, "arguments", strings.Join(l.args, " "), "-r "+tr.dir+" ", "/etc/selinux/targeted/contexts/files/file_contexts")
			}
			testkit.Equal(t, "warnings", len(c.request.Log.Warnings()), map[bool]int{true: 1}[errors.Is(c.err, exec.ErrNotFound)])
		})
	}
}
