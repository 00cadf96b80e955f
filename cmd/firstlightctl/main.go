// Command firstlightctl is for the desk: it checks configs before a machine
// boots with them. By the name ignition-validate it behaves like that program.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/system"
)

func main() {
	if filepath.Base(os.Args[0]) == "ignition-validate" {
		os.Exit(ignitionValidate(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if err := command().Execute(); err != nil {
		if !errors.Is(err, errRefused) {
			fmt.Fprintln(os.Stderr, "firstlightctl:", err)
		}
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "firstlightctl",
		Short:         "Check configs for Firstlight and Ignition at your desk",
		Version:       system.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(&cobra.Command{
		Use:   "validate FILE...",
		Short: "Say what is wrong with configs, and where (- is standard input)",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			return validateFiles(files, c.InOrStdin(), c.OutOrStdout())
		},
	})
	return root
}

// errRefused is for configs whose problems have been printed.
var errRefused = errors.New("the config was refused")

func validateFiles(files []string, stdin io.Reader, stdout io.Writer) error {
	var refused error
	for _, file := range files {
		text, err := read(file, stdin)
		if err != nil {
			return err
		}
		_, problems, err := config.Parse(text, file)
		for _, p := range problems {
			fmt.Fprintln(stdout, p)
		}
		if err != nil {
			refused = errRefused
			if len(problems) == 0 {
				fmt.Fprintf(stdout, "error: %s: %v\n", file, err)
			}
		}
	}
	return refused
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
