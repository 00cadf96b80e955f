package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A bencher gives work to the tools, in turn.
type bencher struct {
	dir    string // for all that is written
	rounds int
	tools  []tool   // ours, and the reference if there is one
	prefix []string // of every command line
}

// Work is a command line with a config to do something with. Each run gets a
// directory of its own.
type work struct {
	name   string
	config string
	args   func(t tool, dir string) []string
	check  func(dir string) error // whether it was done, may be nil
	// before, if set, prepares a run; it takes no part in the measurement.
	before func(ctx context.Context, b *bencher, t tool, dir string) error
}

// fetchWork is the stage fetch, which caches the config with so many paths.
func fetchWork(c configFile, paths int) work {
	return work{name: "fetch", config: c.path, args: func(t tool, dir string) []string {
		return append(slices.Clone(t.stage), "-stage=fetch", "-platform=file", "-log-to-stdout", "-root="+dir,
			"-config-cache="+cacheOf(dir), "-state-file="+filepath.Join(dir, "state"), "-neednet="+filepath.Join(dir, "neednet"))
	}, check: func(dir string) error { return checkCache(cacheOf(dir), paths) }}
}

func validateWork(c configFile) work {
	return work{name: "validate", config: c.path, args: func(t tool, _ string) []string { return append(slices.Clone(t.validate), c.path) }}
}

func cacheOf(dir string) string { return filepath.Join(dir, "cache.json") }

// checkCache reports whether a cached config is whole: who does not do the work
// is quick at it. It reads piece by piece, see writeConfig.
func checkCache(name string, paths int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	found := 0
	r := bufio.NewReader(f)
	for {
		piece, err := r.ReadSlice(':')
		if bytes.HasSuffix(piece, []byte(`"path":`)) {
			found++
		}
		if err != nil && err != bufio.ErrBufferFull {
			break
		}
	}
	if found != paths {
		return fmt.Errorf("the cached config has %d paths, the config has %d", found, paths)
	}
	return nil
}

// A sample is what work took.
type sample struct {
	cpu, wall time.Duration
	memory    int64 // the peak, in bytes
}

// A task is work for a tool.
type task struct {
	work work
	tool tool
}

// each gives the same work to all tools, to ours first.
func (b *bencher) each(w work) []task {
	var tasks []task
	for _, t := range b.tools {
		tasks = append(tasks, task{w, t})
	}
	return tasks
}

// inTurn does all tasks in every round, so that what is compared later meets
// the machine in the same condition, and gives what each took.
func (b *bencher) inTurn(ctx context.Context, tasks []task) ([]sample, error) {
	runs := make([][]sample, len(tasks))
	for range b.rounds {
		for i, t := range tasks {
			s, err := b.run(ctx, t.work, t.tool)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], s)
		}
	}
	var all []sample
	for _, r := range runs {
		all = append(all, summary(r))
	}
	return all, nil
}

// summary has the least times, for the machine only ever adds to them, and the
// median of the peaks, which collectors of garbage move either way.
func summary(runs []sample) sample {
	s := runs[0]
	var peaks []int64
	for _, r := range runs {
		s.cpu, s.wall = min(s.cpu, r.cpu), min(s.wall, r.wall)
		peaks = append(peaks, r.memory)
	}
	slices.Sort(peaks)
	s.memory = peaks[len(peaks)/2]
	return s
}

// run does work once.
func (b *bencher) run(ctx context.Context, w work, t tool) (sample, error) {
	dir, err := os.MkdirTemp(b.dir, w.name+"-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(dir)
	if w.before != nil {
		if err := w.before(ctx, b, t, dir); err != nil {
			return sample{}, fmt.Errorf("before %s: %w", w.name, err)
		}
	}
	return b.execute(ctx, w, dir, w.args(t, dir))
}

// execute runs a command line. The environment is bare: no setting of Go's
// runtime and no Ignition of the host has a say.
func (b *bencher) execute(ctx context.Context, w work, dir string, argv []string) (sample, error) {
	argv = append(slices.Clone(b.prefix), argv...)
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir,
		"IGNITION_CONFIG_FILE=" + w.config,
		"IGNITION_KERNEL_CMDLINE_PATH=" + os.DevNull,
		"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR=" + dir,
		"IGNITION_SYSTEM_LOCAL_CONFIG_DIR=" + dir,
		"IGNITION_SYSTEM_CONFIG_DIR=" + dir}
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, tail(out.Bytes()))
	}
	s := sample{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(started), peak(cmd.ProcessState)}
	if w.check != nil {
		if err := w.check(dir); err != nil {
			return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, tail(out.Bytes()))
		}
	}
	return s, nil
}

// peak is the most memory that a process had, which Linux counts in KiB.
func peak(p *os.ProcessState) int64 {
	if usage, ok := p.SysUsage().(*syscall.Rusage); ok {
		return int64(usage.Maxrss) * 1024
	}
	return 0
}

// tail is the end of what a program said, for an error.
func tail(out []byte) string {
	const most = 2000 // bytes
	return strings.TrimSpace(string(out[max(0, len(out)-most):]))
}
