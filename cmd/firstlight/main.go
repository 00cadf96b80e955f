// Command firstlight provisions a machine on its first boot. It runs in the
// initramfs, once for each stage:
//
//	firstlight --platform=ID --stage=STAGE [--root=/sysroot] [flags]
//
// By the names of programs it is another one (ignition-apply, say); any other name is this one. It exits with 2 if it was called wrongly, with 3 if the
// state file cannot be used, and if the stage did not succeed with 1 or the
// number of what the cause is: see package report.
package main

import (
	"os"
	"path/filepath"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
)

// Exit statuses, as the reference has them.
const (
	exitOK     = 0
	exitFailed = int(report.KindMachine)
	exitUsage  = 2
	exitSetup  = 3
)

// programs are the programs that this one is, by the name that it is called by.
// Any other name is the stage runner.
var programs = map[string]func(args []string) int{
	"ignition-apply":       applyConfig,
	"ignition-rmcfg":       removeConfig,
	"firstlight-firstboot": markFirstBoot,
	"firstlight-kargs":     setKernelArguments,
	"afterburn":            afterburn.run,
	"coreos-metadata":      coreosMetadata.run,
}

func main() {
	prepareForDeath()
	run, ok := programs[filepath.Base(os.Args[0])]
	if !ok {
		run = runStage
	}
	os.Exit(run(os.Args[1:]))
}

// prepareForDeath has failures of Go's runtime, such as a lack of memory, end this
// process by SIGABRT: their own status is that of a wrong call. Secrets in its memory
// do not get into a core file.
func prepareForDeath() {
	debug.SetTraceback("crash")
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // nothing depends on it
}
