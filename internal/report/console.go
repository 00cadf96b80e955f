package report

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/firstlight-os/firstlight/internal/system"
)

// The rules of the consoles:
//
//   - Success prints nothing; the journal has it all.
//   - A failure prints its report on every console that the kernel prints to,
//     whichever of them somebody looks at: serial lines and screens. Where the
//     kernel does not list them it is /dev/console.
//   - The report comes last. With systemd, messages about the failed boot come
//     after the stage has ended, so that the consoles are left to a hook of
//     dracut, if it is installed.
//   - Standard error has the report, too, unless it is a console already:
//     without a journal an init's own output is the console.

// emergencyHooks are where dracut, by its version, puts our module's hook that
// shows the report once systemd has printed all its own messages about a failed
// boot.
var emergencyHooks = []string{
	"/usr/lib/dracut/hooks/emergency/99-ignition-report.sh",
	"/var/lib/dracut/hooks/emergency/99-ignition-report.sh",
}

// ShowOnConsoles prints a report to standard error, and on every console of this
// machine.
func ShowOnConsoles(text string) error {
	var errs []error
	devices := consoles("/proc/consoles")
	if system.Exists("/run/systemd/system") && slices.ContainsFunc(emergencyHooks, system.Exists) {
		devices = nil
	}
	for _, console := range devices {
		errs = append(errs, printTo(console, "\n"+text))
	}
	if !isConsole(os.Stderr) {
		_, err := io.WriteString(os.Stderr, text)
		errs = append(errs, err)
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
	f, err := os.OpenFile(console, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// Consoles in raw mode need the carriage return.
	_, err = io.WriteString(f, strings.ReplaceAll(text, "\n", "\r\n"))
	return err
}
