package main

import (
	"context"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// removeConfig is ignition-rmcfg: it deletes the config from where the platform
// keeps it, after it was used.
func removeConfig(args []string) int {
	f := newFlags("ignition-rmcfg")
	platform := f.String("platform", "", "what the machine was started on")
	stdout := f.Bool("log-to-stdout", false, "log to standard output instead of the journal")
	others, status, done := parseAnywhere(f, args)
	if done {
		return status
	}
	if len(others) > 0 {
		return usage(fmt.Errorf("unexpected argument %q", others[0]))
	}
	p, err := providers.ByID(*platform)
	if err != nil {
		return usage(err)
	}
	if p.Delete == nil {
		fmt.Fprintf(os.Stderr, "firstlight: a config cannot be deleted on platform %s\n", p.ID)
		return exitFailed
	}
	return deleteConfig(p, report.NewLogger(*stdout))
}

// deleteConfig reports as a stage does.
func deleteConfig(p providers.Platform, log *report.Logger) int {
	const stage = "delete-config"
	log = log.With(stage)
	log.Info(fmt.Sprintf("Firstlight %s, platform %s", system.Version, p.ID))
	err := p.Delete(context.Background(), &providers.Env{Platform: p, Log: log, Run: system.Exec{Log: log}})
	if err == nil {
		log.Info("the platform has no config any more")
		return exitOK
	}
	failure := report.NewFailure(stage, err)
	failure.Log(log)
	if err := report.ShowOnConsoles(failure.Box()); err != nil {
		log.Warn("showing the report: " + err.Error())
	}
	return exitFailed
}
