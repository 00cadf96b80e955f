package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/providers"
)

// call runs f as a program and gives its exit status and what it printed.
func call(t *testing.T, f func([]string) int, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	outs := []**os.File{&os.Stdout, &os.Stderr}
	var texts [2]chan string
	for i, out := range outs {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		old := *out
		*out = w
		texts[i] = make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(r)
			texts[i] <- string(b)
		}()
		defer func() { *out = old }()
	}
	status = f(args)
	os.Stdout.Close()
	os.Stderr.Close()
	return status, <-texts[0], <-texts[1]
}

func TestExitStatusesAreTheReferences(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("IGNITION_CONFIG_FILE", filepath.Join(dir, "none"))
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	bad := filepath.Join(dir, "bad")
	os.WriteFile(bad, []byte("{"), 0o600)
	good, full := filepath.Join(dir, "good"), filepath.Join(dir, "full")
	os.WriteFile(good, []byte(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/f", "contents": {"source": "data:,x"}}]}}`), 0o600)
	os.Mkdir(full, 0o755)
	again := t.TempDir()
	os.WriteFile(filepath.Join(full, "f"), nil, 0o600)
	state, cache := "--state-file="+filepath.Join(dir, "state"), "--config-cache="+filepath.Join(dir, "cache")
	for name, tc := range map[string]struct {
		run    func([]string) int
		args   []string
		status int
		says   string // on either output
	}{
		"version":              {runStage, []string{"-version"}, exitOK, "Ignition 2.28.0 (Firstlight "},
		"help":                 {runStage, []string{"-help"}, exitOK, "-config-cache"},
		"unknown flag":         {runStage, []string{"--frob"}, exitUsage, "-frob"},
		"no platform":          {runStage, []string{"--stage=files"}, exitUsage, "no platform is given"},
		"empty platform":       {runStage, []string{"--platform=", "--stage=files"}, exitUsage, "no platform is given"},
		"unknown platform":     {runStage, []string{"--platform=x", "--stage=files"}, exitUsage, `the platform "x" is not known`},
		"no stage":             {runStage, []string{"--platform=metal"}, exitUsage, "the stages are fetch-offline, fetch,"},
		"unknown stage":        {runStage, []string{"--platform=metal", "--stage=x"}, exitUsage, "--stage=x"},
		"failure":              {runStage, []string{"--platform=file", "--stage=fetch", "--log-to-stdout", state, cache}, exitFailed, "IGNITION_CONFIG_FILE"},
		"damaged state":        {runStage, []string{"--platform=metal", "--stage=fetch", "--log-to-stdout", "--state-file=" + bad, cache}, exitSetup, "reading the state"},
		"success":              {runStage, []string{"--platform=metal", "--stage=fetch", "--log-to-stdout", state, cache}, exitOK, "finished successfully"},
		"unset IGNITION_ARGS":  {runStage, []string{"--platform=metal", "--stage=fetch", "--log-to-stdout", state, cache, ""}, exitOK, "finished successfully"},
		"apply":                {applyConfig, []string{"--root=" + dir, good}, exitOK, "[finished] writing file /f"},
		"apply, flags last":    {applyConfig, []string{good, "--root", again, "--offline"}, exitOK, "[finished] writing file /f"},
		"apply, flag after --": {applyConfig, []string{"--", good, "--offline"}, exitFailed, "needs one config"},
		"apply two":            {applyConfig, []string{good, "--root=" + dir, good}, exitFailed, "needs one config"},
		"rmcfg, flags last":    {removeConfig, []string{"x", "--platform=qemu", "--version"}, exitOK, "Ignition "},
		"apply version":        {applyConfig, []string{"--version"}, exitOK, "Ignition "},
		"apply nothing":        {applyConfig, []string{"--root=" + dir}, exitFailed, "needs one config"},
		"apply unknown flag":   {applyConfig, []string{"--frob"}, exitUsage, "-frob"},
		"apply what is not":    {applyConfig, []string{"--root=" + dir, filepath.Join(dir, "none")}, exitFailed, "no such file"},
		"apply what is broken": {applyConfig, []string{"--root=" + dir, bad}, int(report.KindConfig), "the config has to be fixed"},
		"apply again":          {applyConfig, []string{"--root=" + full, good}, int(report.KindConfig), "there already is a file"},
		"rmcfg version":        {removeConfig, []string{"--version"}, exitOK, "Ignition "},
		"rmcfg on qemu":        {removeConfig, []string{"--platform=qemu"}, exitFailed, "cannot be deleted on platform qemu"},
		"rmcfg, not VMware":    {removeConfig, []string{"--platform=vmware", "--log-to-stdout"}, exitFailed, "CRITICAL : delete-config: calling VMware's hypervisor: this machine does not run under VMware"},
		"rmcfg with argument":  {removeConfig, []string{"--platform=qemu", "x"}, exitUsage, `unexpected argument "x"`},
		"rmcfg nowhere":        {removeConfig, nil, exitUsage, "no platform is given"},
	} {
		status, stdout, stderr := call(t, tc.run, tc.args...)
		// A report breaks its lines where they are full.
		said := strings.Join(strings.Fields(strings.ReplaceAll(stdout+stderr, "|", " ")), " ")
		if status != tc.status || !strings.Contains(said, tc.says) {
			t.Errorf("%s: status %d, want %d; said %q, want %q in it", name, status, tc.status, stdout+stderr, tc.says)
		}
	}
}

func TestDeletionReportsAsAStageDoes(t *testing.T) {
	for name, tc := range map[string]struct {
		err            error
		status         int
		stdout, stderr string
	}{
		"success": {nil, exitOK, "INFO     : delete-config: the platform has no config any more\n", ""},
		"failure": {&report.Error{Doing: "deleting it", Err: errors.New("refused"), Hint: "allow it"}, exitFailed,
			"CRITICAL : delete-config: deleting it: refused; allow it\n", "| stage      delete-config"},
	} {
		remove := func([]string) int {
			p := providers.Platform{ID: "test", Delete: func(_ context.Context, env *providers.Env) error {
				env.Log.Info("asking")
				return tc.err
			}}
			return deleteConfig(p, distribution.Settings{}, report.NewLogger(true))
		}
		status, stdout, stderr := call(t, remove)
		if status != tc.status || !strings.Contains(stdout, "INFO     : delete-config: asking\n") || !strings.HasSuffix(stdout, tc.stdout) || !strings.Contains(stderr, tc.stderr) || (tc.stderr == "") != (stderr == "") {
			t.Errorf("%s: status %d, said %q and %q", name, status, stdout, stderr)
		}
	}
}

func TestSuccessSaysNothingAlarming(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", os.DevNull)
	_, stdout, stderr := call(t, runStage, "--platform=metal", "--stage=fetch-offline", "--log-to-stdout",
		"--state-file="+filepath.Join(dir, "state"), "--config-cache="+filepath.Join(dir, "cache"), "--neednet="+filepath.Join(dir, "neednet"))
	if stderr != "" || strings.Contains(stdout, "CRITICAL") || strings.Contains(stdout, "panic") {
		t.Errorf("said:\n%s%s", stdout, stderr)
	}
}

func TestFailureOfTheRuntimeIsASignal(t *testing.T) {
	const overflow = "FIRSTLIGHT_TEST_OVERFLOW"
	if os.Getenv(overflow) != "" {
		prepareForDeath()
		debug.SetMaxStack(1 << 16)
		var deeper func(n int) int
		deeper = func(n int) int { return deeper(n+1) + n }
		deeper(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run="+t.Name())
	cmd.Env = append(os.Environ(), overflow+"=1")
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGABRT || exit.Sys().(syscall.WaitStatus).CoreDump() {
		t.Errorf("got %v", err)
	}
}
