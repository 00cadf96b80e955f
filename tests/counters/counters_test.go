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
