package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// setKernelArguments is firstlight-kargs, the helper of the kargs stage where the
// distribution has none of its own:
//
//	firstlight-kargs [--should-exist ARG]... [--should-not-exist ARG]...
//
// It changes the boot loader's entries, and reboots if that was necessary. The stages
// that come after it run in the next boot then, which is the first one as well.
func setKernelArguments(args []string) int {
	f := newFlags("firstlight-kargs")
	var a bootloader.Arguments
	f.Func("should-exist", "add this kernel `argument` unless it is there", appendTo(&a.Exist))
	f.Func("should-not-exist", "remove this kernel `argument`", appendTo(&a.NotExist))
	others, status, done := parseAnywhere(f, args)
	if done {
		return status
	}
	if len(others) > 0 {
		return usage(fmt.Errorf("unexpected argument %q", others[0]))
	}
	if err := changeKernelArguments(a, report.NewLogger(false).With("kargs")); err != nil {
		// The stage shows the last line that its helper prints.
		fmt.Fprintln(os.Stderr, system.PrintableLine(err.Error()))
		return exitFailed
	}
	return exitOK
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

func changeKernelArguments(a bootloader.Arguments, log *report.Logger) error {
	ctx, run := context.Background(), system.Exec{Log: log}
	line, err := system.CommandLine()
	if err != nil {
		return err
	}
	unmet := a.Unmet(line)
	if _, err := run.Run(ctx, system.Command{Name: "is-live-image"}); err == nil {
		if unmet != "" {
			return fmt.Errorf("this is a live system, whose kernel arguments cannot be changed; start it with others: %s", unmet)
		}
		return nil
	}
	arguments, err := system.KernelArguments()
	if err != nil {
		return err
	}
	changed, err := bootloader.Machine{RootArgument: arguments["root"]}.SetArguments(ctx, a, log.Warn)
	if errors.Is(err, bootloader.ErrNoEntries) && unmet == "" {
		log.Info("the kernel was started with the arguments that the config wants; " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		log.Info("changed the kernel arguments in " + strings.Join(changed, ", ") + "; rebooting")
		return restart.now(ctx, run)
	}
	if unmet != "" {
		log.Warn("the boot loader's entries are as the config wants them, but the kernel was started otherwise: " + unmet)
	}
	return nil
}
