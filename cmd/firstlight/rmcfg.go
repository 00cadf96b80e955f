package main

import (
	"context"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
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
	settings, err := stages.Settings()
	if err != nil {
		fmt.Fprint(os.Stderr, report.Box(rmcfgStage, err))
		return statusOf(err)
	}
	return deleteConfig(p, settings, report.NewLogger(*stdout))
}

// rmcfgStage stands for a stage in messages.
const rmcfgStage = "delete-config"

// deleteConfig reports as a stage does.
func deleteConfig(p providers.Platform, settings distribution.Settings, log *report.Logger) int {
	log = log.With(rmcfgStage)
	log.Info(fmt.Sprintf("Firstlight %s, platform %s", system.Version, p.ID))
	err := p.Delete(context.Background(), &providers.Env{Platform: p, Settings: settings, Log: log, Run: system.Exec{Log: log}})
	if err == nil {
		log.Info("the platform has no config any more")
		return exitOK
	}
	failure := report.NewFailure(rmcfgStage, err)
	failure.Log(log)
	if err := log.Show(failure.Box(), settings.Is(distribution.Consoles, "quiet")); err != nil {
		log.Warn("showing the report: " + err.Error())
	}
	return exitFailed
}
