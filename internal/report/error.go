package report

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/firstlight-os/firstlight/config"
)

// An Error is a failure that a person can act on. Its parts are shown apart in
// the failure report; in one line they read "doing: cause".
type Error struct {
	// Doing is what was being done and to what, as a gerund: "mounting
	// /dev/vdb1 at /var". May be empty where the operation around says it.
	Doing string
	// Origin is the value of the config that asked for it, if any.
	Origin config.Origin
	// Err is the cause, in the system's words where it comes from there.
	Err error
	// Hint is what could be done about it, as an imperative. May be empty.
	Hint string
}

func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	if e.Doing == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.Doing, e.Err)
}

// Kind says who can do something about a failure. It chooses the headline of
// the report and the exit status.
type Kind int

// Kinds of failure. Their numbers are the exit statuses, see docs/operating.md;
// 2 and 3 are those of a wrong call and of a state file that cannot be used.
const (
	// KindMachine is a problem of the machine or its surroundings that is none
	// of the others.
	KindMachine Kind = 1
	// KindConfig is a mistake in a config.
	KindConfig Kind = 4
	// KindFetch is what could not be had from a server or from the platform.
	KindFetch Kind = 5
	// KindDisk is a filesystem that is full, read-only or broken.
	KindDisk Kind = 6
	// KindProgram is a helper program that is missing or has failed.
	KindProgram Kind = 7
	// KindBug is a mistake of this program.
	KindBug Kind = 8
)

// String names a kind in one word; without an error there is none.
func (k Kind) String() string {
	return map[Kind]string{0: "none", KindMachine: "machine", KindConfig: "config", KindFetch: "fetch",
		KindDisk: "disk", KindProgram: "program", KindBug: "bug"}[k]
}

// ErrBug is wrapped by failures that should be impossible.
var ErrBug = errors.New("this is a bug in firstlight")

// ErrFetch is wrapped by failures to fetch something.
var ErrFetch = errors.New("it cannot be fetched")

// KindOf classifies an error. If it joins several, the first of this order
// counts.
func KindOf(err error) Kind {
	var parse *config.ParseError
	var status *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrBug):
		return KindBug
	case errors.As(err, &parse), errors.Is(err, ErrConfig):
		return KindConfig
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return KindDisk
	case errors.Is(err, ErrFetch):
		return KindFetch
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &status):
		return KindProgram
	}
	return KindMachine
}

// ErrConfig is wrapped by failures that a change of the config would fix.
var ErrConfig = errors.New("the config cannot be applied")

// Conflict is an Error about a config that does not fit the machine that was
// found. The text has what the config wants and what exists.
func Conflict(origin config.Origin, hint, format string, args ...any) *Error {
	return &Error{Origin: origin, Hint: hint, Err: conflict(fmt.Sprintf(format, args...))}
}

type conflict string

func (c conflict) Error() string        { return string(c) }
func (c conflict) Is(target error) bool { return target == ErrConfig }

// Leaves takes an error apart into the failures that were joined in it.
func Leaves(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, Leaves(e)...)
		}
		return all
	}
	return []error{err}
}
