package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
)

// runStage is the stage runner. Whatever follows the flags is ignored: an
// unset ${IGNITION_ARGS} in a unit is an empty argument.
func runStage(args []string) int {
	o := stages.Options{TrustedKeys: trust.Dir, Credentials: bootloader.Credentials}
	f := newFlags("firstlight")
	f.StringVar(&o.ConfigCache, "config-cache", "/run/ignition.json", "where the config is kept between stages")
	f.DurationVar(&o.FetchTimeout, "fetch-timeout", 2*time.Minute, "limit for getting the first config over HTTP")
	f.StringVar(&o.NeedNet, "neednet", "/run/ignition/neednet", "file to create if the network is needed")
	platform := f.String("platform", "", "what the machine was started on, see ignition.platform.id")
	f.StringVar(&o.Root, "root", "/", "where the root of the machine is mounted")
	send := f.Bool("send-record", false, "send the record of a boot that a unit of another program has stopped, and do nothing else")
	setting := f.String("setting", "", "print this setting of the distribution, and do nothing else")
	f.StringVar(&o.Stage, "stage", "", "one of "+strings.Join(stages.Names(), ", ")+", or "+stages.All)
	f.StringVar(&o.StateFile, "state-file", "/run/ignition/state", "what stages leave to later ones")
	stdout := f.Bool("log-to-stdout", false, "log to standard output instead of the journal")
	if status, done := parse(f, args); done {
		return status
	}
	if *setting != "" {
		return printSetting(*setting)
	}
	o.Log = report.NewLogger(*stdout)
	if *send {
		return statusOf(stages.SendFailure(context.Background(), o))
	}
	var err error
	if o.Platform, err = providers.ByID(*platform); err != nil {
		return usage(err)
	}
	if err := checkStage(o.Stage); err != nil {
		return usage(err)
	}
	err = stages.Run(context.Background(), o)
	if errors.Is(err, stages.ErrPlanned) {
		return afterPlan(o.Log)
	}
	return statusOf(err)
}

// afterPlan powers the machine off: no stage may run after one that only planned, and
// the machine must not come up. Where the kernel command line is a file it is not that of
// the machine that this runs on.
func afterPlan(log *report.Logger) int {
	if system.OtherCommandLine() {
		return exitFailed
	}
	if err := powerOff.now(context.Background(), system.Exec{Log: log}); err != nil {
		fmt.Fprintln(os.Stderr, system.PrintableLine(err.Error()))
	}
	return exitFailed
}

// printSetting is for scripts of distributions.
func printSetting(name string) int {
	key, err := distribution.ByName(name)
	if err != nil {
		return usage(err)
	}
	settings, err := stages.Settings()
	if err != nil {
		fmt.Fprint(os.Stderr, report.Box("settings", err))
		return statusOf(err)
	}
	fmt.Println(settings.Value(key))
	return exitOK
}

func checkStage(name string) error {
	if name == stages.All || slices.Contains(stages.Names(), name) {
		return nil
	}
	return fmt.Errorf("--stage=%s: the stages are %s, or %s for all of them", name, strings.Join(stages.Names(), ", "), stages.All)
}

// statusOf is the exit status of a stage. Run has reported the error.
func statusOf(err error) int {
	var state *stages.StateError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &state):
		return exitSetup
	}
	return int(report.KindOf(err))
}
