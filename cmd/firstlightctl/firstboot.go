//go:build linux && !portable

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/firstboot"
)

const firstbootHelp = `Show or change whether the next boot of a system is a first boot, on which it is
provisioned. How that is marked is a setting of its distribution, FIRST_BOOT in
/usr/lib/ignition/distribution.conf.

  status  print "armed" or "not armed", and what was seen
  arm     provision the system when it boots the next time
  disarm  do not

A system that marks its first boot in another way is left alone: the error says
what was looked for. Boot filesystems have to be mounted.`

func firstbootCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "firstboot {status|arm|disarm} [flags]",
		Short: "Show or change whether the next boot is a first boot",
		Long:  firstbootHelp,
		Example: `  firstlightctl firstboot status
  firstlightctl firstboot arm && systemctl reboot`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"status", "arm", "disarm"},
		RunE: func(c *cobra.Command, args []string) error {
			root, err := rootfs.Open(dir)
			if err != nil {
				return err
			}
			defer root.Close()
			way, err := wayOf(root, dir)
			if err != nil {
				return err
			}
			switch args[0] {
			case "arm":
				return way.Arm(root)
			case "disarm":
				return way.Disarm(root)
			}
			armed, seen, err := way.Armed(root)
			if err != nil {
				return err
			}
			state := "not armed"
			if armed {
				state = "armed"
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", state, seen)
			return err
		},
	}
	c.Flags().StringVar(&dir, "root", "/", "the directory where the system is mounted")
	return c
}

// wayOf returns how a system marks its first boot, by the settings of its distribution.
func wayOf(root *rootfs.Root, dir string) (firstboot.Way, error) {
	name := filepath.Join(distribution.Dir, distribution.File)
	text, err := root.ReadFile(name)
	if err != nil {
		return firstboot.Way{}, err
	}
	settings, err := distribution.Parse(string(text), filepath.Join(dir, name))
	if err != nil {
		return firstboot.Way{}, err
	}
	return firstboot.Of(settings)
}
