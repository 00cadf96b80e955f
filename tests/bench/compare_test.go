package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shell is work that a script does. It sees the tool's words as arguments.
func shell(script string) work {
	return work{name: "shell", args: func(t tool, _ string) []string {
		return append([]string{"/bin/sh", "-c", script, "sh"}, t.stage...)
	}}
}

func TestToolsWorkInTurn(t *testing.T) {
	b := &bencher{dir: t.TempDir(), rounds: 3, tools: []tool{{stage: []string{"ours"}}, {stage: []string{"reference"}}}}
	log := filepath.Join(b.dir, "log")
	samples, err := b.inTurn(context.Background(), b.each(shell("echo $1 >> "+log)))
	if err != nil {
		t.Fatal(err)
	}
	order, err := os.ReadFile(log)
	if want := strings.Repeat("ours\nreference\n", 3); err != nil || string(order) != want {
		t.Errorf("order %q, error %v", order, err)
	}
	if len(samples) != 2 || samples[0].wall <= 0 || samples[1].wall <= 0 {
		t.Errorf("samples %v", samples)
	}
}

func TestSampleHasTheProcessorTimeAndTheMemoryOfTheProgram(t *testing.T) {
	b := &bencher{dir: t.TempDir()}
	idle, err := b.run(context.Background(), shell("exec sleep 0.3"), tool{})
	if err != nil {
		t.Fatal(err)
	}
	if idle.wall < 300*time.Millisecond || idle.cpu > 200*time.Millisecond {
		t.Errorf("asleep for 0.3 s: %v, of which the processor worked %v", idle.wall, idle.cpu)
	}
	large, err := b.run(context.Background(), shell(`x=$(head -c 30000000 /dev/zero | tr '\0' x); : $x`), tool{})
	if err != nil {
		t.Fatal(err)
	}
	if large.memory < 30_000_000 {
		t.Errorf("a program that holds 30 MB is said to need %d bytes", large.memory)
	}
}

func TestSummaryHasLeastTimesAndTheMedianPeak(t *testing.T) {
	got := summary([]sample{{3, 10, 100}, {2, 30, 900}, {5, 20, 300}})
	if want := (sample{2, 10, 300}); got != want {
		t.Errorf("summary %v, want %v", got, want)
	}
}

func TestRunsAreBareAndLeaveNothing(t *testing.T) {
	t.Setenv("GOGC", "off")
	b := &bencher{dir: t.TempDir()}
	w := shell(`[ -z "$GOGC" ] && [ "$IGNITION_CONFIG_FILE" = here ] && [ "$TMPDIR" = "$PWD" ] && : > left`)
	w.config = "here"
	if _, err := b.run(context.Background(), w, tool{}); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(b.dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, error %v", left, err)
	}
}

func TestFailedWorkIsAnErrorThatShowsTheOutput(t *testing.T) {
	b := &bencher{dir: t.TempDir(), rounds: 1}
	undone := shell("echo all is well")
	undone.check = func(dir string) error { return checkCache(cacheOf(dir), 1) }
	for name, tc := range map[string]struct {
		work work
		says []string
	}{
		"exit status": {shell("echo no such config >&2; exit 4"), []string{"/bin/sh -c", "exit status 4", "no such config"}},
		"not done":    {undone, []string{"cache.json: no such file", "all is well"}},
		"no program":  {work{args: func(tool, string) []string { return []string{"/none"} }}, []string{"/none: ", "no such file"}},
	} {
		_, err := b.inTurn(context.Background(), []task{{work: tc.work}})
		for _, words := range tc.says {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: error %v, want %q in it", name, err, words)
			}
		}
	}
}

func TestInterruptedWorkIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	b := &bencher{dir: t.TempDir(), rounds: 100}
	if _, err := b.inTurn(ctx, []task{{work: shell("exec sleep 60")}}); err == nil {
		t.Error("it went on")
	}
}

func TestCheckCacheCountsPaths(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for name, tc := range map[string]struct {
		cache string
		paths int
		says  string
	}{
		"whole":        {`{"files":[{"path":"/a"},{"path":"/b"}]}`, 2, ""},
		"long strings": {`{"source":"` + long + `","path":"/a","source":"` + long + `","path":"/b"}`, 2, ""},
		"incomplete":   {`{"files":[{"path":"/a"}]}`, 2, "has 1 paths, the config has 2"},
		"empty":        {``, 1, "has 0 paths"},
	} {
		file := filepath.Join(t.TempDir(), "cache")
		if err := os.WriteFile(file, []byte(tc.cache), 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkCache(file, tc.paths)
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want %q", name, err, tc.says)
		}
	}
}

func TestWorkIsTheSameCommandLineForBothTools(t *testing.T) {
	c := configFile{path: "/c.ign"}
	agent := tool{stage: []string{"agent"}, validate: []string{"ctl", "validate"}}
	if got := validateWork(c).args(agent, "/d"); !slices.Equal(got, []string{"ctl", "validate", "/c.ign"}) {
		t.Errorf("validate: %q", got)
	}
	w := fetchWork(c, 1)
	ours, other := w.args(agent, "/d"), w.args(tool{stage: []string{"ignition"}}, "/d")
	if ours[0] != "agent" || other[0] != "ignition" || !slices.Equal(ours[1:], other[1:]) {
		t.Errorf("fetch: %q and %q", ours, other)
	}
	for _, arg := range ours[4:] {
		if !strings.Contains(arg, "=/d") {
			t.Errorf("fetch: %s is outside the directory of the run", arg)
		}
	}
}

func TestTailIsTheEndOfLongOutput(t *testing.T) {
	if got := tail([]byte(strings.Repeat("x", 5000) + "end\n")); len(got) > 2000 || !strings.HasSuffix(got, "xend") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-4:])
	}
	if got := tail([]byte("short\n")); got != "short" {
		t.Errorf("%q", got)
	}
}
