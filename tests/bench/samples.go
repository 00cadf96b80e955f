package main

import "github.com/firstlight-os/firstlight/tests/bench/table"

// comparison makes rows of what work took. The goal is for the processor time.
func comparison(what string, samples []sample, g table.Goal) []table.Row {
	rows := []table.Row{
		{What: what + ": CPU time", Unit: table.Duration, Goal: g},
		{What: what + ": wall time", Unit: table.Duration},
		{What: what + ": peak memory", Unit: table.Megabytes},
	}
	for _, s := range samples {
		for i, figure := range []float64{s.cpu.Seconds(), s.wall.Seconds(), float64(s.memory)} {
			rows[i].Figures = append(rows[i].Figures, figure)
		}
	}
	return rows
}

// wallTime is a row for work where it counts how long people wait.
func wallTime(what string, samples []sample, g table.Goal) table.Row {
	r := table.Row{What: what + ": wall time", Unit: table.Duration, Goal: g}
	for _, s := range samples {
		r.Figures = append(r.Figures, s.wall.Seconds())
	}
	return r
}

// memory is a row for the peak.
func memory(what string, samples []sample, g table.Goal) table.Row {
	r := table.Row{What: what + ": peak memory", Unit: table.Megabytes, Goal: g}
	for _, s := range samples {
		r.Figures = append(r.Figures, float64(s.memory))
	}
	return r
}

// memoryOfSize is the peak against a size in bytes.
func memoryOfSize(what, of string, samples []sample, size int64, g table.Goal) table.Row {
	r := table.Row{What: what + ": peak to " + of, Unit: table.Times, Goal: g}
	for _, s := range samples {
		r.Figures = append(r.Figures, float64(s.memory)/float64(size))
	}
	return r
}
