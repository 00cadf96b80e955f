package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

func runner(workers int) (*Runner, *bytes.Buffer) {
	var log bytes.Buffer
	return &Runner{Log: NewWriterLogger(&log), Workers: workers}, &log
}

func op(name string, do func() error, after ...*Operation) *Operation {
	return &Operation{Name: name, After: after, Do: func(context.Context) error { return do() }}
}

// stoppedConsole returns the name of a terminal of which the output is stopped, as by
// Ctrl-S.
func stoppedConsole(t *testing.T) string {
	t.Helper()
	controller, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { controller.Close() })
	fd := int(controller.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/pts/%d", number)
	terminal, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetInt(int(terminal.Fd()), unix.TCXONC, unix.TCOOFF); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStoppedConsoleHoldsNobodyUp(t *testing.T) {
	stopped, other := stoppedConsole(t), filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := writeAll(map[string]func() error{
		stopped:   func() error { return printTo(stopped, "text\n") },
		other:     func() error { return printTo(other, "text\n") },
		"missing": func() error { return printTo(other+"/missing", "text\n") },
	}, 2*time.Second)
	if err == nil || !strings.Contains(err.Error(), stopped+" took nothing for 2s") || !strings.Contains(err.Error(), "writing to missing: ") {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(other); string(text) != "text\r\n" {
		t.Errorf("the other console has %q", text)
	}
}

func TestMessagesCannotBeForged(t *testing.T) {
	var text, kernel bytes.Buffer
	const name = "a\nCRITICAL : forged\r\x1b[2J\u202e"
	NewWriterLogger(&text).Warn("the unit " + name)
	if want := "WARNING  : the unit a\n    CRITICAL : forged??[2J?\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
	NewFuncLogger(toKmsg(&kernel)).Warn("the unit " + name)
	if lines := strings.Split(kernel.String(), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "]:     CRITICAL : forged") {
		t.Errorf("the kernel gets %q", lines)
	}
}

func TestWarningsAreKeptForTheReport(t *testing.T) {
	log := NewFuncLogger(func(Level, string, map[string]string) {})
	log.Info("x")
	log.With("files").Warn("a")
	log.Warn("b")
	if got := log.Warnings(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	var silent *Logger
	silent.Warn("x")
	if got := silent.Warnings(); got != nil {
		t.Errorf("a silent logger has %q", got)
	}
}

func TestOneWorkerKeepsTheOrderOfThePlan(t *testing.T) {
	var order []string
	add := func(s string) func() error { return func() error { order = append(order, s); return nil } }
	r, _ := runner(1)
	if err := r.Run(context.Background(), Plan{op("a", add("a")), op("b", add("b")), op("c", add("c"))}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"a", "b", "c"}) {
		t.Errorf("ran in the order %v", order)
	}
}

func TestIndependentOperationsRunAtOnce(t *testing.T) {
	met := make(chan bool)
	r, _ := runner(2)
	// Neither can end before the other has started.
	plan := Plan{op("one", func() error { met <- true; return nil }), op("two", func() error { <-met; return nil })}
	if err := r.Run(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
}

func TestOperationsWaitForWhatTheyComeAfter(t *testing.T) {
	var ready atomic.Bool
	first := op("first", func() error { ready.Store(true); return nil })
	second := op("second", func() error {
		if !ready.Load() {
			return errors.New("too early")
		}
		return nil
	}, first)
	r, _ := runner(4)
	if err := r.Run(context.Background(), Plan{first, second}); err != nil {
		t.Error(err)
	}
}

func TestFirstFailureKeepsTheRestFromStarting(t *testing.T) {
	r, log := runner(1)
	ran := false
	err := r.Run(context.Background(), Plan{
		op("making a", func() error { return errors.New("no space") }),
		op("making b", func() error { ran = true; return nil }),
	})
	if ran || err == nil || err.Error() != "making a: no space" {
		t.Errorf("ran: %v, error: %v", ran, err)
	}
	want := "NOTICE   : op(1): [failed]   making a: no space\n"
	if log.String() != want {
		t.Errorf("the log is\n%swant\n%s", log, want)
	}
	if len(r.Outcomes) != 1 || r.Outcomes[0].Error != "making a: no space" {
		t.Errorf("outcomes: %+v", r.Outcomes)
	}
}

func TestOperationCanceledByAnotherFailureIsNotReported(t *testing.T) {
	r, _ := runner(2)
	started := make(chan bool)
	err := r.Run(context.Background(), Plan{
		{Name: "waiting", Do: func(ctx context.Context) error { close(started); <-ctx.Done(); return ctx.Err() }},
		op("breaking", func() error { <-started; return errors.New("broken") }),
	})
	if err == nil || err.Error() != "breaking: broken" {
		t.Errorf("got %v", err)
	}
}

func TestPanicBecomesABugReport(t *testing.T) {
	r, _ := runner(1)
	err := r.Run(context.Background(), Plan{op("indexing", func() error { return []error{}[len(Leaves(nil))] })})
	if !errors.Is(err, ErrBug) || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(Box("files", err), "this is a bug in it") {
		t.Error("the headline does not own the bug")
	}
}

func TestPlanThatCannotBeRunIsABug(t *testing.T) {
	r, _ := runner(1)
	nop := func() error { return nil }
	if err := r.Run(context.Background(), Plan{op("b", nop, op("a", nop))}); !errors.Is(err, ErrBug) {
		t.Errorf("got %v", err)
	}
}

var origin = config.Origin{Source: "user config (fw_cfg)", Line: 41, Column: 9, Path: "storage.files[2]"}

func TestBoxSaysAllThatAPersonNeeds(t *testing.T) {
	err := &Error{Doing: "writing /etc/motd", Origin: config.Origin{Source: "outer"}, Err: fmt.Errorf("while fetching: %w",
		&Error{Doing: "fetching http://h/x", Origin: origin, Err: errors.New("the server answered 404 Not Found"), Hint: "check the URL"})}
	want := `+------------------------------------------------------------------------------+
| Firstlight could not provision this machine                                  |
+------------------------------------------------------------------------------+
| stage      files                                                             |
| operation  writing /etc/motd                                                 |
| cause      while fetching: fetching http://h/x: the server answered 404 Not  |
|            Found                                                             |
| config     user config (fw_cfg), line 41, column 9 (storage.files[2])        |
| hint       check the URL                                                     |
| log        journalctl -t ignition (or dmesg, without a journal)              |
+------------------------------------------------------------------------------+
`
	if got := Box("files", err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFailureOfAHelperProgramReadsWell(t *testing.T) {
	var log bytes.Buffer
	r := &Runner{Log: NewWriterLogger(&log)}
	err := r.Run(t.Context(), Plan{{Name: `creating user "no:name"`, Origin: origin, Do: func(context.Context) error {
		return &system.CommandError{Command: system.Command{Name: "useradd", Args: []string{"--create-home", "no:name"}},
			Output: "useradd: Warning: missing or non-executable shell '/bin/bash'\nuseradd: invalid user name 'no:name': use --badname to ignore", Err: errors.New("exit status 3")}
	}}})
	want := `+------------------------------------------------------------------------------+
| Firstlight could not provision this machine                                  |
+------------------------------------------------------------------------------+
| stage      files                                                             |
| operation  creating user "no:name"                                           |
| cause      useradd: invalid user name 'no:name': use --badname to ignore     |
| detail     useradd --create-home no:name: exit status 3                      |
| config     user config (fw_cfg), line 41, column 9 (storage.files[2])        |
| hint       the log has all that it printed; check the entry of passwd in the |
|            config against the account files of the image                     |
| log        journalctl -t ignition (or dmesg, without a journal)              |
+------------------------------------------------------------------------------+
`
	failure := NewFailure("files", err)
	if got := failure.Box(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	failure.Log(r.Log)
	if n := strings.Count(log.String(), "CRITICAL :") + strings.Count(log.String(), "ERROR    :"); n != 1 {
		t.Errorf("%d lines at the level error or above:\n%s", n, &log)
	}
}

// The innermost error that knows them gives origin and hint, also to several
// errors in one, and a caller's hint counts before the helper program's.
func TestOriginAndHintAreInherited(t *testing.T) {
	tool := &system.CommandError{Command: system.Command{Name: "mdadm"}, Err: errors.New("exit status 1")}
	outer := config.Origin{Source: "outer"}
	for name, c := range map[string]struct {
		err  error
		want []Problem
	}{
		"outer ones": {&Error{Doing: "a", Origin: outer, Hint: "h", Err: fmt.Errorf("x: %w", &Error{Doing: "b", Err: errors.New("c")})},
			[]Problem{{Operation: "a", Cause: "x: b: c", Origin: outer, Hint: "h"}}},
		"inner ones": {&Error{Doing: "a", Origin: outer, Hint: "h", Err: &Error{Origin: origin, Hint: "i", Err: errors.New("c")}},
			[]Problem{{Operation: "a", Cause: "c", Origin: origin, Hint: "i"}}},
		"several": {&Error{Doing: "a", Origin: outer, Hint: "h", Err: errors.Join(errors.New("c"), &Error{Origin: origin, Err: errors.New("d")})},
			[]Problem{{Operation: "a", Cause: "c", Origin: outer, Hint: "h"}, {Operation: "a", Cause: "d", Origin: origin, Hint: "h"}}},
		"several, each with what it was doing": {&Error{Doing: "a", Err: errors.Join(&Error{Doing: "b", Err: errors.New("c")}, &Error{Doing: "d", Err: errors.New("e")})},
			[]Problem{{Operation: "a", Cause: "b: c"}, {Operation: "a", Cause: "d: e"}}},
		"a caller's hint": {&Error{Doing: "a", Hint: "h", Err: tool}, []Problem{{Operation: "a", Cause: "mdadm: exit status 1, without a message", Hint: "h"}}},
		"none":            {&Error{Doing: "a", Err: tool}, []Problem{{Operation: "a", Cause: "mdadm: exit status 1, without a message", Hint: tool.Hint()}}},
	} {
		if got := Explain(c.err); !slices.Equal(got, c.want) || name == "none" && got[0].Hint == "" {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestBoxListsAllConflicts(t *testing.T) {
	var errs []error
	for i := range maxProblems + 3 {
		errs = append(errs, Conflict(origin, "set wipeTable", "disk %d is in use", i))
	}
	got := Box("disks", errors.Join(errs...))
	for _, want := range []string{"the config has to be fixed", "problem 1  disk 0 is in use", "problem 8  disk 7 is in use [line 41, column 9]", "set wipeTable", "... and 3 more problems, see the log"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "disk 8") {
		t.Errorf("too many problems:\n%s", got)
	}
}

func TestBoxHasTheOriginOfEachProblemOfAConfig(t *testing.T) {
	_, _, err := config.Parse([]byte("{\"ignition\": {\"version\": \"3.4.0\"},\n\"storage\": {\"files\": [{\"path\": 5}],\n\"disks\": 7}}"), "user config")
	got := Box("fetch-offline", &Error{Doing: "reading the user config", Err: err})
	for _, want := range []string{"problem 1 reading the user config", "this is a number, but a string is expected", "user config, line 2, column 32", "line 3, column 10", "firstlightctl validate"} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestBoxShowsWhatComesAfterALongURL(t *testing.T) {
	box := Box("files", errors.New("fetching http://192.0.2.1/"+strings.Repeat("x", 10_000)+"/last: no space left on device"))
	if !strings.Contains(box, "fetching") || strings.Count(box, "\n") > 14 || !strings.Contains(box, "http://192.0.2.1/x") || !strings.Contains(box, "/last:") || !strings.Contains(box, "no space left on device") {
		t.Error(box)
	}
}

func TestProblemsOfAReportArePrintable(t *testing.T) {
	const text = "a\x1b[2J\u202e\u009b"
	p := Explain(&Error{Doing: text, Err: errors.New(text), Hint: text, Origin: config.Origin{Source: text, Path: text + "\n"}})[0]
	const want = "a?[2J??"
	if (p != Problem{Operation: want, Cause: want, Hint: want, Origin: config.Origin{Source: want, Path: want + "?"}}) {
		t.Errorf("got %+q", p)
	}
	var fields map[string]string
	NewFuncLogger(func(_ Level, _ string, f map[string]string) { fields = f }).Info("x", "SOURCE", text+"\nMESSAGE_ID=x")
	if fields["SOURCE"] != want+"?MESSAGE_ID=x" {
		t.Errorf("the journal gets %q", fields)
	}
}

func TestStageReportsAreOneJSONObjectToALine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "run", "report.json")
	for _, s := range []Stage{{Stage: "disks"}, {Stage: "files", Problems: Explain(&Error{Doing: "a", Err: errors.New("b"), Origin: origin})}} {
		if err := s.Append(name); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], `"problems":[{"operation":"a","cause":"b","origin":{"source":"user config (fw_cfg)","line":41,"column":9,"path":"storage.files[2]"}}]`) {
		t.Errorf("got %s", text)
	}
}

func TestProblemInOneLine(t *testing.T) {
	p := Problem{"mounting /dev/vdb1", "it is\nbusy", "exit status 1", origin, "unmount it"}
	want := "mounting /dev/vdb1: it is; busy (exit status 1) [user config (fw_cfg), line 41, column 9 (storage.files[2])]; unmount it"
	if p.String() != want {
		t.Errorf("got %s", p)
	}
}

func TestConsolesAreThoseOfTheKernel(t *testing.T) {
	list := filepath.Join(t.TempDir(), "consoles")
	os.WriteFile(list, []byte("ttyS0                -W- (EC p a)    4:64\ntty0                 -WU (E  p  )    4:1\n"), 0o644)
	if got := consoles(list); !slices.Equal(got, []string{"/dev/ttyS0", "/dev/tty0"}) {
		t.Errorf("got %v", got)
	}
	if got := consoles(list + "-none"); !slices.Equal(got, []string{"/dev/console"}) {
		t.Errorf("got %v", got)
	}
}

func TestLogLines(t *testing.T) {
	var log bytes.Buffer
	l := NewWriterLogger(&log).With("disks")
	l.Debug("d")
	l.Log(LevelNotice, "n")
	l.Warn("w", "IGNITION_X", "only in the journal")
	l.Log(LevelError, "e")
	want := "DEBUG    : disks: d\nNOTICE   : disks: n\nWARNING  : disks: w\nERROR    : disks: e\n"
	if log.String() != want {
		t.Errorf("got\n%s", &log)
	}
}

func TestKernelLogTakesShortLinesOnly(t *testing.T) {
	var out bytes.Buffer
	toKmsg(&out)(LevelCritical, strings.Repeat("y", 2000)+"\nend", nil)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if len(line) > 976 || !strings.HasPrefix(line, "<2>ignition[") {
			t.Errorf("%d bytes: %.40s", len(line), line)
		}
	}
}

func TestEachClassOfCauseHasItsExitStatus(t *testing.T) {
	_, missing := exec.LookPath("no-such-program")
	failed := exec.Command("false").Run()
	for name, c := range map[string]struct {
		err  error
		want Kind
	}{
		"nothing":          {nil, 0},
		"anything else":    {errors.New("x"), 1},
		"conflict":         {Conflict(config.Origin{}, "", "x"), 4},
		"broken config":    {&config.ParseError{Kind: config.ErrInvalid}, 4},
		"fetching":         {&Error{Doing: "x", Err: fmt.Errorf("%w: 404", ErrFetch)}, 5},
		"full disk":        {&os.PathError{Op: "write", Path: "/f", Err: syscall.ENOSPC}, 6},
		"quota":            {syscall.EDQUOT, 6},
		"read-only":        {syscall.EROFS, 6},
		"broken disk":      {syscall.EIO, 6},
		"missing program":  {missing, 7},
		"failed program":   {failed, 7},
		"bug":              {fmt.Errorf("%w: x", ErrBug), 8},
		"full on fetching": {errors.Join(ErrFetch, syscall.ENOSPC), 6},
		"several":          {errors.Join(errors.New("x"), ErrFetch, Conflict(config.Origin{}, "", "x")), 4},
	} {
		if got := KindOf(c.err); got != c.want || got.String() == "" || got != 0 && headlines[got] == "" {
			t.Errorf("%s: got %d (%v), want %d", name, got, got, c.want)
		}
	}
}

func TestPlaceOfAWarningIsInTheFormThatProgramsCutOff(t *testing.T) {
	for want, at := range map[string]config.Origin{
		"warning at $.systemd.units.0.contents, line 6 col 70: x (user config)": {Source: "user config", Line: 6, Column: 70, Path: "systemd.units[0].contents"},
		"warning, line 1 col 1: x (user config)":                                {Source: "user config", Line: 1, Column: 1},
		"warning: x":                                                            {},
	} {
		if got := Warning(at, "x"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMessagesForProgramsHaveNoPrefix(t *testing.T) {
	var log bytes.Buffer
	l := NewWriterLogger(&log).With("files").With("op(1)")
	l.Bare().Info("wrote keys", "MESSAGE_ID", "x")
	l.Info("other")
	if got, want := log.String(), "INFO     : wrote keys\nINFO     : files: op(1): other\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Who has asked for standard output may have given the consoles to somebody else.
func TestNothingGoesToConsolesBesideStandardOutput(t *testing.T) {
	for l, want := range map[*Logger]bool{NewLogger(true): true, NewWriterLogger(os.Stdout): false, nil: false} {
		if got := l.With("files").Quiet(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !isNull(null) || isNull(file) {
		t.Errorf("of /dev/null and a file %v and %v are null", isNull(null), isNull(file))
	}
}
