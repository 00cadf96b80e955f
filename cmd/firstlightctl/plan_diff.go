//go:build linux && !portable

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/timeline"
	"github.com/firstlight-os/firstlight/stages"
)

// A difference is an operation of which the plan and a machine do not have the same to
// say.
type difference struct {
	Stage     string `json:"stage"`
	Operation string `json:"operation"`
	// Is is "not done", "not planned" or "failed".
	Is string `json:"is"`
}

// compareWithRecord lists the differences to what a machine did.
func (p *planning) compareWithRecord(name string, stdin io.Reader) error {
	text, err := readRecord(name, stdin)
	if err != nil {
		return fmt.Errorf("reading the record: %w", err)
	}
	record, err := timeline.Parse(text)
	if err != nil {
		return fmt.Errorf("reading the record: %w", err)
	}
	p.result.Record = cmp.Or(record.Boot, "of an unknown boot")
	p.result.Differences = differences(p.result.Operations, done(record))
	return nil
}

// done are the operations of a record, with those that were planned by a boot that only
// plans. Of a stage that ran more than once the last run counts.
func done(r failure.Record) []operationResult {
	var all []operationResult
	for _, s := range r.Stages {
		if slices.Contains(stages.Planned, s.Stage) {
			all = slices.DeleteFunc(all, func(o operationResult) bool { return o.stage == s.Stage })
		}
		for _, o := range s.Operations {
			all = append(all, operationResult{s.Stage, o.Name, o.Error != ""})
		}
		for _, planned := range s.Planned {
			stage, name, _ := strings.Cut(planned, ": ")
			all = append(all, operationResult{stage, name, false})
		}
	}
	return slices.DeleteFunc(all, func(o operationResult) bool { return !slices.Contains(stages.Planned, o.stage) })
}

// An operationResult is what became of an operation.
type operationResult struct {
	stage, name string
	failed      bool
}

// differences compares by stage and name. One that is there twice must have been done
// twice.
func differences(planned []operation, done []operationResult) []difference {
	all := []difference{}
	for _, o := range planned {
		name := system.PrintableLine(o.Name)
		i := slices.IndexFunc(done, func(r operationResult) bool { return r.stage == o.Stage && r.name == name })
		switch {
		case i < 0:
			all = append(all, difference{o.Stage, name, "not done"})
			continue
		case done[i].failed:
			all = append(all, difference{o.Stage, name, "failed"})
		}
		done = slices.Delete(done, i, i+1)
	}
	for _, r := range done {
		all = append(all, difference{r.stage, r.name, "not planned"})
	}
	return all
}

// differences lists them, or says that there are none.
func (d drawing) differences(p *planResult) string {
	switch {
	case p.Record == "":
		return ""
	case len(p.Differences) == 0:
		return d.wrap("", "The machine did what is planned (boot "+p.Record+").")
	}
	var b strings.Builder
	b.WriteString(d.wrap("", fmt.Sprintf("%s to what the machine did (boot %s):", system.Plural(len(p.Differences), "difference"), p.Record)))
	for i, diff := range p.Differences {
		b.WriteString(d.listItem(i, diff.Is+": "+diff.Stage+": "+diff.Operation))
	}
	return b.String()
}
