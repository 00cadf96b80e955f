//go:build linux && !portable

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// endKey is Ctrl-], which ends the machine; all other keys are for its console.
const endKey = 0x1d

// openShell connects the console of a machine with the terminal, until endKey is pressed
// or done is closed. It returns what makes the terminal what it was.
func openShell(ctx context.Context, stdin io.Reader, stdout io.Writer, console io.Writer, stop func()) (restore func()) {
	fmt.Fprint(stdout, "\nThe console of the machine is open; Ctrl-] ends the machine.\n\n")
	restore = makeRaw(stdin)
	go func() {
		defer stop()
		keys := make([]byte, 256)
		for ctx.Err() == nil {
			n, err := stdin.Read(keys)
			typed, _, end := bytes.Cut(keys[:n], []byte{endKey})
			if _, writeErr := console.Write(typed); writeErr != nil || err != nil || end {
				return
			}
		}
	}()
	return restore
}

// makeRaw has a terminal pass all keys on as they are pressed. What is no terminal stays
// as it is.
func makeRaw(stdin io.Reader) (restore func()) {
	f, ok := stdin.(*os.File)
	if !ok {
		return func() {}
	}
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	raw := *before
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Oflag &^= unix.OPOST
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if unix.IoctlSetTermios(fd, unix.TCSETS, &raw) != nil {
		return func() {}
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }
}

// A screen shows the console of a machine from the moment that it is opened.
type screen struct {
	mu sync.Mutex
	to io.Writer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to != nil {
		return s.to.Write(p)
	}
	return len(p), nil
}

func (s *screen) open(to io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
}
