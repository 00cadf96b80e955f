//go:build !linux || portable

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// The tag portable has this program be on Linux what it is elsewhere, for tests.

func planCommand() *cobra.Command {
	return needsLinux("plan", "Show what a first boot would do (on Linux)")
}

func factsCommand() *cobra.Command {
	return needsLinux("facts", "Print what a plan has to know of this machine (on Linux)")
}

func applyCommand() *cobra.Command {
	return needsLinux("apply", "Apply a config to the root directory of a container image (on Linux)")
}

func firstbootCommand() *cobra.Command {
	return needsLinux("firstboot", "Show or change whether the next boot is a first boot (on Linux)")
}

func resetCommand() *cobra.Command {
	return needsLinux("reset", "Provision this machine anew, and keep chosen paths (on Linux)")
}

func tryCommand() *cobra.Command {
	return needsLinux("try", "Boot a virtual machine with a config (on Linux)")
}

func needsLinux(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              short,
		Args:               cobra.ArbitraryArgs,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("%s works on Linux only: run it there, in a container or a virtual machine", c.CommandPath())
		},
	}
}
