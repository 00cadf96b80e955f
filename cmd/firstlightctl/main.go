// Command firstlightctl runs on a workstation: it checks, translates, merges and
// packs configs before a machine boots with them.
//
//	firstlightctl validate FILE...
//	firstlightctl explain [ID]
//	firstlightctl fmt FILE...
//	firstlightctl translate [FILE]
//	firstlightctl plan [--disk NAME=IMAGE] [--root DIR] CONFIG
//	firstlightctl facts
//	firstlightctl apply --root DIR CONFIG
//	firstlightctl pack CONFIG
//	firstlightctl encrypt --to RECIPIENT [FILE]
//	firstlightctl edit --identity FILE FILE
//	firstlightctl verify --trusted KEYS CONFIG...
//	firstlightctl measure CONFIG...
//	firstlightctl schema
//	firstlightctl lsp
//	firstlightctl firstboot {status|arm|disarm}
//	firstlightctl reset --config CONFIG [--keep PATH]...
//	firstlightctl overlay append IMAGE
//	firstlightctl report [FILE|URL|-]
//	firstlightctl try --image DISK CONFIG
//	firstlightctl page
//
// By the names butane and ignition-validate it behaves like these programs.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/system"
)

// Exit statuses. The personalities have those of the programs that they are.
const (
	exitOK      = 0
	exitRefused = 1 // a config was refused
	exitError   = 2 // wrong usage, or a file that cannot be read or written
)

// exitHelp ends the help texts of commands that refuse configs.
const exitHelp = `Exit status:
  0  success, perhaps with warnings
  1  a config was refused
  2  wrong usage, or a file that cannot be read or written`

// personalities are the programs that this one is by other names.
var personalities = map[string]func(args []string, stdin io.Reader, stdout, stderr io.Writer) int{
	"butane":            butaneProgram,
	"ignition-validate": ignitionValidate,
}

// How much garbage there may be before it is collected, in percent of what is alive.
const (
	usualGarbage = 100 // Go's own
	// Most commands end before that, and a quarter of their time was collecting.
	shortGarbage = 400
)

// allowGarbage changes that, unless the environment has it.
func allowGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

func main() {
	allowGarbage(shortGarbage)
	program, ok := personalities[programName(os.Args[0])]
	if !ok {
		program = run
	}
	os.Exit(program(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// programName is the name that this program was called by, on Windows too.
func programName(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".exe") {
		return name[:len(name)-len(ext)]
	}
	return name
}

// errRefused is the error of configs whose problems have been printed.
var errRefused = errors.New("the config was refused")

// exitStatus is the error of a command that has said what is to be said, and ends with a
// status of its own.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := command()
	c.SetArgs(args)
	c.SetIn(stdin)
	c.SetOut(stdout)
	c.SetErr(stderr)
	var status exitStatus
	switch err := c.Execute(); {
	case err == nil:
		return exitOK
	case errors.Is(err, errRefused):
		return exitRefused
	case errors.As(err, &status):
		return int(status)
	default:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(stderr, "firstlightctl:", printable(line))
		}
		return exitError
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "firstlightctl",
		Short:         "Check and translate configs for Firstlight and Ignition on a workstation",
		Version:       system.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(validateCommand(), explainCommand(), fmtCommand(), translateCommand(), planCommand(), factsCommand(), applyCommand(), packCommand(), encryptCommand(), editCommand(), verifyCommand(), measureCommand(), schemaCommand(), lspCommand(), firstbootCommand(), resetCommand(), overlayCommand(), reportCommand(), tryCommand(), pageCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintln(c.OutOrStdout(), "firstlightctl", system.Version)
		},
	}
}
