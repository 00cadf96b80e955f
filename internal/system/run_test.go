package system

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCommandsAreShownAsPeopleTypeThem(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for want, c := range map[string]Command{
		`mkfs.ext4 -L "my data" /dev/vda1`:                  {Name: "mkfs.ext4", Args: []string{"-L", "my data", "/dev/vda1"}},
		`useradd --password (hidden) core`:                  {Name: "useradd", Args: []string{"--password", "$y$", "core"}, Secrets: []string{"$y$"}},
		"clevis " + long[:longArgument] + "...(1000 bytes)": {Name: "clevis", Args: []string{long}},
	} {
		if got := c.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAProgramThatIsCanceledIsNotTakenForOneThatWasKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := Exec{Log: silence{}}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	for name, text := range map[string]string{"mkfs.ext4": "exec 9<" + pipe + "; exec sleep 1000", "mkfs.xfs": "kill -KILL $$"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		f, err := os.OpenFile(pipe, os.O_WRONLY, 0) // when the program has opened it
		if err == nil {
			cancel()
			f.Close()
		}
	}()
	_, err := x.Run(ctx, Command{Name: "mkfs.ext4"})
	var failure *CommandError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failure) || strings.Contains(failure.Hint(), "for want of memory") {
		t.Errorf("got %v", err)
	}
	_, err = x.Run(t.Context(), Command{Name: "mkfs.xfs"})
	if errors.Is(err, context.Canceled) || !errors.As(err, &failure) || !strings.Contains(failure.Hint(), "for want of memory") {
		t.Errorf("got %v", err)
	}
}

type silence struct{}

func (silence) Debug(string, ...string)  {}
func (silence) Waited(string, time.Time) {}
func (silence) Warn(string, ...string)   {}

func TestAFileIsClosedWhenNoProgramIsBeingStarted(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	isOpen := func() bool { _, err := f.Stat(); return err == nil }
	starting.RLock() // as while a program is being started
	closed := make(chan error)
	go func() { closed <- CloseExclusive(f) }()
	for range 1000 {
		runtime.Gosched()
	}
	if !isOpen() {
		t.Error("it is closed while a program has it")
	}
	starting.RUnlock()
	if err := <-closed; err != nil || isOpen() {
		t.Errorf("it is still open, or: %v", err)
	}
}
