package main

import (
	"strings"
	"testing"
)

const table = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 30.00    0.000300           1       300        20 futex
 20.00    0.000200           1       200           openat
 10.00    0.000100           1         5         2 execve
------ ----------- ----------- --------- --------- ----------------
100.00    0.000600           1       505        22 total
`

func TestCallsAndProgramsOfATrace(t *testing.T) {
	calls, programs, err := parseCalls(table)
	if calls != 205 || programs != 2 || err != nil {
		t.Errorf("%d calls, %d programs, error %v", calls, programs, err)
	}
	if _, _, err := parseCalls("strace: not permitted\n"); err == nil || !strings.Contains(err.Error(), "has not seen the agent start:\nstrace: not permitted") {
		t.Errorf("error %v", err)
	}
}

func TestARiseFails(t *testing.T) {
	before := []counter{{"files, system calls for a file", 11}, {"files, KiB of memory", 1000}}
	for name, tc := range map[string]struct {
		now       []counter
		says, err string
	}{
		"the same":      {before, "11    11    files, system calls for a file", ""},
		"less":          {[]counter{{"files, system calls for a file", 9}, before[1]}, "11     9  less  files", ""},
		"more":          {[]counter{{"files, system calls for a file", 12}, before[1]}, "RISEN  files, system", "files, system calls for a file; if that has to be so, run it with -update"},
		"memory by 10%": {[]counter{before[0], {"files, KiB of memory", 1100}}, "1000  1100    files, KiB", ""},
		"memory by 20%": {[]counter{before[0], {"files, KiB of memory", 1200}}, "1000  1200  RISEN", "files, KiB of memory; if"},
		"a new one":     {append([]counter{{"x", 1}}, before...), "new  x", "x; if"},
		"one is gone":   {before[:1], "", "files, KiB of memory (not counted any more); if"},
	} {
		var out strings.Builder
		err := compare(&out, before, tc.now)
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v, want %q", name, err, tc.err)
		}
		if !strings.Contains(out.String(), tc.says) {
			t.Errorf("%s: %q is not in\n%s", name, tc.says, out.String())
		}
	}
}

func TestCountersAreReadAsTheyAreWritten(t *testing.T) {
	all := []counter{{"files, system calls for a file", 11}, {"20 remote files, requests", 20}}
	got, err := parse(format(all))
	if err != nil || len(got) != 2 || got[0] != all[0] || got[1] != all[1] {
		t.Errorf("%v, error %v", got, err)
	}
	if _, err := parse("eleven\tfiles\n"); err == nil || err.Error() != `tests/counters/counters.txt: "eleven\tfiles\n" is no counter` {
		t.Errorf("error %v", err)
	}
}
