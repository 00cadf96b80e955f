package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Benchmarks of package config, for what it costs without a process around it.
const (
	parseFew  = "BenchmarkParse5000Files"
	parseMany = "BenchmarkParse50000"
	wholeFew  = "BenchmarkParseAndMerge5000Files"
)

// benchmarks runs them on one processor, where the time that passes is the
// processor's time, that of the garbage collector included. All come in every
// round, so that a bad moment of the machine does not meet one of them alone.
func (b *bencher) benchmarks(ctx context.Context) (map[string]float64, error) {
	program := filepath.Join(b.dir, "config.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./config").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the benchmarks of config: %w\n%s", err, tail(out))
	}
	var printed []byte
	for range b.rounds {
		cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.cpu=1",
			fmt.Sprintf("-test.bench=^(%s|%s|%s)$", parseFew, parseMany, wholeFew))
		cmd.Dir = "config"
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("the benchmarks of config: %w\n%s", err, tail(out))
		}
		printed = append(printed, out...)
	}
	return parseBenchmarks(printed, parseFew, parseMany, wholeFew)
}

var benchmarkLine = regexp.MustCompile(`(?m)^(Benchmark\w+)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// parseBenchmarks reads what benchmarks print, and gives the least time of each,
// in seconds. Those that are named must be there.
func parseBenchmarks(out []byte, names ...string) (map[string]float64, error) {
	all := map[string]float64{}
	for _, m := range benchmarkLine.FindAllSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return nil, err
		}
		name, seconds := string(m[1]), ns/1e9
		if least, again := all[name]; !again || seconds < least {
			all[name] = seconds
		}
	}
	var missing []error
	for _, name := range names {
		if _, ok := all[name]; !ok {
			missing = append(missing, fmt.Errorf("package config has no benchmark %s; the figures of the table need it", name))
		}
	}
	return all, errors.Join(missing...)
}
