package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/tests/bootcost/exits"
)

// A process is one that has ended, with all of its threads.
type process struct {
	exits.Task
	id      int
	program bool // it ran a program of its own, rather than being a copy of its parent
}

// processes puts threads together, in the order in which processes ended. Threads of the
// kernel have no memory.
func processes(tasks []exits.Task) []process {
	var all []process
	at := map[int]int{}
	for _, t := range tasks {
		if t.Memory == 0 {
			continue
		}
		i, known := at[t.Process]
		if !known {
			i = len(all)
			at[t.Process] = i
			all = append(all, process{Task: exits.Task{Process: t.Process, Parent: t.Parent, Name: t.Name}, id: t.Process})
		}
		p := &all[i]
		p.Ended, p.Seconds, p.Memory = max(p.Ended, t.Ended), max(p.Seconds, t.Seconds), max(p.Memory, t.Memory)
		p.CPU += t.CPU
		p.Waits += t.Waits
		p.Read += t.Read
		p.Written += t.Written
		p.Faults += t.Faults
		if t.Thread == t.Process {
			p.Name, p.program = t.Name, !t.Forked
		}
	}
	return all
}

// A stage is a process of the agent, and the programs that it has started, whoever of them
// did.
type stage struct {
	name string
	process
	programs []process
}

// stageLine is how the journal has the stage of a process: of ours, and of the reference.
var stageLine = regexp.MustCompile(`ignition\[(\d+)\]: .*(?:, stage |Stage: )([a-z-]+)`)

// stages finds the stages of a boot, in order: the log says which process is which.
func stages(journal string, all []process) ([]stage, error) {
	var found []stage
	for _, m := range stageLine.FindAllStringSubmatch(journal, -1) {
		id, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(s stage) bool { return s.id == id }) {
			continue
		}
		i := slices.IndexFunc(all, func(p process) bool { return p.id == id })
		if i < 0 {
			return nil, fmt.Errorf("the stage %s is in the log as process %d, of which nothing was collected", m[2], id)
		}
		found = append(found, stage{m[2], all[i], programsOf(id, all)})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the log of the machine has no stages")
	}
	return found, nil
}

// programsOf are the programs below a process.
func programsOf(id int, all []process) []process {
	parents := map[int]int{}
	for _, p := range all {
		parents[p.id] = p.Parent
	}
	var below []process
	for _, p := range all {
		for at := p.Parent; at != 0 && p.program; at = parents[at] {
			if at == id {
				below = append(below, p)
				break
			}
		}
	}
	return below
}

// names are those of programs, sorted.
func names(programs []process) []string {
	var all []string
	for _, p := range programs {
		all = append(all, p.Name)
	}
	slices.Sort(all)
	return all
}

// cameUp is the line by which the unit that reports begins: all that the config asked for
// is done then.
var cameUp = regexp.MustCompile(`(?m)^\[ *([0-9.]+)\] \S+ systemd\[1\]: Starting report\.service`)

// secondsUp is how long a machine took from the start of its kernel.
func secondsUp(journal string) (float64, error) {
	m := cameUp.FindStringSubmatch(journal)
	if m == nil {
		return 0, fmt.Errorf("the log of the machine does not say when it came up")
	}
	return strconv.ParseFloat(m[1], 64)
}

// costs are what a boot has cost, until the new root is entered but for up.
type costs struct {
	up     float64
	stages []stage
	// programs are those that were started outside of the stages.
	programs int
	disks    map[string]disk
	requests int // and connections, of the config server
	opened   int
}

type disk struct{ flushes, written, read int64 }

// costsOf counts.
func costsOf(b boot) (c costs, err error) {
	all := processes(b.tasks)
	if c.up, err = secondsUp(b.Journal); err != nil {
		return c, err
	}
	inStages := 0
	if strings.Contains(b.Cmdline, "ignition.firstboot") {
		if c.stages, err = stages(b.Journal, all); err != nil {
			return c, err
		}
		for _, s := range c.stages {
			inStages += 1 + len(s.programs)
		}
	}
	for _, p := range all {
		if p.program {
			c.programs++
		}
	}
	c.programs -= inStages
	c.requests, c.opened = b.requests, b.opened
	if b.BlocksThen == nil {
		return c, fmt.Errorf("the machine has not entered its root while the statistics were watched")
	}
	c.disks = map[string]disk{}
	for id, s := range b.BlocksThen {
		c.disks[id] = disk{s.Flushes, s.WrittenBytes, s.ReadBytes}
	}
	return c, nil
}

// sum adds up a figure of the stages.
func (c costs) sum(figure func(stage) float64) (total float64) {
	for _, s := range c.stages {
		total += figure(s)
	}
	return total
}

// onDisks adds up a figure of the disks.
func (c costs) onDisks(figure func(disk) int64) (total float64) {
	for _, d := range c.disks {
		total += float64(figure(d))
	}
	return total
}
