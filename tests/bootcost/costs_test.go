package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/qemu"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/bootcost/exits"
	"github.com/firstlight-os/firstlight/tests/vm"
	"github.com/firstlight-os/firstlight/tests/vm/vmreport"
)

const journal = `[    3.100000] localhost systemd[1]: Starting ignition-disks.service - Ignition (disks)...
[    3.200000] localhost ignition[250]: disks: Firstlight test, stage disks, platform qemu
[    5.300000] localhost ignition[297]: files: Firstlight test, stage files, platform qemu
[    5.400000] localhost ignition[297]: files: no stage here
[   12.500000] localhost systemd[1]: Starting report.service - Report...
`

// tasks are those of a boot: two threads of a stage, a program of another thread with a copy
// of itself, a program of a program, one of somebody else, and a thread of the kernel.
var tasks = []exits.Task{
	{Thread: 256, Process: 256, Parent: 250, Name: "mkfs.ext4", Ended: 4, Seconds: 1, CPU: 0.5, Memory: 3000},
	{Thread: 258, Process: 258, Parent: 250, Name: "ignition", Ended: 4, Memory: 9000, Forked: true},
	{Thread: 251, Process: 250, Parent: 1, Name: "ignition", Ended: 5, Seconds: 2, CPU: 0.25, Memory: 9000, Waits: 7, Read: 10, Faults: 3},
	{Thread: 250, Process: 250, Parent: 1, Name: "ignition", Ended: 5.1, Seconds: 2.1, CPU: 0.25, Memory: 9500, Waits: 5, Read: 20, Faults: 4},
	{Thread: 304, Process: 304, Parent: 303, Name: "nscd", Ended: 5.4, Memory: 100, CPU: 0.125},
	{Thread: 303, Process: 303, Parent: 297, Name: "useradd", Ended: 5.5, Memory: 1000},
	{Thread: 297, Process: 297, Parent: 1, Name: "ignition", Ended: 6, Seconds: 1, Memory: 8000, Waits: 1},
	{Thread: 310, Process: 310, Parent: 1, Name: "mount", Ended: 6.1, Memory: 3000},
	{Thread: 311, Process: 311, Parent: 2, Name: "kworker", Ended: 6.2},
}

func firstBoot() boot {
	return boot{tasks: tasks, requests: 3, opened: 2, Result: &vm.Result{
		Machine:    &vmreport.Machine{Journal: journal, Cmdline: "quiet ignition.firstboot"},
		BlocksThen: map[string]qemu.BlockStatistic{"root": {Flushes: 5, WrittenBytes: 4096, ReadBytes: 1}, "disk1": {Flushes: 2, WrittenBytes: 100}},
	}}
}

func TestCostsOfABoot(t *testing.T) {
	c, err := costsOf(firstBoot())
	testkit.NoError(t, err)
	testkit.Equal(t, "seconds until it is up", c.up, 12.5)
	testkit.Equal(t, "programs of others", c.programs, 1)
	testkit.Equal(t, "requests and connections", [2]int{c.requests, c.opened}, [2]int{3, 2})
	testkit.Equal(t, "flushes", c.onDisks(func(d disk) int64 { return d.flushes }), 7)
	testkit.Equal(t, "CPU", c.cpu(), 1.125)
	testkit.Equal(t, "stages", len(c.stages), 2)
	disks := c.stage("disks")
	testkit.Equal(t, "memory and seconds of all threads", [2]float64{float64(disks.Memory), disks.Seconds}, [2]float64{9500, 2.1})
	testkit.Equal(t, "sleeps, bytes, pages", [3]int64{disks.Waits, disks.Read, disks.Faults}, [3]int64{12, 30, 7})
	for name, want := range map[string][]string{"disks": {"mkfs.ext4"}, "files": {"nscd", "useradd"}, "mount": nil} {
		if got := names(c.stage(name).programs); !reflect.DeepEqual(got, want) {
			t.Errorf("programs of %s: %q, want %q", name, got, want)
		}
	}
}

func TestStagesOfTheReferenceAreFound(t *testing.T) {
	text := strings.NewReplacer("disks: Firstlight test, stage disks, platform qemu", "INFO     : Stage: disks", "files: Firstlight test, stage files, platform qemu", "INFO     : Stage: files").Replace(journal)
	found, err := stages(text, processes(tasks))
	if err != nil || len(found) != 2 || found[0].name != "disks" || found[1].id != 297 {
		t.Errorf("got %+v, error %v", found, err)
	}
}

