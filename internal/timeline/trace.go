package timeline

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"github.com/firstlight-os/firstlight/internal/report"
)

// A traceEvent is one of the Trace Event Format, which Perfetto and chrome://tracing
// read. Times are in microseconds.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
type traceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     int64          `json:"ts"`
	Duration int64          `json:"dur"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	Args     map[string]any `json:"args,omitempty"`
}

// Phases of events.
const (
	complete = "X"
	metadata = "M"
)

// A process of the trace is a group of threads with a name. Events of a thread must not
// overlap, so that there are as many threads as things have gone on at the same time, up
// to maxThreads.
type process struct {
	id   int
	name string
	ends []int64 // of the last event of each thread
}

const maxThreads = 64

// Trace writes a record that Parse has returned in the Trace Event Format, with all its
// operations.
func Trace(r report.Record) ([]byte, error) {
	t := &trace{stages: process{id: 1, name: "stages"}, waits: process{id: 2, name: "waits"}, operations: process{id: 3, name: "operations"}}
	place := placement{start: r.Started}
	for _, s := range r.Stages {
		start, _ := place.next(s)
		t.stage(s, start)
	}
	for _, p := range []process{t.stages, t.waits, t.operations} {
		t.events = append(t.events, traceEvent{Name: "process_name", Phase: metadata, Process: p.id, Args: map[string]any{"name": p.name}})
	}
	return json.MarshalIndent(map[string]any{
		"traceEvents":     t.events,
		"displayTimeUnit": "ms",
		"otherData": map[string]any{
			"boot": r.Boot, "agent": r.Agent, "platform": r.Platform, "outcome": r.Outcome, "started": r.Started,
			"machine": r.Machine, "sources": r.Sources, "units": r.Units,
		},
	}, "", " ")
}

type trace struct {
	events                    []traceEvent
	stages, waits, operations process
}

func (t *trace) stage(s report.Stage, start float64) {
	args := map[string]any{}
	if len(s.Warnings) > 0 {
		args["warnings"] = s.Warnings
	}
	if len(s.Planned) > 0 {
		args["planned"] = s.Planned
	}
	if len(s.Problems) > 0 {
		args["problems"] = s.Problems
	}
	t.add(&t.stages, Row{Name: s.Stage, Start: start, Length: s.Seconds}, args)
	byStart := func(a, b Row) int { return cmp.Compare(a.Start, b.Start) }
	for _, row := range slices.SortedStableFunc(slices.Values(waits(s, start)), byStart) {
		t.add(&t.waits, row, nil)
	}
	for _, row := range slices.SortedStableFunc(slices.Values(operations(s, start)), byStart) {
		args := map[string]any{}
		if row.Origin != "" {
			args["config"] = row.Origin
		}
		if row.Error != "" {
			args["error"] = row.Error
		}
		t.add(&t.operations, row, args)
	}
}

// add adds what has a beginning and an end to the first thread that is free then.
func (t *trace) add(p *process, r Row, args map[string]any) {
	start, end := micros(r.Start), micros(r.Start+r.Length)
	thread := slices.IndexFunc(p.ends, func(e int64) bool { return e <= start })
	switch {
	case thread >= 0:
		p.ends[thread] = end
	case len(p.ends) < maxThreads:
		p.ends = append(p.ends, end)
		thread = len(p.ends) - 1
	}
	t.events = append(t.events, traceEvent{
		Name: r.Name, Category: p.name, Phase: complete, Time: start, Duration: end - start, Process: p.id, Thread: max(thread, 0) + 1, Args: args,
	})
}

func micros(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }
