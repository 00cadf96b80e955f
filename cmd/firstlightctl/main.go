// Command firstlightctl runs on a workstation: it checks, translates, merges and
// packs configs before a machine boots with them.
//
//	firstlightctl validate FILE...
//	firstlightctl translate [FILE]
//	firstlightctl plan [--disk NAME=IMAGE] CONFIG
//	firstlightctl apply --root DIR CONFIG
//	firstlightctl pack CONFIG
//	firstlightctl schema
//
// By the names butane and ignition-validate it behaves like these programs.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

func main() {
	program, ok := personalities[filepath.Base(os.Args[0])]
	if !ok {
		program = run
	}
	os.Exit(program(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errRefused is the error of configs whose problems have been printed.
var errRefused = errors.New("the config was refused")

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := command()
	c.SetArgs(args)
	c.SetIn(stdin)
	c.SetOut(stdout)
	c.SetErr(stderr)
	switch err := c.Execute(); {
	case err == nil:
		return exitOK
	case errors.Is(err, errRefused):
		return exitRefused
	default:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(stderr, "firstlightctl:", line)
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
	root.AddCommand(validateCommand(), translateCommand(), planCommand(), applyCommand(), packCommand(), schemaCommand(), versionCommand())
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
