//go:build linux

package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Command is a helper program with its arguments.
type Command struct {
	Name  string // looked up in PATH
	Args  []string
	Stdin []byte
	// Secrets are those of Args that must not reach a log or a message.
	Secrets []string
	// SecretOutput keeps what it prints to its standard output from a log or a message.
	SecretOutput bool
}

// longArgument is what an argument may have, in bytes, before messages shorten
// it: the answer of a Tang server would fill the screen.
const longArgument = 200

// String is the command as a person would type it, without its secrets, and
// with long arguments shortened.
func (c Command) String() string {
	words := []string{quote(c.Name)}
	for _, a := range c.Args {
		switch {
		case a != "" && slices.Contains(c.Secrets, a):
			a = "(hidden)"
		case len(a) > longArgument:
			a = quote(a[:longArgument]) + fmt.Sprintf("...(%d bytes)", len(a))
		default:
			a = quote(a)
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

func quote(word string) string {
	if word != "" && strings.IndexFunc(word, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_=./:,+@%", r))
	}) < 0 {
		return word
	}
	return strconv.Quote(word)
}

// A Runner runs helper programs. Tests record instead.
type Runner interface {
	// Run returns what the program has printed to its standard output. A
	// program that cannot be started or fails is a *CommandError.
	Run(ctx context.Context, c Command) ([]byte, error)
}

// A CommandError is a helper program that could not be started or failed. Its
// text is the decisive line of what the program printed.
type CommandError struct {
	Command Command
	// Output is what it printed, to standard error last, without secrets.
	Output string
	// Err is an *exec.ExitError, exec.ErrNotFound or what else went wrong.
	Err error
}

func (e *CommandError) Unwrap() error { return e.Err }

// summaries are in last lines that say only that a program failed; a line before
// says why.
var summaries = map[string][]string{"clevis": {"Error adding new binding", "Unable to perform encryption with PIN"}, "setfiles": {": Invalid argument"}}

// Error is the last line of the output, by convention the cause.
func (e *CommandError) Error() string {
	lines := e.Lines()
	switch {
	case isMissing(e.Err):
		return fmt.Sprintf("the program %s is not in this initramfs", e.Command.Name)
	case len(lines) == 0:
		return e.Detail() + ", without a message"
	}
	last := lines[len(lines)-1]
	for i := len(lines) - 2; i >= 0 && slices.ContainsFunc(summaries[e.Command.Name], func(s string) bool { return strings.Contains(last, s) }); i-- {
		last = lines[i]
	}
	if !strings.HasPrefix(last, e.Command.Name) {
		last = e.Command.Name + ": " + last
	}
	return last
}

// Lines are those of the output that are not empty.
func (e *CommandError) Lines() []string {
	var lines []string
	for line := range strings.Lines(e.Output) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Detail is the command line and how the program ended.
func (e *CommandError) Detail() string {
	if isMissing(e.Err) {
		return "needed to run: " + e.Command.String()
	}
	return fmt.Sprintf("%s: %v", e.Command, e.Err)
}

// Hint is what can be done about it; see hints.go.
func (e *CommandError) Hint() string {
	return findHelper(e.Command.Name).hint(e.Err)
}

func isMissing(err error) bool { return errors.Is(err, exec.ErrNotFound) }

// exitStatus returns how a program ended: by itself, or by a signal.
func exitStatus(err error) (status int, signal syscall.Signal) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, 0
	}
	if how, ok := exit.Sys().(syscall.WaitStatus); ok && how.Signaled() {
		return 0, how.Signal()
	}
	return exit.ExitCode(), 0
}

// Exec runs helper programs on this machine and logs each one, that it takes long,
// and what those that fail have printed.
type Exec struct {
	Log interface {
		Debug(text string, fields ...string)
		Warn(text string, fields ...string)
		Waited(what string, since time.Time)
	}
	// Inherit is a file that each program keeps open, such as a lock that is held
	// as long as any of them runs. May be nil.
	Inherit *os.File
}

// outputDelay is how long the output of a program that has ended is waited for, if a
// process that it has left behind holds it open.
const outputDelay = 5 * time.Second

// Run implements Runner.
func (x Exec) Run(ctx context.Context, c Command) ([]byte, error) {
	x.Log.Debug("running " + c.String())
	var stdout, stderr bytes.Buffer
	err := x.run(x.command(ctx, c, &stdout, &stderr), c.Name)
	if err == nil {
		return stdout.Bytes(), nil
	}
	if _, signal := exitStatus(err); signal == syscall.SIGKILL && ctx.Err() != nil {
		err = context.Cause(ctx) // it was us
	}
	if c.SecretOutput {
		stdout.Reset()
	}
	failure := &CommandError{Command: c, Output: c.redact(stdout.String() + "\n" + stderr.String()), Err: err}
	for _, line := range failure.Lines() {
		x.Log.Debug(fmt.Sprintf("output of %s: %s", c.Name, line))
	}
	return stdout.Bytes(), failure
}

func (x Exec) command(ctx context.Context, c Command, stdout, stderr io.Writer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = stdout, stderr, outputDelay
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	// What this process was killed in must not go on beside the next run.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if x.Inherit != nil {
		cmd.ExtraFiles = []*os.File{x.Inherit}
	}
	return cmd
}

// run waits for a program and warns when that takes long: some, such as mkfs on a
// large disk, rightly do, so that there is no limit.
func (x Exec) run(cmd *exec.Cmd, name string) error {
	// The signal is sent when the thread ends that has started the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := start(cmd); err != nil {
		return err
	}
	defer x.Log.Waited(name, time.Now())
	ended := make(chan struct{})
	defer close(ended)
	go x.remind(ended, fmt.Sprintf("%s (PID %d)", name, cmd.Process.Pid))
	err := cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		x.Log.Warn(fmt.Sprintf("%s has ended, but a process that it has started goes on", name))
		return nil
	}
	return err
}

// starting is locked for reading while a program is started. See CloseExclusive.
var starting sync.RWMutex

// start returns when the program has begun to run: what it does not inherit is closed, or
// just about to be.
func start(cmd *exec.Cmd) error {
	starting.RLock()
	defer starting.RUnlock()
	return cmd.Start()
}

// remind warns that a program has not ended yet.
func (x Exec) remind(ended <-chan struct{}, what string) {
	for reminder := NewReminder(0); ; {
		select {
		case <-ended:
			return
		case <-time.After(reminder.Left()):
		}
		if waited, due := reminder.Due(); due {
			x.Log.Warn(fmt.Sprintf("waiting for %s, for %v so far", what, waited.Round(time.Second)))
		}
	}
}

// redact removes the secrets from what a program has printed, and keeps the end
// of it, where programs say what went wrong.
func (c Command) redact(output string) string {
	for _, s := range c.Secrets {
		if s != "" {
			output = strings.ReplaceAll(output, s, "(hidden)")
		}
	}
	const most = 2000 // bytes; enough for a screen
	output = strings.TrimSpace(output)
	if len(output) > most {
		output = "... " + output[len(output)-most:]
	}
	return output
}
