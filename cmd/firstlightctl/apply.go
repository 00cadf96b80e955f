package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	outcome "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/stages"
)

func applyCommand() *cobra.Command {
	a := stages.ApplyOptions{}
	quiet := false
	c := &cobra.Command{
		Use:   "apply --root DIR [flags] CONFIG",
		Short: "Apply a config to the tree of a container image",
		Long: `Apply writes the files, directories, links and units of a config to a tree, as
the first boot would do, for images of containers that are being built. Users,
partitions, filesystems and kernel arguments belong to machines: a config with
them is refused, or they are passed over with --ignore-unsupported.

Outside of a container --root must not be /. CONFIG may be - for standard input.

` + exitHelp,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := readInput(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			a.Text, a.Name = in.text, in.name
			if !quiet {
				a.Log = outcome.NewWriterLogger(c.OutOrStdout())
			}
			return applied(stages.Apply(context.Background(), a), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&a.Root, "root", "", "the directory that will be /")
	c.Flags().BoolVar(&a.IgnoreUnsupported, "ignore-unsupported", false, "pass over what a tree cannot have")
	c.Flags().BoolVar(&a.Offline, "offline", false, "refuse a config that needs the network")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "say nothing as long as all is well")
	if err := c.MarkFlagRequired("root"); err != nil {
		panic(err)
	}
	return c
}

// applied shows a failure. What is wrong with the config was refused, anything
// else is trouble.
func applied(err error, stderr io.Writer) error {
	if err == nil {
		return nil
	}
	fmt.Fprint(stderr, outcome.Box("apply", err))
	if outcome.KindOf(err) == outcome.KindConfig {
		return errRefused
	}
	return errors.New("the config was not applied")
}
