package stages

import (
	"errors"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// reportFile is the failure box of the stage that has failed, beside the state. While
// a stage runs it has what there is to say if the stage is killed, which can report
// nothing itself.
const reportFile = "report.txt"

// mark writes the report of a stage that is killed, unless an earlier stage has left
// one of its own.
func (p *process) mark() {
	box := report.Box(p.stage.name, &report.Error{Doing: "running the stage " + p.stage.name,
		Err:  errors.New("it was killed, or its runtime has failed, before it could report anything"),
		Hint: "look for \"out of memory\" and \"fatal error\" in the log (journalctl -b); a machine that is short of memory needs more, or a smaller config"})
	f, err := os.OpenFile(p.markPath(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return // there is a report, or nowhere to write one
	}
	defer f.Close()
	if _, err := f.WriteString(box); err == nil {
		p.marked = true
	}
}

// quietFile has the hook of dracut show no report on the consoles; see
// report.Logger.Show.
const quietFile = "quiet"

// markQuiet is called when the settings of the distribution are known.
func (p *process) markQuiet() error {
	if !p.log.Quiet() && !p.quiet() {
		return nil
	}
	return system.WriteFile(p.beside(quietFile), nil, 0o600)
}

// endMark removes the mark of this stage.
func (p *process) endMark() {
	if p.marked {
		os.Remove(p.markPath())
	}
}

func (p *process) markPath() string { return p.beside(reportFile) }
