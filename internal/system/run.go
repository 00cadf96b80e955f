// Package system is the only door to the outside: helper programs, mounts,
// ioctls, the kernel command line, devices and systemd.
package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Version of this program, set when it is built. It is part of the User-Agent.
var Version = "unknown"

// A Command is a helper program with its arguments.
type Command struct {
	Name  string // looked up in PATH
	Args  []string
	Stdin []byte
	// Secrets are those of Args that must not reach a log or a message.
	Secrets []string
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

// A CommandError is a helper program that did not do its work.
type CommandError struct {
	Command Command
	// Output is what it said, to both of its outputs, without secrets.
	Output string
	// Err is an *exec.ExitError, exec.ErrNotFound or what else went wrong.
	Err error
}

func (e *CommandError) Unwrap() error { return e.Err }

func (e *CommandError) Error() string {
	if errors.Is(e.Err, exec.ErrNotFound) {
		return fmt.Sprintf("the program %s is not in this initramfs (needed to run: %s)", e.Command.Name, e.Command)
	}
	said := "it printed nothing"
	if e.Output != "" {
		said = "it said: " + strings.ReplaceAll(e.Output, "\n", " / ")
	}
	return fmt.Sprintf("%s: %v; %s", e.Command, e.Err, said)
}

// Exec runs helper programs on this machine and logs each one.
type Exec struct {
	Log interface {
		Debug(text string, fields ...string)
	}
}

// Run implements Runner.
func (x Exec) Run(ctx context.Context, c Command) ([]byte, error) {
	x.Log.Debug("running " + c.String())
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), &CommandError{Command: c, Output: c.redact(stderr.String() + stdout.String()), Err: err}
	}
	return stdout.Bytes(), nil
}

// redact takes the secrets out of what a program has said, and keeps the end
// of it, where programs say what went wrong.
func (c Command) redact(said string) string {
	for _, s := range c.Secrets {
		if s != "" {
			said = strings.ReplaceAll(said, s, "(hidden)")
		}
	}
	const most = 2000 // bytes; enough for a screen
	said = strings.TrimSpace(said)
	if len(said) > most {
		said = "... " + said[len(said)-most:]
	}
	return said
}
