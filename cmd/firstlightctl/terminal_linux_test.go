package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestDrawingsAreAsWideAsTheTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	testkit.NoError(t, err)
	defer terminal.Close()
	t.Setenv("COLUMNS", "")
	testkit.Equal(t, "without a known width", columns(terminal), defaultColumns)
	testkit.NoError(t, unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 132, Row: 24}))
	testkit.Equal(t, "of 132 columns", columns(terminal), 132)
	t.Setenv("COLUMNS", "100")
	testkit.Equal(t, "with COLUMNS", columns(terminal), 100)
}
