package stages

import (
	"bytes"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The record of this boot is beside the state. Each stage adds a line with all that it has
// done to reportsFile, and to bootFile what later ones have to know of it: what thousands of
// operations were is not in the memory of a stage that has none.
const (
	reportsFile = "report.json"
	bootFile    = "boot.json"
	recordFile  = "record.json"
)

// A bootRecord is the record of this boot.
type bootRecord struct {
	*report.Record        // its stages have their times and problems only
	text           []byte // all of it, as JSON
}

// stageReport is what this stage has done up to now.
func (p *process) stageReport(problems []report.Problem) report.Stage {
	return report.Stage{Stage: p.stage.name, Started: p.started, Seconds: time.Since(p.started).Seconds(), Operations: p.runner.Outcomes,
		Planned: p.planned, Waits: p.log.Waits(), Warnings: p.log.Warnings(), Problems: problems}
}

// beside is the path of a file beside the state.
func (p *process) beside(name string) string { return filepath.Join(filepath.Dir(p.StateFile), name) }

// readBoot returns what earlier stages have left of the record of this boot.
func (p *process) readBoot() (*report.Record, error) {
	boot, err := system.BootID()
	r := &report.Record{Version: report.RecordVersion, Boot: strings.ReplaceAll(boot, "-", ""), Agent: system.Version, Platform: p.Platform.ID, Machine: report.ThisMachine()}
	var text []byte
	if err == nil {
		text, err = system.ReadFile(p.beside(bootFile), cacheLimit)
	}
	if err == nil {
		var earlier report.Record
		if earlier, err = report.ParseRecord(text); err == nil && earlier.Boot == r.Boot {
			return &earlier, nil
		}
	}
	return r, ignoreMissing(err) // it begins with this stage
}

// recordWith is the record with this stage. More are stages that are not in reportsFile.
func (p *process) recordWith(s report.Stage, more ...report.Stage) (bootRecord, error) {
	r, err := p.readBoot()
	for _, source := range p.sources {
		r.AddSource(source)
	}
	for _, skipped := range p.skipped {
		r.AddSkipped(skipped)
	}
	if p.state != nil && p.state.Reset != nil {
		r.Reset = p.resetRecord(r.Reset)
	}
	s.Operations, s.Planned, s.Waits, s.Warnings = nil, nil, nil, nil
	r.Add(s, p.last)
	return p.compose(r, err, more)
}

// compose makes the text of a record.
func (p *process) compose(r *report.Record, earlier error, more []report.Stage) (bootRecord, error) {
	stages, err := system.ReadFile(p.beside(reportsFile), cacheLimit)
	err = errors.Join(earlier, ignoreMissing(err))
	for _, s := range more {
		line, lineErr := json.Marshal(s)
		stages, err = append(append(stages, line...), '\n'), errors.Join(err, lineErr)
	}
	stages = bytes.TrimSpace(stages)
	for i, c := range stages {
		if c == '\n' {
			stages[i] = ','
		}
	}
	head := *r
	head.Stages = []report.Stage{}
	text, headErr := json.Marshal(head)
	before, after, _ := bytes.Cut(text, []byte(`"stages":[]`))
	text = slices.Concat(before, []byte(`"stages":[`), stages, []byte("]"), after, []byte("\n"))
	return bootRecord{r, text}, errors.Join(err, headErr)
}

// addToRecord adds this stage to the record.
func (p *process) addToRecord(s report.Stage) (bootRecord, error) {
	r, err := p.recordWith(s)
	return r, errors.Join(err, p.saveRecord(r))
}

func (p *process) saveRecord(r bootRecord) error {
	text, err := json.Marshal(r.Record)
	if err != nil {
		return err
	}
	return errors.Join(system.WriteFile(p.beside(bootFile), text, 0o600), system.WriteFile(p.beside(recordFile), r.text, 0o600))
}

// finishRecord keeps the record when a stage has ended, and at the end of a boot sends it,
// and says on the consoles that it is over.
func (p *process) finishRecord(r bootRecord) {
	p.keepRecord(r, p.recordNeeds(r.Outcome))
	stopped := len(r.Stages[len(r.Stages)-1].Problems)+len(p.planned) > 0
	provisioned := r.Outcome == report.Provisioned
	if stopped || provisioned {
		p.sendRecord(r)
	}
	if provisioned {
		p.log.Info(r.Summary())
		if err := p.log.Announce(r.Summary(), p.quiet()); err != nil {
			p.log.Debug("printing a line on the consoles: " + err.Error())
		}
	}
}

// recordNeeds is the directory without which the record is not kept in the root, "" for
// any.
func (p *process) recordNeeds(outcome string) string {
	switch p.stage.name {
	case umountStage, finishStage:
		return recordDir // if it has not been unmounted
	case filesStage, mountStage:
		if outcome == report.Failed {
			return path.Dir(recordDir) // a first boot that is repeated finds no more than there was
		}
		if p.stage.name == filesStage {
			return "/"
		}
	}
	return "" // there may be no root yet
}

// keepBeforeUmount keeps the record as it will be if all goes well from here.
func (p *process) keepBeforeUmount() {
	s := p.stageReport(nil)
	r, err := p.recordWith(s, s)
	if err == nil {
		p.keepRecord(r, recordDir)
	}
}
