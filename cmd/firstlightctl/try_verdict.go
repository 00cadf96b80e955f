//go:build linux && !portable

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/internal/console"
	failure "github.com/firstlight-os/firstlight/internal/report"
)

const (
	// statusConfig is the agent's exit status for a config that is to blame.
	statusConfig = int(failure.KindConfig)
	// statusMachine is the one for everything that has no other.
	statusMachine = int(failure.KindMachine)
	statusStopped = 130
)

// A watcher puts together what is seen of a first boot.
type watcher struct {
	wantsRecord bool
	second      bool // this is not the first boot
	ended       bool // the machine has
	stuck       bool // it was provisioned, but did not come up
	switched    bool // it has left its initramfs
	record      []byte
	outcome     string // of the record
	stage       string // the last one that began
	provisioned bool
	login       bool
	emergency   bool
	panic       string
	box         string
	failed      string // the stage that has failed
	status      int    // of that
}

func (w *watcher) take(e console.Event) {
	switch e.Kind {
	case console.StageStarted:
		w.stage = e.Stage
	case console.StageFailed:
		if w.box == "" {
			w.failed, w.status = e.Stage, max(w.status, e.Status)
		}
	case console.Failed:
		if w.box == "" {
			w.box, w.failed, w.status = e.Text, e.Stage, e.Status
		}
	case console.Provisioned:
		w.provisioned = true
	case console.Switched:
		w.switched = true
	case console.Emergency:
		w.emergency = true
	case console.Panic:
		w.panic = e.Text
	case console.Login:
		w.login = true
	}
}

// takeRecord takes a record. Other programs of the machine may write to the port, too; what
// is no record of a boot counts for nothing.
func (w *watcher) takeRecord(text []byte) {
	if r, err := failure.ParseRecord(text); err == nil && r.Outcome != "" {
		w.record, w.outcome = text, r.Outcome
	}
}

// over reports whether the first boot is over, as far as one can see.
func (w *watcher) over() bool {
	return w.failed != "" || w.box != "" || w.provisioned || w.login || w.emergency || w.panic != "" ||
		w.outcome == failure.Provisioned || w.outcome == failure.Failed
}

// complete reports whether nothing more is to be expected.
func (w *watcher) complete() bool {
	if w.second {
		return w.ran() || w.login || w.emergency || w.panic != ""
	}
	known := w.box != "" || w.provisioned || w.login || w.panic != "" || w.outcome == failure.Provisioned
	// The agent sends the record before it ends, and the boot goes on.
	sent := w.record != nil || w.switched || w.login || w.emergency || w.panic != ""
	return known && (sent || !w.wantsRecord)
}

// ran reports whether anything of a first boot has run.
func (w *watcher) ran() bool {
	return w.stage != "" || w.failed != "" || w.provisioned || w.record != nil
}

// A verdict is how a first boot has ended.
type verdict struct {
	status int
	// box is the failure box; text says what has happened if there is none.
	box, text string
	seconds   float64
	log       []byte
	record    []byte
}

// verdict is for a boot that has ended with what was seen, or else for a reason.
func (w *watcher) verdict(reason string) *verdict {
	if w.second {
		return w.secondVerdict(reason)
	}
	v := &verdict{status: max(w.status, statusMachine), box: w.box, record: w.record}
	switch {
	case w.box != "":
	case w.panic != "":
		v.text = "the kernel has stopped: " + w.panic
	case w.failed != "":
		v.text = fmt.Sprintf("the stage %s has failed with exit status %d, and the console does not show why", w.failed, v.status)
	case w.outcome == failure.Failed:
		v.text = "the record says that the first boot has failed"
	case w.emergency:
		v.text = "the boot was given up, for another reason than the agent"
	case w.stuck:
		v.text = "the machine was provisioned, but has not come up: it shows no prompt on its console, and does not end"
	case w.provisioned, w.outcome == failure.Provisioned:
		v.status = 0
	case w.login && w.stage == "":
		v.text = "the machine has booted, but its console shows nothing of a first boot: there is no agent in the image, or this was not its first boot"
	case w.login:
		v.status = 0
	case w.stage == "":
		v.text = reason + ", and its console shows nothing of a first boot; an image needs the kernel argument console=ttyS0"
	default:
		v.text = fmt.Sprintf("%s, in the stage %s", reason, w.stage)
	}
	return v
}

