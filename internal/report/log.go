package report

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"

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

// severities by level. The names have the width of the reference's column.
var severities = [...]struct {
	priority journal.Priority
	column   string
}{
	LevelDebug:    {journal.PriDebug, "DEBUG    :"},
	LevelInfo:     {journal.PriInfo, "INFO     :"},
	LevelNotice:   {journal.PriNotice, "NOTICE   :"},
	LevelWarn:     {journal.PriWarning, "WARNING  :"},
	LevelError:    {journal.PriErr, "ERROR    :"},
	LevelCritical: {journal.PriCrit, "CRITICAL :"},
}

// A Logger logs messages. It is not log/slog's, which brings encoding/json
// with it: 200 kB that an initramfs need not carry. A nil one is silent.
type Logger struct {
	prefix   string
	write    func(level Level, text string, fields map[string]string)
	warnings *warnings
}

// maxWarnings bounds how many warnings a report has.
const maxWarnings = 1000

// warnings are the messages of LevelWarn, in their order.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.texts) < maxWarnings {
		w.texts = append(w.texts, text)
	}
}

// NewLogger chooses where messages go: standard output if wanted, else the
// journal, else the kernel's log, else standard output again.
func NewLogger(stdout bool) *Logger {
	if stdout {
		return NewWriterLogger(os.Stdout)
	}
	if journal.Enabled() {
		return NewFuncLogger(toJournal)
	}
	if kmsg, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		return NewFuncLogger(toKmsg(kmsg))
	}
	return NewWriterLogger(os.Stdout)
}

// NewWriterLogger logs to w in the form that the reference uses on standard output.
func NewWriterLogger(w io.Writer) *Logger {
	return NewFuncLogger(toWriter(w))
}

// NewFuncLogger passes messages, their fields by name, to a function.
func NewFuncLogger(write func(level Level, text string, fields map[string]string)) *Logger {
	return &Logger{write: write, warnings: new(warnings)}
}

// Warnings returns what was logged at LevelWarn so far, for the report.
func (l *Logger) Warnings() []string {
	if l == nil {
		return nil
	}
	l.warnings.mu.Lock()
	defer l.warnings.mu.Unlock()
	return slices.Clone(l.warnings.texts)
}

// With returns a logger whose messages begin with a stage or an operation.
func (l *Logger) With(where string) *Logger {
	if l == nil {
		return nil
	}
	return &Logger{l.prefix + where + ": ", l.write, l.warnings}
}

// Log logs a message, made printable: a line break in it continues the message, so that
// nothing in it passes for a message of its own. Fields, names and values in turn, are
// for the journal only.
func (l *Logger) Log(level Level, text string, fields ...string) {
	if l == nil {
		return
	}
	named := map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		named[fields[i]] = fields[i+1]
	}
	text = strings.ReplaceAll(system.Printable(text), "\n", "\n    ")
	if level == LevelWarn {
		l.warnings.add(text)
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

func toJournal(l Level, text string, fields map[string]string) {
	fields["SYSLOG_IDENTIFIER"] = identifier
	// Nothing can be done about a message that the journal does not take.
	_ = journal.Send(text, severities[l].priority, fields)
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
