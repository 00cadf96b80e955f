package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/initramfs"
)

const overlayHelp = `Switch the agent of an initramfs that has Ignition, without building it anew.

An overlay is an archive with nothing but the agent. Where it follows an
initramfs, the kernel unpacks it over the agent that is there; the units and
helper programs of the initramfs stay. On an initramfs without Ignition it does
nothing.

A boot loader that takes several initramfs files needs no changed image:

  initrd=initramfs.img,firstlight-overlay-amd64.cpio

AGENT is the agent's program or an overlay. By default it is the agent beside
firstlightctl, or that of the installed dracut module.

Exit status:
  0  success
  2  wrong usage, or a file that is not what it should be`

func overlayCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "overlay",
		Short: "Switch the agent of an initramfs",
		Long:  overlayHelp,
	}
	// The last line of the template is wider than a screen with this name in it.
	c.SetUsageTemplate(strings.Replace(c.UsageTemplate(), " for more information about a command", "", 1))
	c.AddCommand(
		&cobra.Command{
			Use:     "append IMAGE [AGENT]",
			Short:   "Append the overlay to an initramfs, or replace it",
			Example: "  firstlightctl overlay append initramfs.img",
			Args:    cobra.RangeArgs(1, 2),
			RunE: func(c *cobra.Command, args []string) error {
				return appendOverlay(args[0], args[1:], c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:     "remove IMAGE",
			Short:   "Remove the overlay from an initramfs",
			Example: "  firstlightctl overlay remove initramfs.img",
			Args:    cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error {
				return removeOverlay(args[0], c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:     "write FILE [AGENT]",
			Short:   "Write the overlay to a file of its own",
			Example: "  firstlightctl overlay write firstlight-overlay.cpio",
			Args:    cobra.RangeArgs(1, 2),
			RunE: func(c *cobra.Command, args []string) error {
				overlay, err := readOverlay(args[1:])
				if err != nil {
					return err
				}
				return writeOutput(args[0], overlay, c.OutOrStdout())
			},
		},
	)
	return c
}

// readOverlay makes the overlay of the agent that an optional argument names.
func readOverlay(args []string) ([]byte, error) {
	file, err := agentFile(args)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the agent: %w", err)
	}
	if agent, ok := initramfs.AgentOf(text); ok {
		text = agent
	}
	program, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the agent %s: it is neither a program for Linux nor an overlay: %w", file, err)
	}
	if interpreted(program) {
		return nil, fmt.Errorf("reading the agent %s: it is not static; the agent of make build is, and runs in every initramfs", file)
	}
	return initramfs.Overlay(text), nil
}

// interpreted reports whether a program needs a dynamic linker.
func interpreted(program *elf.File) bool {
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// agentFile is where the agent is.
func agentFile(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("looking for the agent beside firstlightctl: %w; name it as AGENT", err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", fmt.Errorf("looking for the agent beside firstlightctl: %w; name it as AGENT", err)
	}
	dir := filepath.Dir(self)
	candidates := []string{filepath.Join(dir, "firstlight"), filepath.Join(dir, "../lib/dracut/modules.d/30ignition/ignition")}
	for _, file := range candidates {
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no agent at %s or %s; name it as AGENT", candidates[0], candidates[1])
}

func appendOverlay(file string, args []string, stdout io.Writer) error {
	overlay, err := readOverlay(args)
	if err != nil {
		return err
	}
	image, err := readImage(file)
	if err != nil {
		return err
	}
	base := initramfs.WithoutOverlay(image)
	end := initramfs.Append(len(base), overlay)
	if bytes.Equal(image[len(base):], end) {
		fmt.Fprintf(stdout, "%s has this overlay already\n", file)
		return nil
	}
	if err := replaceEnd(file, len(base), image[len(base):], end); err != nil {
		return fmt.Errorf("appending the overlay to %s: %w", file, err)
	}
	fmt.Fprintf(stdout, "appended %d bytes to the %d of %s\n", len(end), len(base), file)
	return nil
}

func removeOverlay(file string, stdout io.Writer) error {
	image, err := readImage(file)
	if err != nil {
		return err
	}
	base := initramfs.WithoutOverlay(image)
	if len(base) == len(image) {
		fmt.Fprintf(stdout, "%s has no overlay\n", file)
		return nil
	}
	if err := replaceEnd(file, len(base), image[len(base):], nil); err != nil {
		return fmt.Errorf("removing the overlay from %s: %w", file, err)
	}
	fmt.Fprintf(stdout, "removed %d bytes from %s\n", len(image)-len(base), file)
	return nil
}

func readImage(file string) ([]byte, error) {
	image, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the initramfs: %w", err)
	}
	if err := initramfs.Check(image); err != nil {
		return nil, fmt.Errorf("%s is no initramfs: %w", file, err)
	}
	return image, nil
}

// replaceEnd writes to the file itself, so that it keeps owner, mode and label, and a
// small boot partition does not have to hold it twice. If that fails, the old end is
// put back.
func replaceEnd(file string, start int, before, after []byte) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	err = writeEnd(f, start, after)
	if err != nil {
		if undo := writeEnd(f, start, before); undo != nil {
			err = errors.Join(err, fmt.Errorf("the file is broken, restoring it: %w", undo))
		}
	}
	return err
}

func writeEnd(f *os.File, start int, end []byte) error {
	if _, err := f.WriteAt(end, int64(start)); err != nil {
		return err
	}
	if err := f.Truncate(int64(start + len(end))); err != nil {
		return err
	}
	return f.Sync()
}