// secondVerdict is for a boot in which nothing of a first boot may run.
func (w *watcher) secondVerdict(reason string) *verdict {
	v := &verdict{status: statusMachine}
	switch {
	case w.stage != "":
		v.text = fmt.Sprintf("the stage %s runs again: the machine takes this for its first boot, too", w.stage)
	case w.ran():
		v.text = "the agent has run again: the machine takes this for its first boot, too"
	case w.panic != "":
		v.text = "the kernel has stopped: " + w.panic
	case w.emergency:
		v.text = "the second boot has ended in an emergency shell"
	case w.login, w.ended:
		v.status = 0
	default:
		v.text = reason
	}
	return v
}

// concludeSecond prints how the second boot has ended.
func (v *verdict) concludeSecond(ctx context.Context, stdout, stderr io.Writer) error {
	switch {
	case ctx.Err() != nil:
		return stopped(stdout)
	case v.status == 0:
		fmt.Fprintf(stdout, "On the second boot nothing of a first boot ran (%.0f s).\n", v.seconds)
		return nil
	}
	fmt.Fprintf(stderr, "\nThe console ends:\n\n%s\n%s\n", tail(v.log, consoleEnd), v.text)
	fmt.Fprintf(stdout, "\nThe second boot was not as it should be: exit status %d (%.0f s).\n", v.status, v.seconds)
	return exitStatus(v.status)
}

func stopped(stdout io.Writer) error {
	fmt.Fprintln(stdout, "\nStopped; the machine is gone and nothing is left of it.")
	return exitStatus(statusStopped)
}

// consoleEnd is how much of the console is shown if it is all that there is, in lines.
const consoleEnd = 20

// conclude prints how the boot has ended, saves what is left of it, and returns the exit
// status as an error.
func (v *verdict) conclude(ctx context.Context, o tryOptions, stdout, stderr io.Writer) error {
	if ctx.Err() != nil {
		return stopped(stdout)
	}
	switch {
	case v.status == 0:
		fmt.Fprintf(stdout, "\nThe machine was provisioned (%.0f s).\n", v.seconds)
	case v.box != "":
		fmt.Fprintf(stderr, "\n%s", v.box)
	default:
		fmt.Fprintf(stderr, "\nThe console ends:\n\n%s\n%s\n", tail(v.log, consoleEnd), v.text)
	}
	if v.status != 0 {
		fmt.Fprintf(stdout, "\nThe machine was not provisioned: exit status %d (%.0f s).\n", v.status, v.seconds)
	}
	if err := v.save(o.record, stdout); err != nil {
		return fmt.Errorf("saving the record: %w", err)
	}
	if v.status != 0 {
		return exitStatus(v.status)
	}
	return nil
}

// save writes the record, or else what the console has shown, to a file, if it has a name.
func (v *verdict) save(file string, stdout io.Writer) error {
	if file == "" {
		return nil
	}
	what, text := "record of the boot", v.record
	if text == nil {
		what, text = "text of the console (the agent has sent no record)", v.log
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "The %s is in %s.\n", what, printable(file))
	return nil
}

// tail are the last lines of a console, printable.
func tail(log []byte, lines int) string {
	all := strings.Split(strings.TrimSpace(string(log)), "\n")
	var b strings.Builder
	for _, line := range all[max(0, len(all)-lines):] {
		b.WriteString("  " + console.Plain(line) + "\n")
	}
	return b.String()
}

// A printer shows what a machine prints, line by line, without what steers a terminal.
type printer struct {
	to   io.Writer
	rest []byte
}

func (p *printer) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		line, rest, ended := bytes.Cut(p.rest, []byte("\n"))
		if !ended {
			return len(text), nil
		}
		p.rest = rest
		fmt.Fprintln(p.to, console.Plain(string(line)))
	}
}
