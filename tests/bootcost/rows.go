package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/counters/counter"
)

// rows set the boots of one machine, ours and perhaps the reference's, against the goals.
func (s scenario) rows(all []pair) []table.Row {
	row := func(what string, unit table.Unit, goal table.Goal, figure func(pair) float64) table.Row {
		r := table.Row{What: what, Unit: unit, Goal: goal}
		for _, p := range all {
			r.Figures = append(r.Figures, figure(p))
		}
		return r
	}
	of := func(what string, unit table.Unit, goal table.Goal, figure func(costs) float64) table.Row {
		return row(what, unit, goal, func(p pair) float64 { return figure(p.first) })
	}
	more := func(what string, unit table.Unit, goal table.Goal, figure func(costs) float64) table.Row {
		return row(what+", first minus second boot", unit, goal, func(p pair) float64 { return figure(p.first) - figure(p.second) })
	}
	atMost := func(limit int) table.Goal { return table.Goal{Kind: table.AtMost, Limit: float64(limit)} }
	share := table.Goal{Kind: table.AtMostShare, Limit: s.share}
	if s.share == 0 {
		share = table.Goal{}
	}
	var rows []table.Row
	if s.twice {
		rows = append(rows, more("seconds until all is up", table.Duration, share, func(c costs) float64 { return c.up }),
			more("programs that others than the stages start", table.Count, table.Goal{}, func(c costs) float64 { return float64(c.programs) }))
	}
	rows = append(rows,
		of("seconds of all stages", table.Duration, table.Goal{}, func(c costs) float64 { return c.sum(func(s stage) float64 { return s.Seconds }) }),
		of("CPU of all stages and their programs", table.Duration, share, costs.cpu),
		of("programs that the stages start", table.Count, atMost(s.programs), func(c costs) float64 { return c.sum(func(s stage) float64 { return float64(len(s.programs)) }) }),
		of("disk flushes", table.Count, atMost(s.flushes), func(c costs) float64 { return c.onDisks(func(d disk) int64 { return d.flushes }) }),
		of("bytes written to the disks", table.Kilobytes, table.Goal{}, func(c costs) float64 { return c.onDisks(func(d disk) int64 { return d.written }) }))
	if s.server {
		rows = append(rows,
			of("requests at the server", table.Count, atMost(s.requests), func(c costs) float64 { return float64(c.requests) }),
			of("connections to the server", table.Count, table.Goal{}, func(c costs) float64 { return float64(c.opened) }))
	}
	rows = append(rows,
		of("times that the stages went to sleep", table.Count, table.Goal{}, func(c costs) float64 { return c.sum(func(s stage) float64 { return float64(s.Waits) }) }),
		of("bytes that the stages read", table.Kilobytes, table.Goal{}, func(c costs) float64 { return c.sum(func(s stage) float64 { return float64(s.Read) }) }),
		of("memory pages that the stages touch", table.Count, table.Goal{}, func(c costs) float64 { return c.sum(func(s stage) float64 { return float64(s.Faults) }) }))
	for _, name := range stageNames(all) {
		rows = append(rows, of("stage "+name+": seconds", table.Duration, table.Goal{}, func(c costs) float64 { return c.stage(name).Seconds }))
	}
	for _, name := range stageNames(all) {
		rows = append(rows, of("stage "+name+": peak memory", table.Kilobytes, table.Goal{}, func(c costs) float64 { return float64(c.stage(name).Memory) }))
	}
	return rows
}

// stageNames are those that ran with any agent, in the order of ours.
func stageNames(all []pair) []string {
	var found []string
	for _, p := range all {
		for _, s := range p.first.stages {
			if !slices.Contains(found, s.name) {
				found = append(found, s.name)
			}
		}
	}
	return found
}

// stage is the one of a name, or an empty one.
func (c costs) stage(name string) stage {
	for _, s := range c.stages {
		if s.name == name {
			return s
		}
	}
	return stage{}
}

// cpu is what the stages and their programs have worked.
func (c costs) cpu() float64 {
	return c.sum(func(s stage) float64 {
		total := s.CPU
		for _, p := range s.programs {
			total += p.CPU
		}
		return total
	})
}

// counters are what a busy machine does not change. The peaks of memory are not: the kernel
// gives huge pages when it has some.
func (c costs) counters() []counter.Counter {
	var all []counter.Counter
	for _, s := range c.stages {
		name := fmt.Sprintf("%s, programs started", s.name)
		if len(s.programs) > 0 {
			name += " (" + strings.Join(names(s.programs), ", ") + ")"
		}
		all = append(all, counter.Counter{Name: name, Value: len(s.programs)},
			counter.Counter{Name: s.name + ", bytes read", Value: int(s.Read)})
	}
	for _, id := range []string{"root", "disk1"} {
		all = append(all, counter.Counter{Name: id + ", flushes", Value: int(c.disks[id].flushes)}, counter.Counter{Name: id + ", bytes written", Value: int(c.disks[id].written)})
	}
	return all
}
