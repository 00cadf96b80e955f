//go:build linux && !portable

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/firstboot"
)

const firstbootHelp = `Show or change whether the next boot of a system is a first boot, on which it is
provisioned. How that is marked is a setting of its distribution, FIRST_BOOT in
/usr/lib/ignition/distribution.conf.

  status  print "armed" or "not armed", what was seen, and a pending reset
  arm     provision the system when it boots the next time, with the config of
          its platform: a pending reset is dropped
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
				return way.Cancel(root)
			}
			return printFirstboot(way, root, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&dir, "root", "/", "the directory where the system is mounted")
	return c
}

// printFirstboot says whether the next boot is a first one, and which.
func printFirstboot(way firstboot.Way, root *rootfs.Root, stdout io.Writer) error {
	armed, seen, err := way.Armed(root)
	if err != nil {
		return err
	}
	pending, err := way.Pending(root)
	if err != nil {
		return err
	}
	text := "not armed: " + seen + "\n"
	if armed {
		text = "armed: " + seen + "\n"
	}
	switch {
	case pending == nil:
	case pending.Armed:
		text += "reset: " + pendingText(pending) + "\n"
	default:
		text += "left over: the request of a reset, " + pending.File + ", which no boot takes; firstlightctl firstboot disarm removes it\n"
	}
	_, err = io.WriteString(stdout, text)
	return err
}

// pendingText describes a reset that is pending.
func pendingText(p *firstboot.Pending) string {
	kept := "nothing is kept"
	if len(p.Keep) > 0 {
		kept = "it keeps " + strings.Join(p.Keep, ", ")
	}
	if p.MachineID != "" {
		kept += "; the machine keeps its ID"
	}
	return printable(fmt.Sprintf("the next boot takes the config %s, as was asked for at %s, and %s (%s)", p.Name, p.Created.UTC().Format(time.RFC3339), kept, p.File))
}

// wayOf returns how a system marks its first boot, by the settings of its distribution.
func wayOf(root *rootfs.Root, dir string) (firstboot.Way, error) {
	settings, err := settingsBelow(root, dir)
	if err != nil {
		return firstboot.Way{}, err
	}
	return firstboot.Of(settings)
}

// settingsBelow are those of the distribution of a system.
func settingsBelow(root *rootfs.Root, dir string) (distribution.Settings, error) {
	name := filepath.Join(distribution.Dir, distribution.File)
	text, err := root.ReadFile(name)
	if err != nil {
		return distribution.Settings{}, err
	}
	return distribution.Parse(string(text), filepath.Join(dir, name))
}
