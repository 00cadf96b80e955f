//go:build linux && !portable

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/stages"
)

func applyCommand() *cobra.Command {
	a, o := stages.ApplyOptions{}, translationOptions{}
	quiet := false
	c := &cobra.Command{
		Use:   "apply --root DIR [flags] CONFIG",
		Short: "Apply a config to the root directory of a container image",
		Long: `Apply writes the files, directories, links and units of a config to a directory,
as the first boot would do, for container images that are being built. Users,
partitions, filesystems and kernel arguments belong to machines: a config with
them is refused, or they are skipped with --ignore-unsupported.

Parameters of a Butane config are set as for translate.

Outside of a container --root must not be /. CONFIG may be - for standard input.

` + exitHelp,
		Example: "  firstlightctl apply --root image --ignore-unsupported config.ign\n" +
			"  firstlightctl apply --root image --set hostname=web1 -d files config.bu",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := readInput(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			a.Text, a.Name = in.text, in.name
			if a.Parse, err = o.applied(in); err != nil {
				return err
			}
			if !quiet {
				a.Log = failure.NewWriterLogger(c.OutOrStdout())
			}
			return applyResult(stages.Apply(context.Background(), a), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&a.Root, "root", "", "the directory that will be /")
	c.Flags().BoolVar(&a.IgnoreUnsupported, "ignore-unsupported", false, "skip what an image cannot have")
	c.Flags().BoolVar(&a.Offline, "offline", false, "refuse a config that needs the network")
	o.addFlags(c.Flags())
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing on success")
	if err := c.MarkFlagRequired("root"); err != nil {
		panic(err)
	}
	return c
}

// applyResult prints the failure box and returns errRefused if the config is to
// blame.
func applyResult(err error, stderr io.Writer) error {
	if err == nil {
		return nil
	}
	fmt.Fprint(stderr, failure.Box("apply", err))
	if failure.KindOf(err) == failure.KindConfig {
		return errRefused
	}
	return errors.New("the config was not applied")
}
