package canary

import (
	"bufio"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A Trace is what strace(1) has recorded of a program and all that it has started:
// their arguments and environments, and all that they write. Unlike a reader that looks
// now and then it misses nothing.
type Trace struct {
	Birds
	// MayHold reports whether a file may hold canaries, as that of Files does.
	MayHold func(name string, mode fs.FileMode) bool
}

// Command puts strace before a command line. The record is written to a file.
func (Trace) Command(record string, argv []string) []string {
	return append([]string{"strace", "-f", "--seccomp-bpf", "-qq", "-yy", "-v", "-s", "1000000", "-o", record,
		"-e", "signal=none", "-e", "trace=execve,write,writev,pwrite64,pwritev,sendto,sendmsg,openat,chmod,fchmod,fchmodat"}, argv...)
}

var (
	traced = regexp.MustCompile(`^\d+ +(\w+)\((.*)$`)
	// target is the descriptor that is written to.
	target  = regexp.MustCompile(`^\d+<(.*?)>(?:\(deleted\))?,`)
	created = regexp.MustCompile(`O_CREAT[^,]*, (0\d+)\) = \d+<(.*)>$`)
	chmoded = regexp.MustCompile(`^(?:\d+<(.*?)>|"(.*?)"|AT_FDCWD<.*?>, "(.*?)"), (0\d+)`)
)

// Check reads a record.
func (tr Trace) Check(t testing.TB, record string) {
	t.Helper()
	f, err := os.Open(record)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	modes := map[string]fs.FileMode{}
	calls := 0
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 64<<20); lines.Scan(); {
		call := traced.FindStringSubmatch(lines.Text())
		if call == nil {
			continue
		}
		calls++
		switch name, args := call[1], call[2]; name {
		case "execve":
			tr.checkProgram(t, args)
		case "openat":
			if m := created.FindStringSubmatch(args); m != nil {
				modes[m[2]] = mode(m[1])
			}
		case "chmod", "fchmod", "fchmodat":
			if m := chmoded.FindStringSubmatch(args); m != nil {
				modes[m[1]+m[2]+m[3]] = mode(m[4])
			}
		default:
			tr.checkWrite(t, name, args, modes)
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	if calls == 0 {
		t.Errorf("%s has no system call", record)
	}
}

func mode(octal string) fs.FileMode {
	n, _ := strconv.ParseUint(octal, 8, 32) // the expression has digits only
	return fs.FileMode(n) & fs.ModePerm
}

func (tr Trace) checkProgram(t testing.TB, args string) {
	t.Helper()
	if places := tr.In([]byte(args)); len(places) > 0 {
		t.Errorf("a program is given %q in its arguments or environment: %.2000s", places, args)
	}
}

// checkWrite checks one write. Pipes lead to helpers and to the test, which reads what
// is printed; connections to servers that get what is theirs.
func (tr Trace) checkWrite(t testing.TB, call, args string, modes map[string]fs.FileMode) {
	t.Helper()
	places := tr.In([]byte(args))
	if len(places) == 0 {
		return
	}
	to := target.FindStringSubmatch(args)
	if to == nil {
		t.Errorf("%s of %q somewhere: %.500s", call, places, args)
		return
	}
	name := to[1]
	if strings.HasPrefix(name, "pipe:") || strings.HasPrefix(name, "TCP") || strings.HasPrefix(name, "UDP") {
		return
	}
	if !tr.MayHold(name, modes[name]) {
		t.Errorf("%s of %q to %s (mode %v)", call, places, name, modes[name])
	}
}
