package report

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// Levels beside slog's own; with those they are the severities of syslog that
// are in use.
const (
	LevelNotice   = slog.Level(2)
	LevelCritical = slog.Level(12)
)

// Identifier is the syslog identifier of all messages. Distributions select by it.
const Identifier = "ignition"

// severities by level, most severe first. The names have the width of the
// reference's column.
var severities = []struct {
	level    slog.Level
	priority journal.Priority
	column   string
}{
	{LevelCritical, journal.PriCrit, "CRITICAL :"},
	{slog.LevelError, journal.PriErr, "ERROR    :"},
	{slog.LevelWarn, journal.PriWarning, "WARNING  :"},
	{LevelNotice, journal.PriNotice, "NOTICE   :"},
	{slog.LevelInfo, journal.PriInfo, "INFO     :"},
	{slog.LevelDebug, journal.PriDebug, "DEBUG    :"},
}

func severity(l slog.Level) int {
	for i, s := range severities {
		if l >= s.level {
			return i
		}
	}
	return len(severities) - 1
}

// NewLogger chooses where messages go: standard output if asked, else the
// journal, else the kernel's log, else standard output again.
func NewLogger(stdout bool) *slog.Logger {
	if stdout {
		return slog.New(&handler{write: toWriter(os.Stdout)})
	}
	if journal.Enabled() {
		return slog.New(&handler{write: toJournal})
	}
	if kmsg, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		return slog.New(&handler{write: toKmsg(kmsg)})
	}
	return slog.New(&handler{write: toWriter(os.Stdout)})
}

// NewWriterLogger logs to w in the form that the reference uses on standard output.
func NewWriterLogger(w io.Writer) *slog.Logger {
	return slog.New(&handler{write: toWriter(w)})
}

// A handler makes one line of a message: its attributes "stage" and "op" go in
// front, "seconds" at the end, and others become fields of the journal.
type handler struct {
	attrs []slog.Attr
	write func(level slog.Level, text string, fields map[string]string)
}

func (h *handler) Enabled(context.Context, slog.Level) bool { return true }
func (h *handler) WithGroup(string) slog.Handler            { return h }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...), h.write}
}

func (h *handler) Handle(_ context.Context, rec slog.Record) error {
	var prefix, suffix string
	fields := map[string]string{}
	add := func(a slog.Attr) bool {
		switch a.Key {
		case "stage", "op":
			prefix += a.Value.String() + ": "
		case "seconds":
			suffix = fmt.Sprintf(" (%.3f s)", a.Value.Float64())
		default:
			fields[a.Key] = a.Value.String()
		}
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	rec.Attrs(add)
	h.write(rec.Level, prefix+rec.Message+suffix, fields)
	return nil
}

func toWriter(w io.Writer) func(slog.Level, string, map[string]string) {
	var mu sync.Mutex
	return func(l slog.Level, text string, _ map[string]string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%s %s\n", severities[severity(l)].column, text)
	}
}

func toJournal(l slog.Level, text string, fields map[string]string) {
	fields["SYSLOG_IDENTIFIER"] = Identifier
	// Nothing can be done about a message that the journal does not take.
	_ = journal.Send(text, severities[severity(l)].priority, fields)
}

// toKmsg cuts a message into records that the kernel takes: one line each, at
// most 976 bytes, with the priority in front.
func toKmsg(w io.Writer) func(slog.Level, string, map[string]string) {
	const most = 900
	return func(l slog.Level, text string, _ map[string]string) {
		for line := range strings.SplitSeq(text, "\n") {
			for len(line) > 0 {
				n := min(len(line), most)
				fmt.Fprintf(w, "<%d>%s[%d]: %s\n", severities[severity(l)].priority, Identifier, os.Getpid(), line[:n])
				line = line[n:]
			}
		}
	}
}
