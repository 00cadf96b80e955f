// Command counters counts what a first boot costs, in numbers that a busy machine does not
// change: programs started, requests, system calls, bytes read, and memory.
//
//	go run ./tests/counters          compares them with counters.txt; a rise is a failure
//	go run ./tests/counters -update  writes counters.txt
//
// It is run at the top of the source tree, as "make bench-check", and needs strace, and root
// or user namespaces. All stages run one after another with a root of their own, in a
// namespace for mounts. System calls of Go's scheduler are not counted: how many there are
// depends on what else the machine does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/firstlight-os/firstlight/tests/counters/counter"
)

var known = counter.File{Name: "tests/counters/counters.txt", Head: `What a first boot costs, by "go run ./tests/counters -update".`}

func main() {
	update := flag.Bool("update", false, "write "+known.Name+" instead of comparing with it")
	flag.Parse()
	if err := run(context.Background(), *update); err != nil {
		fmt.Fprintln(os.Stderr, "counters:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, update bool) error {
	dir, err := os.MkdirTemp("", "firstlight-counters-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.CommandContext(ctx, "make", "-s", "build", "BIN="+dir).CombinedOutput(); err != nil {
		return fmt.Errorf("make build: %w\n%s", err, out)
	}
	now, err := measure(ctx, filepath.Join(dir, "firstlight"), dir)
	if err != nil {
		return err
	}
	return known.Check(os.Stdout, now, update)
}
