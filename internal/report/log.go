package report

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

// A Level is how much a message matters. They are the severities of syslog that
// are in use.
type Level int

// Levels, from the least.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelNotice
	LevelWarn
	LevelError
	LevelCritical
)

// identifier is the syslog identifier of all messages. Distributions select by it.
const identifier = "ignition"

// severities by level, with the priorities of syslog. The names have the width of the
// reference's column.
var severities = [...]struct {
	priority int
	column   string
}{
	LevelDebug:    {7, "DEBUG    :"},
	LevelInfo:     {6, "INFO     :"},
	LevelNotice:   {5, "NOTICE   :"},
	LevelWarn:     {4, "WARNING  :"},
	LevelError:    {3, "ERROR    :"},
	LevelCritical: {2, "CRITICAL :"},
}

// A Logger logs messages. It is not log/slog's, which brings encoding/json
// with it: 200 kB that an initramfs need not carry. A nil one is silent.
type Logger struct {
	prefix string
	write  func(level Level, text string, fields map[string]string)
	notes  *notes
	// stdout reports whether standard output was asked for.
	stdout bool
}

const (
	// maxNotes bounds how many warnings, and how many waits, a report has.
	maxNotes = 1000
	// shortWait is the time that is not worth a note.
	shortWait = time.Second
)

// notes are what the report has of the log, in its order: the messages of LevelWarn,
// and the longer waits.
type notes struct {
	mu       sync.Mutex
	warnings []string
	waits    []Wait
}

func (n *notes) addWarning(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.warnings) < maxNotes {
		n.warnings = append(n.warnings, text)
	}
}

func (n *notes) addWait(w Wait) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.waits) < maxNotes {
		n.waits = append(n.waits, w)
	}
}

// NewWriterLogger logs to w in the form that the reference uses on standard output.
func NewWriterLogger(w io.Writer) *Logger {
	return NewFuncLogger(toWriter(w))
}

// NewFuncLogger passes messages, their fields by name, to a function.
func NewFuncLogger(write func(level Level, text string, fields map[string]string)) *Logger {
	return &Logger{write: write, notes: new(notes)}
}

// Warnings returns what was logged at LevelWarn so far, for the report.
func (l *Logger) Warnings() []string {
	if l == nil {
		return nil
	}
	l.notes.mu.Lock()
	defer l.notes.mu.Unlock()
	return slices.Clone(l.notes.warnings)
}

// Waited notes for the report that something was waited for until now, if that was long.
func (l *Logger) Waited(what string, since time.Time) {
	if lasted := time.Since(since); l != nil && lasted >= shortWait {
		l.notes.addWait(Wait{For: system.PrintableLine(what), Started: since, Seconds: lasted.Seconds()})
	}
}

// Waits returns what was waited for so far.
func (l *Logger) Waits() []Wait {
	if l == nil {
		return nil
	}
	l.notes.mu.Lock()
	defer l.notes.mu.Unlock()
	return slices.Clone(l.notes.waits)
}

// With returns a logger whose messages begin with a stage or an operation.
func (l *Logger) With(where string) *Logger {
	if l == nil {
		return nil
	}
	other := *l
	other.prefix += where + ": "
	return &other
}

// Bare returns a logger whose messages begin with nothing: for those that programs
// select and compare.
func (l *Logger) Bare() *Logger {
	if l == nil {
		return nil
	}
	other := *l
	other.prefix = ""
	return &other
}

// Log logs a message, made printable: a line break in it continues the message, so that
// nothing in it passes for a message of its own. Fields, names and values in turn, are
// for the journal only, and printable as well.
func (l *Logger) Log(level Level, text string, fields ...string) {
	if l == nil {
		return
	}
	var named map[string]string
	for i := 0; i+1 < len(fields); i += 2 {
		if named == nil {
			named = map[string]string{}
		}
		named[fields[i]] = system.PrintableLine(fields[i+1])
	}
	text = strings.ReplaceAll(system.Printable(text), "\n", "\n    ")
	if level == LevelWarn {
		l.notes.addWarning(text)
	}
	l.write(level, l.prefix+text, named)
}

// Debug, Info and Warn log a message at their level; see Log.
func (l *Logger) Debug(text string, fields ...string) { l.Log(LevelDebug, text, fields...) }
func (l *Logger) Info(text string, fields ...string)  { l.Log(LevelInfo, text, fields...) }
func (l *Logger) Warn(text string, fields ...string)  { l.Log(LevelWarn, text, fields...) }

func toWriter(w io.Writer) func(Level, string, map[string]string) {
	var mu sync.Mutex
	return func(l Level, text string, _ map[string]string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%s %s\n", severities[l].column, text)
	}
}

// toKmsg cuts a message into records that the kernel takes: one line each, at
// most 976 bytes, with the priority in front.
func toKmsg(w io.Writer) func(Level, string, map[string]string) {
	const most = 900
	return func(l Level, text string, _ map[string]string) {
		for line := range strings.SplitSeq(text, "\n") {
			for len(line) > 0 {
				n := min(len(line), most)
				fmt.Fprintf(w, "<%d>%s[%d]: %s\n", severities[l].priority, identifier, os.Getpid(), line[:n])
				line = line[n:]
			}
		}
	}
}
