package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/providers"
)

const packHelp = `Pack a config as small as a platform's user data must be: as JSON without white
space, compressed, and encoded as text. Firstlight decodes it on every platform;
Ignition does so on hardly any.

The formats are json, gzip, base64 and gzip+base64.
Standard error says how large it has become and which platforms it fits.
Compressed without base64 it is a quarter smaller, but not text: not all
platforms and not all of their tools take that.

` + exitHelp

// packFormats are the encodings to apply for each format, in their order.
var packFormats = map[string][]func([]byte) ([]byte, error){
	"json":        nil,
	"gzip":        {gzipText},
	"base64":      {base64Text},
	"gzip+base64": {gzipText, base64Text},
}

type packOptions struct{ format, platform, output, filesDir string }

func packCommand() *cobra.Command {
	var o packOptions
	c := &cobra.Command{
		Use:   "pack [flags] CONFIG",
		Short: "Pack a config for user data that must be small",
		Long:  packHelp,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return pack(args[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.format, "format", "f", "gzip+base64", "`how` it is packed")
	f.StringVar(&o.platform, "platform", "", "refuse what does not fit this platform")
	f.StringVarP(&o.output, "output", "o", "", "write to this `file`")
	f.StringVarP(&o.filesDir, "files-dir", "d", "", "where Butane's local files are")
	return c
}

func pack(file string, o packOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	encodings, ok := packFormats[o.format]
	if !ok {
		return fmt.Errorf("--format=%s: the formats are %s", o.format, strings.Join(slices.Sorted(maps.Keys(packFormats)), ", "))
	}
	if o.platform != "" {
		if _, err := providers.ByID(o.platform); err != nil {
			return fmt.Errorf("--platform: %w", err)
		}
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	packed, err := compactJSON(in, o.filesDir, stderr)
	if err != nil {
		return err
	}
	for _, encode := range encodings {
		if packed, err = encode(packed); err != nil {
			return fmt.Errorf("packing the config: %w", err)
		}
	}
	fmt.Fprintf(stderr, "%s: %d bytes, packed as %s: %d bytes\n", in.name, len(in.text), o.format, len(packed))
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
func compactJSON(in input, filesDir string, stderr io.Writer) ([]byte, error) {
	r := &report{}
	r.add(in, in.problems(filesDir))
	if err := printText(stderr, r); err != nil {
		return nil, err
	}
	if r.refused() {
		return nil, errRefused
	}
	text := in.text
	if butane.IsButane(text) {
		result, _, err := butane.Translate(text, in.name, butane.Options{FilesDir: filesDir})
		if err != nil {
			return nil, err
		}
		if result.MachineConfig {
			return nil, fmt.Errorf("%s is for OpenShift, whose machines get their configs from the cluster", in.name)
		}
		text = result.JSON
	}
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, fmt.Errorf("packing the config: %w", err)
	}
	return b.Bytes(), nil
}

// reportLimits lists the platforms whose limit the packed config keeps. If it
// exceeds that of the wanted platform, that is an error.
func reportLimits(packed []byte, platform string, stderr io.Writer) error {
	var fits, tooLarge []string
	for _, p := range providers.Platforms {
		if p.Limit == 0 {
			continue
		}
		switch ok := p.Fits(packed); {
		case ok:
			fits = append(fits, p.ID)
		case p.ID == platform:
			return fmt.Errorf("it does not fit %s, which takes %d bytes; put it on a server, and give the machine a config with ignition.config.replace", p.ID, p.Limit)
		default:
			tooLarge = append(tooLarge, fmt.Sprintf("%s (%d bytes)", p.ID, p.Limit))
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

func gzipText(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

func base64Text(text []byte) ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(text) + "\n"), nil
}