func TestABootThatCannotBeCounted(t *testing.T) {
	for want, change := range map[string]func(*boot){
		"does not say when it came up": func(b *boot) { b.Journal = "" },
		"has no stages":                func(b *boot) { b.Journal = journal[strings.Index(journal, "[   12"):] },
		"the stage disks is in the log as process 250, of which nothing was collected": func(b *boot) { b.tasks = nil },
		"has not entered its root": func(b *boot) { b.BlocksThen = nil },
	} {
		b := firstBoot()
		change(&b)
		_, err := costsOf(b)
		testkit.ErrorContains(t, "error", err, want)
	}
}

func TestASecondBootHasNoStages(t *testing.T) {
	b := firstBoot()
	b.Cmdline = "quiet"
	c, err := costsOf(b)
	testkit.NoError(t, err)
	testkit.Equal(t, "stages", len(c.stages), 0)
	testkit.Equal(t, "programs", c.programs, 6)
}

func TestCountersOfABoot(t *testing.T) {
	c, err := costsOf(firstBoot())
	testkit.NoError(t, err)
	var got []string
	for _, counter := range c.counters() {
		text, err := json.Marshal(counter)
		testkit.NoError(t, err)
		got = append(got, string(text))
	}
	for _, want := range []string{`{"Name":"disks, programs started (mkfs.ext4)","Value":1}`, `{"Name":"files, programs started (nscd, useradd)","Value":2}`,
		`{"Name":"disks, bytes read","Value":30}`, `{"Name":"root, flushes","Value":5}`, `{"Name":"disk1, bytes written","Value":100}`} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestRowsSayWhatAFirstBootCosts(t *testing.T) {
	first, err := costsOf(firstBoot())
	testkit.NoError(t, err)
	second := costs{up: 10.5, programs: 1, disks: map[string]disk{"root": {flushes: 1, written: 96}}}
	slow := first
	slow.up = 15.5
	s := scenario{twice: true, server: true, programs: 3, flushes: 5, requests: 2, share: 0.25}
	rows := map[string]string{}
	for _, r := range s.rows([]pair{{first, second}, {slow, second}}) {
		rows[r.What] = strings.Join([]string{r.Unit.Text(r.Figures[0]), r.Unit.Text(r.Figures[1]), r.Verdict()}, " | ")
	}
	for what, want := range map[string]string{
		"seconds until all is up, first minus second boot":                    "2.00 s | 5.00 s | missed",
		"programs that the stages start":                                      "3 | 3 | ok",
		"programs that others than the stages start, first minus second boot": "0 | 0 | -",
		"disk flushes":               "7 | 7 | missed",
		"bytes written to the disks": "4 kB | 4 kB | -",
		"requests at the server":     "3 | 3 | missed",
		"stage disks: seconds":       "2.10 s | 2.10 s | -",
		"stage files: peak memory":   "8 kB | 8 kB | -",
	} {
		testkit.Equal(t, what, rows[what], want)
	}
}

func TestConfigsOfAllMachinesAreValidForTheReference(t *testing.T) {
	t.Chdir("../..")
	for _, s := range scenarios {
		text, err := s.config("http://10.0.2.2:80")
		testkit.NoError(t, err)
		_, problems, err := config.Parse([]byte(text), s.title)
		if err != nil || len(problems) > 0 || !strings.Contains(text, `"version": "3.3.0"`) {
			t.Errorf("%s: %v, error %v", s.title, problems, err)
		}
	}
	if _, problems, err := config.Parse([]byte(mergedConfig("http://10.0.2.2:80")), "merged"); err != nil || len(problems) > 0 {
		t.Errorf("the merged one: %v, error %v", problems, err)
	}
}

func TestOneMachineCanBeChosen(t *testing.T) {
	testkit.Equal(t, "all", len(choose("")), 3)
	testkit.Equal(t, "one", choose("files")[0].name, "files")
	testkit.ErrorContains(t, "error", compare(t.Context(), 1, "disks", table.Text), `there is no machine "disks"; there are demo, files and server`)
}

func TestADemoThatHasChangedIsAnError(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := demoConfig("")
	testkit.Equal(t, "it is gone", os.IsNotExist(err), true)
	testkit.WriteFile(t, "examples/first-light/config.ign", `{"ignition": {"version": "3.9.0"}}`)
	_, err = demoConfig("")
	testkit.ErrorContains(t, "error", err, "the config of the demo is not as it was")
}

func TestTheServerCounts(t *testing.T) {
	s, err := serve()
	testkit.NoError(t, err)
	defer s.Close()
	here := strings.Replace(s.url, "10.0.2.2", "127.0.0.1", 1)
	for path, want := range map[string]string{mergedPath: s.url + "/f19", "/f1": "contents of /f1"} {
		answer, err := http.Get(here + path)
		testkit.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		testkit.NoError(t, err)
		answer.Body.Close()
		testkit.Contains(t, path, string(text), want)
	}
	testkit.Equal(t, "requests", s.requests.Load(), 2)
	testkit.Equal(t, "connections", s.opened.Load() > 0, true)
}
