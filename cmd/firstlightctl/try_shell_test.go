//go:build linux && !portable

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// openTerminal returns a terminal of the test's own.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	testkit.NoError(t, err)
	t.Cleanup(func() { master.Close() })
	testkit.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	testkit.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	testkit.NoError(t, err)
	t.Cleanup(func() { terminal.Close() })
	return terminal
}

func TestTerminalPassesAllKeysOnWhileTheShellIsOpen(t *testing.T) {
	terminal := openTerminal(t)
	modes := func() unix.Termios {
		m, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
		testkit.NoError(t, err)
		return *m
	}
	before := modes()
	restore := makeRaw(terminal)
	const ours = unix.ECHO | unix.ICANON | unix.ISIG // echoes, edits lines, stops programs
	testkit.Equal(t, "local modes while it is open", modes().Lflag&ours, 0)
	restore()
	testkit.Equal(t, "modes at the end", modes(), before)
}

func TestWhatIsNoTerminalStaysAsItIs(t *testing.T) {
	makeRaw(strings.NewReader(""))()
	f, err := os.Open(os.DevNull)
	testkit.NoError(t, err)
	defer f.Close()
	makeRaw(f)()
}
