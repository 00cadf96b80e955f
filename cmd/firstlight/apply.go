package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/stages"
)

// applyConfig is ignition-apply: it applies a config to the tree of a container
// that is being built.
func applyConfig(args []string) int {
	a := stages.ApplyOptions{Log: report.NewLogger(true)}
	f := newFlags("ignition-apply")
	f.StringVar(&a.Root, "root", "/", "the directory that will be /")
	f.BoolVar(&a.IgnoreUnsupported, "ignore-unsupported", false, "pass over what a tree cannot have: partitions, users, kernel arguments")
	f.BoolVar(&a.Offline, "offline", false, "refuse a config that needs the network")
	configs, status, done := parseAnywhere(f, args)
	if done {
		return status
	}
	if len(configs) != 1 {
		fmt.Fprintln(os.Stderr, "firstlight: ignition-apply needs one config, or - for standard input")
		return exitFailed
	}
	a.Name = configs[0]
	text, err := readConfig(a.Name)
	if err == nil {
		a.Text = text
		err = stages.Apply(context.Background(), a)
	}
	if err != nil {
		fmt.Fprint(os.Stderr, report.Box("apply", err))
	}
	return statusOf(err)
}

func readConfig(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}
