// Command firstlight provisions a machine on its first boot. It runs in the
// initramfs, once for each stage:
//
//	firstlight --platform=ID --stage=STAGE [--root=/sysroot] [flags]
//
// By the names ignition-apply and ignition-rmcfg it is another program; any
// other name is this one. It exits with 2 if it was called wrongly, with 3 if the
// state file cannot be used, and if the stage did not succeed with 1 or the
// number of what the cause is: see package report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
)

// Exit statuses, as the reference has them.
const (
	exitOK     = 0
	exitFailed = int(report.KindMachine)
	exitUsage  = 2
	exitSetup  = 3
)

// personalities are the programs that this one is by other names.
var personalities = map[string]func(args []string) int{
	"ignition-apply": applyConfig,
	"ignition-rmcfg": removeConfig,
}

func main() {
	run, ok := personalities[filepath.Base(os.Args[0])]
	if !ok {
		run = runStage
	}
	os.Exit(run(os.Args[1:]))
}

// runStage is the stage runner. Whatever follows the flags is ignored: an
// unset ${IGNITION_ARGS} in a unit is an empty argument.
func runStage(args []string) int {
	var o stages.Options
	f := newFlags("firstlight")
	f.StringVar(&o.ConfigCache, "config-cache", "/run/ignition.json", "where the config is kept between stages")
	f.DurationVar(&o.FetchTimeout, "fetch-timeout", 2*time.Minute, "limit for getting the first config over HTTP")
	f.StringVar(&o.NeedNet, "neednet", "/run/ignition/neednet", "file to make if the network is needed")
	platform := f.String("platform", "", "what the machine was started on, see ignition.platform.id")
	f.StringVar(&o.Root, "root", "/", "where the root of the machine is mounted")
	f.StringVar(&o.Stage, "stage", "", "one of "+strings.Join(stages.Names(), ", ")+", or "+stages.All)
	f.StringVar(&o.StateFile, "state-file", "/run/ignition/state", "what stages leave to later ones")
	version := f.Bool("version", false, "print the version")
	stdout := f.Bool("log-to-stdout", false, "log to standard output instead of the journal")
	if err := f.Parse(args); err != nil {
		return usage(err)
	}
	if *version {
		fmt.Printf("Ignition %s\n", system.Version)
		return exitOK
	}
	var err error
	if o.Platform, err = providers.ByID(*platform); err != nil {
		return usage(err)
	}
	if err := checkStage(o.Stage); err != nil {
		return usage(err)
	}
	o.Log = report.NewLogger(*stdout)
	return status(stages.Run(context.Background(), o))
}

// newFlags makes a flag set whose errors are printed by usage.
func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Printf("Usage of %s:\n", name)
		f.SetOutput(os.Stdout)
		f.PrintDefaults()
		f.SetOutput(io.Discard)
	}
	return f
}

func checkStage(name string) error {
	if name == stages.All {
		return nil
	}
	for _, known := range stages.Names() {
		if name == known {
			return nil
		}
	}
	return fmt.Errorf("--stage=%s: the stages are %s, or %s for all of them", name, strings.Join(stages.Names(), ", "), stages.All)
}

// usage says on standard error why the call was wrong.
func usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, "firstlight:", err)
	return exitUsage
}

// status is the exit status of a stage. Run has reported the error.
func status(err error) int {
	var state *stages.StateError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &state):
		return exitSetup
	}
	return int(report.KindOf(err))
}

// removeConfig is ignition-rmcfg: it deletes the config from where the platform
// keeps it, after it was used.
func removeConfig(args []string) int {
	f := newFlags("ignition-rmcfg")
	platform := f.String("platform", "", "what the machine was started on")
	version := f.Bool("version", false, "print the version")
	stdout := f.Bool("log-to-stdout", false, "log to standard output instead of the journal")
	if err := f.Parse(args); err != nil {
		return usage(err)
	}
	if *version {
		fmt.Printf("Ignition %s\n", system.Version)
		return exitOK
	}
	if f.NArg() > 0 {
		return usage(fmt.Errorf("unexpected argument %q", f.Arg(0)))
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
	for _, problem := range report.Explain(err) {
		log.Log(report.LevelCritical, problem.String())
	}
	if err := report.ShowOnConsoles(report.Box(stage, err)); err != nil {
		log.Warn("showing the report: " + err.Error())
	}
	return exitFailed
}
