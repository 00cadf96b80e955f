//go:build linux && !portable

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/firstlight-os/firstlight/internal/console"
	"github.com/firstlight-os/firstlight/internal/qemu"
	failure "github.com/firstlight-os/firstlight/internal/report"
)

const (
	// reportPatience is how long after the end of a first boot its failure box and its
	// record may come.
	reportPatience = time.Minute
	// shutdownPatience is how long a machine may take to shut down.
	shutdownPatience = 3 * time.Minute
	// maxRecord is the largest record that is taken, in bytes.
	maxRecord = 64 << 20
)

// A trial is one boot of a machine.
type trial struct {
	options tryOptions
	dir     string
	machine qemu.Machine
	// comeUp is set if there will be another boot.
	comeUp bool
	// shell leaves the machine to the person at the terminal in the end.
	shell  bool
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	story   *console.Story
	seen    watcher
	log     bytes.Buffer // what the console has shown
	screen  screen
	keys    io.Writer // to the console
	events  chan console.Event
	records chan []byte
	ended   chan error
	over    bool // the machine has ended
}

func newTrial(o tryOptions, dir string, m qemu.Machine, stdin io.Reader, stdout, stderr io.Writer) *trial {
	return &trial{options: o, dir: dir, machine: m, stdin: stdin, stdout: stdout, stderr: stderr, story: console.NewStory(stdout),
		seen: watcher{wantsRecord: o.record != ""}, events: make(chan console.Event, 16), records: make(chan []byte), ended: make(chan error, 1)}
}

// run starts the machine and ends it when its boot is over, and what was to come after.
func (t *trial) run(ctx context.Context) (*verdict, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var complaints bytes.Buffer
	if err := t.start(ctx, &complaints); err != nil {
		return nil, err
	}
	reason, err := t.watch(ctx)
	switch {
	case err != nil || t.over:
	case t.shell:
		t.leaveOpen(ctx)
	case t.comeUp && t.seen.verdict(reason).status == 0:
		t.shutDown(ctx)
	}
	stop()
	if !t.over {
		<-t.ended
	}
	// What the machine has sent before its end is still in the pipe.
	for t.records != nil {
		text, more := <-t.records
		t.takeRecord(text, more)
	}
	if err != nil {
		return nil, fmt.Errorf("running the machine: %w\n%s", err, strings.TrimSpace(complaints.String()))
	}
	v := t.seen.verdict(reason)
	v.seconds, v.log = t.story.Seconds(), t.log.Bytes()
	return v, nil
}

// start starts QEMU, which ends with the context.
func (t *trial) start(ctx context.Context, complaints io.Writer) error {
	receiving, sending, err := os.Pipe()
	if err != nil {
		return err
	}
	defer sending.Close()
	t.machine.Ports = append(t.machine.Ports, qemu.Port{Name: failure.Port, Device: "file,path=/dev/fd/3"})
	if t.comeUp {
		t.machine.Monitor = t.monitor()
	}
	reader := console.NewReader(func(e console.Event) {
		select {
		case t.events <- e:
		case <-ctx.Done(): // nobody reads them any more
		}
	})
	cmd := exec.CommandContext(ctx, qemu.Program, append(t.machine.CommandLine(), qemu.Accelerator(t.options.kernel, "max")...)...)
	cmd.Stdout = io.MultiWriter(&t.log, reader, &t.screen)
	if t.options.verbose {
		cmd.Stdout = io.MultiWriter(&t.log, reader, &t.screen, &printer{to: t.stderr})
	}
	cmd.Stderr = complaints
	cmd.ExtraFiles = []*os.File{sending}
	// Ctrl-C is for this process, which ends the machine; so does its death.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if t.keys, err = cmd.StdinPipe(); err != nil {
		receiving.Close()
		return err
	}
	if err := cmd.Start(); err != nil {
		receiving.Close()
		return fmt.Errorf("starting %s: %w", qemu.Program, err)
	}
	go receive(receiving, t.records)
	go func() { t.ended <- cmd.Wait() }()
	return nil
}

// receive takes the records that a machine sends until it ends, and closes the channel.
func receive(from io.ReadCloser, records chan<- []byte) {
	defer close(records)
	defer from.Close()
	decoder := json.NewDecoder(io.LimitReader(from, maxRecord))
	for {
		var record json.RawMessage
		if decoder.Decode(&record) != nil {
			return
		}
		records <- record
	}
}

// watch returns when the boot is over, with the reason if that cannot be seen.
func (t *trial) watch(ctx context.Context) (reason string, err error) {
	limit := time.After(t.options.timeout)
	var patience <-chan time.Time
	for {
		select {
		case e := <-t.events:
			t.take(e)
		case text, more := <-t.records:
			t.takeRecord(text, more)
		case err := <-t.ended:
			t.over, t.seen.ended = true, true
			// All of the console has been read by now, but not all of it taken.
			for len(t.events) > 0 {
				t.take(<-t.events)
			}
			if ctx.Err() != nil {
				err = nil
			}
			return "the machine has ended by itself", err
		case <-ctx.Done():
			return "", nil
		case <-limit:
			return fmt.Sprintf("the boot was not over after %v (--timeout)", t.options.timeout), nil
		case <-patience:
			return "the boot was given up", nil
		}
		switch {
		case t.seen.complete():
			return "", nil
		case t.seen.over() && patience == nil:
			patience = time.After(reportPatience)
		}
	}
}

func (t *trial) take(e console.Event) {
	t.story.Tell(e)
	t.seen.take(e)
}

// takeRecord takes a record, or the end of them.
func (t *trial) takeRecord(text []byte, more bool) {
	if more {
		t.seen.takeRecord(text)
	} else {
		t.records = nil // nobody waits for more
	}
}

// until reads events until something holds, or the machine has ended; it reports whether
// that was within a time.
func (t *trial) until(ctx context.Context, limit time.Duration, holds func() bool) bool {
	timer := time.After(limit)
	for !holds() {
		select {
		case e := <-t.events:
			t.seen.take(e)
		case text, more := <-t.records:
			t.takeRecord(text, more)
		case <-t.ended:
			t.over = true
			return true
		case <-timer:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func never() bool { return false }

// shutDown waits until the machine has come up, and then presses its power button. Its
// disks are what they are then: if it does not react, that was a power cut.
func (t *trial) shutDown(ctx context.Context) {
	if !t.until(ctx, t.options.timeout, func() bool { return t.seen.login }) {
		t.seen.stuck = true
	}
	if t.over || t.seen.stuck {
		return
	}
	if err := qemu.PressPowerButton(ctx, t.monitor()); err != nil || !t.until(ctx, shutdownPatience, never) {
		fmt.Fprintln(t.stdout, "\nThe machine does not shut down; its power is cut.")
	}
}

func (t *trial) monitor() string { return filepath.Join(t.dir, "monitor") }

// leaveOpen leaves the machine to the person at the terminal.
func (t *trial) leaveOpen(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	restore := openShell(ctx, t.stdin, t.stdout, t.keys, stop)
	defer restore()
	t.screen.open(t.stdout)
	defer t.screen.open(nil)
	t.until(ctx, 1<<62, never)
}
