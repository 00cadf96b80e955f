package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/providers/limits"
)

const packHelp = `Pack a config as small as a platform's user data must be: as JSON without white
space, compressed, and encoded as text. Firstlight decodes it on every platform;
Ignition does so on hardly any.

The formats are json, gzip, base64 and gzip+base64.
Standard error says how large it has become and which platforms it fits.
Compressed without base64 it is a quarter smaller, but not text: not all
platforms and not all of their tools take that.

` + exitHelp

type packOptions struct {
	translationOptions
	format, platform, output string
}

func packCommand() *cobra.Command {
	var o packOptions
	c := &cobra.Command{
		Use:     "pack [flags] CONFIG",
		Short:   "Pack a config for user data that must be small",
		Long:    packHelp,
		Example: "  firstlightctl pack --platform aws -o user-data web1.bu",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return pack(args[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.format, "format", "f", "gzip+base64", "`how` it is packed")
	f.StringVar(&o.platform, "platform", "", "refuse what does not fit this platform")
	f.StringVarP(&o.output, "output", "o", "", "write to this `file`")
	o.addFlags(f)
	return c
}

func pack(file string, o packOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	if _, ok := check.PackFormats[o.format]; !ok {
		return fmt.Errorf("--format=%s: the formats are %s", o.format, strings.Join(slices.Sorted(maps.Keys(check.PackFormats)), ", "))
	}
	if o.platform != "" {
		if _, ok := limits.Platforms[o.platform]; !ok {
			return fmt.Errorf("--platform: the platform %q is not known; there are %s", o.platform, strings.Join(slices.Sorted(maps.Keys(limits.Platforms)), ", "))
		}
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	packed, err := compactJSON(in, &o.translationOptions, stderr)
	if err != nil {
		return err
	}
	if packed, err = check.Pack(packed, o.format); err != nil {
		return fmt.Errorf("packing the config: %w", err)
	}
	fmt.Fprintf(stderr, "%s: %d bytes, packed as %s: %d bytes\n", printable(in.name), len(in.text), o.format, len(packed))
	if err := reportLimits(packed, o.platform, stderr); err != nil {
		return err
	}
	if err := writeOutput(o.output, packed, stdout); err != nil {
		return fmt.Errorf("writing the packed config: %w", err)
	}
	return nil
}

// compactJSON returns a valid config as JSON without white space. Its problems go
// to stderr.
func compactJSON(in input, o *translationOptions, stderr io.Writer) ([]byte, error) {
	sources, err := o.butane()
	if err != nil {
		return nil, err
	}
	checked := in.check(sources)
	r := &report{included: o.included}
	r.add(in, checked.Problems)
	if err := printText(stderr, r); err != nil {
		return nil, err
	}
	switch {
	case r.refused():
		return nil, errRefused
	case checked.MachineConfig:
		return nil, forOpenShift(in)
	}
	return checked.JSON, nil
}

func forOpenShift(in input) error {
	return fmt.Errorf("%s is for OpenShift, whose machines get their configs from the cluster", in.name)
}

// reportLimits lists the platforms whose limit the packed config keeps. If it
// exceeds that of the wanted platform, that is an error.
func reportLimits(packed []byte, platform string, stderr io.Writer) error {
	var fits, tooLarge []string
	for _, id := range slices.Sorted(maps.Keys(limits.Platforms)) {
		switch limit := limits.Platforms[id]; {
		case limit.Bytes == 0:
		case limit.Fits(packed):
			fits = append(fits, id)
		case id == platform:
			return fmt.Errorf("it does not fit %s, which takes %d bytes; put it on a server, and give the machine a config with ignition.config.replace", id, limit.Bytes)
		default:
			tooLarge = append(tooLarge, fmt.Sprintf("%s (%d bytes)", id, limit.Bytes))
		}
	}
	if len(fits) > 0 {
		fmt.Fprintf(stderr, "fits:         %s, and platforms without a limit\n", strings.Join(fits, ", "))
	}
	if len(tooLarge) > 0 {
		fmt.Fprintf(stderr, "too large for: %s\n", strings.Join(tooLarge, ", "))
	}
	return nil
}
