//go:build linux

package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

// The rules of the consoles:
//
//   - Success prints one line at the end, how long the first boot took, and nothing
//     before; the journal has it all. A console that is stopped delays the boot by a
//     second.
//   - A failure prints its report on every console that the kernel prints to,
//     whichever of them somebody looks at: serial lines and screens. Where the
//     kernel does not list them it is /dev/console.
//   - The report comes last. With systemd, messages about the failed boot come
//     after the stage has ended, so that the consoles are left to a hook of
//     dracut, if it is installed.
//   - Where logging to standard output was asked for, or the distribution wants them
//     quiet, the consoles get nothing, as they may be another's.
//   - Standard error has the report, too, unless it is a console already:
//     without a journal an init's own output is the console.

// emergencyHooks are where dracut, by its version, puts our module's hook that
// shows the report once systemd has printed all its own messages about a failed
// boot.
var emergencyHooks = []string{
	"/usr/lib/dracut/hooks/emergency/99-ignition-report.sh",
	"/var/lib/dracut/hooks/emergency/99-ignition-report.sh",
}

// Show prints a report to standard error, and on every console of this machine unless
// they are to be quiet, or a hook will show it there.
func (l *Logger) Show(text string, quiet bool) error {
	hooked := system.Exists("/run/systemd/system") && slices.ContainsFunc(emergencyHooks, system.Exists)
	return l.ShowNow(text, quiet || hooked)
}

// ShowNow is Show before a power-off, to which no hook comes.
func (l *Logger) ShowNow(text string, quiet bool) error {
	writers := l.toConsoles("\n"+text, quiet)
	if l.Quiet() || !isConsole(os.Stderr) {
		writers["standard error"] = func() error {
			_, err := io.WriteString(os.Stderr, text)
			return err
		}
	}
	return writeAll(writers, consoleTime)
}

// Announce prints a line on every console, unless they are to be quiet.
func (l *Logger) Announce(line string, quiet bool) error {
	return writeAll(l.toConsoles(line+"\n", quiet), announceTime)
}

// toConsoles are what writes a text to each console, by its name.
func (l *Logger) toConsoles(text string, quiet bool) map[string]func() error {
	writers := map[string]func() error{}
	if quiet || l.Quiet() {
		return writers
	}
	for _, console := range consoles("/proc/consoles") {
		writers[console] = func() error { return printTo(console, text) }
	}
	return writers
}

// Quiet reports whether messages go to standard output by intent: then nothing goes to
// the consoles by itself.
func (l *Logger) Quiet() bool { return l != nil && l.stdout }

// consoleTime is what all consoles together get. One that is stopped (Ctrl-S, flow
// control) takes nothing; the boot must not wait for it.
const consoleTime = 5 * time.Second

// announceTime is what they get for what need not be read.
const announceTime = time.Second

// writeAll calls all writers at once and returns what has failed, by name; what takes
// longer than the limit is left behind.
func writeAll(writers map[string]func() error, limit time.Duration) error {
	type result struct {
		name string
		err  error
	}
	done := make(chan result, len(writers))
	for name, write := range writers {
		go func() { done <- result{name, write()} }()
	}
	var errs []error
	for over := time.After(limit); len(writers) > 0; {
		select {
		case r := <-done:
			delete(writers, r.name)
			if r.err != nil {
				errs = append(errs, fmt.Errorf("writing to %s: %w", r.name, r.err))
			}
		case <-over:
			names := slices.Sorted(maps.Keys(writers))
			return errors.Join(append(errs, fmt.Errorf("%s took nothing for %v", strings.Join(names, ", "), limit))...)
		}
	}
	return errors.Join(errs...)
}

// isConsole reports whether a file is a console, which the report goes to anyway.
func isConsole(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(append(consoles("/proc/consoles"), "/dev/console"), func(console string) bool {
		other, err := os.Stat(console)
		return err == nil && info.Sys().(*syscall.Stat_t).Rdev == other.Sys().(*syscall.Stat_t).Rdev && info.Mode()&os.ModeDevice != 0
	})
}

// consoles returns the devices that the kernel prints to, from /proc/consoles.
func consoles(list string) []string {
	f, err := os.Open(list)
	if err != nil {
		return []string{"/dev/console"}
	}
	defer f.Close()
	var devices []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, _, ok := strings.Cut(s.Text(), " "); ok {
			devices = append(devices, filepath.Join("/dev", name))
		}
	}
	if len(devices) == 0 {
		return []string{"/dev/console"}
	}
	return devices
}

func printTo(console, text string) error {
	f, err := os.OpenFile(console, os.O_WRONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// Consoles in raw mode need the carriage return.
	_, err = io.WriteString(f, strings.ReplaceAll(text, "\n", "\r\n"))
	return err
}
