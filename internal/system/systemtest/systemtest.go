// Package systemtest is a double of package system for tests: it records the
// helper programs that would run.
package systemtest

import (
	"context"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/internal/system"
)

// A Recorder implements system.Runner. It answers from a script.
type Recorder struct {
	// Answers maps the beginning of a command line to what the program does.
	Answers map[string]Answer
	mu      sync.Mutex
	lines   []string
}

// An Answer is the output and the failure of a program.
type Answer struct {
	Stdout string
	Err    error
}

// Run records the command. Without a fitting answer it succeeds and says nothing.
func (r *Recorder) Run(_ context.Context, c system.Command) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := strings.Join(append([]string{c.Name}, c.Args...), " ")
	r.lines = append(r.lines, line)
	best, answer := -1, Answer{}
	for prefix, a := range r.Answers {
		if strings.HasPrefix(line, prefix) && len(prefix) > best {
			best, answer = len(prefix), a
		}
	}
	if answer.Err != nil {
		return []byte(answer.Stdout), &system.CommandError{Command: c, Output: answer.Stdout, Err: answer.Err}
	}
	return []byte(answer.Stdout), nil
}

// Lines are the commands so far, words joined by blanks.
func (r *Recorder) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}
