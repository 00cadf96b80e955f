package report

import (
	"fmt"
	"os"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/sys/unix"
)

// NewLogger chooses where messages go: standard output if wanted, else the
// journal, else the kernel's log, else standard output again.
func NewLogger(stdout bool) *Logger {
	if stdout {
		l := NewFuncLogger(toStdout(os.Stdout))
		l.stdout = true
		return l
	}
	if journal.Enabled() {
		return NewFuncLogger(toJournal)
	}
	if kmsg, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		return NewFuncLogger(toKmsg(kmsg))
	}
	return NewWriterLogger(os.Stdout)
}

// toStdout writes to standard output. A message with a MESSAGE_ID is for programs that
// read the journal: it goes there, too, unless the output leads there already, or to
// nowhere by intent.
func toStdout(out *os.File) func(Level, string, map[string]string) {
	write := toWriter(out)
	return func(l Level, text string, fields map[string]string) {
		known := fields["MESSAGE_ID"] != "" && !isNull(out) && journal.Enabled()
		if known {
			toJournal(l, text, fields)
		}
		if !known || !leadsToJournal(out) {
			write(l, text, fields)
		}
	}
}

func toJournal(l Level, text string, fields map[string]string) {
	if fields == nil {
		fields = map[string]string{}
	}
	fields["SYSLOG_IDENTIFIER"] = identifier
	// Nothing can be done about a message that the journal does not take.
	_ = journal.Send(text, journal.Priority(severities[l].priority), fields)
}

// isNull reports whether a file is /dev/null.
func isNull(f *os.File) bool {
	var stat, null unix.Stat_t
	return unix.Fstat(int(f.Fd()), &stat) == nil && unix.Stat(os.DevNull, &null) == nil && stat.Rdev == null.Rdev && stat.Mode == null.Mode
}

// leadsToJournal reports whether a file is the stream that systemd has connected with
// the journal, by its device and inode in $JOURNAL_STREAM. (StdoutIsJournalStream of
// the library reads it by fmt.Sscanf, and the scanning of package fmt costs 45 kB.)
func leadsToJournal(f *os.File) bool {
	var stat unix.Stat_t
	return unix.Fstat(int(f.Fd()), &stat) == nil && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
