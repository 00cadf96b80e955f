package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/schema"
)

const schemaHelp = `Print a JSON schema, for editors that complete and check configs while they are
written: of Ignition configs, or, with --variant, of Butane configs. With
--version 3.6.0+firstlight.1 it has the extensions of Firstlight.`

func schemaCommand() *cobra.Command {
	var version, variant string
	c := &cobra.Command{
		Use:   "schema [flags]",
		Short: "Print the JSON schema of configs",
		Long:  schemaHelp,
		Example: "  firstlightctl schema > ignition.json\n" +
			"  firstlightctl schema --variant fcos > butane.json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := schemaOf(variant, version)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", strings.TrimSpace(string(text)))
			return err
		},
	}
	c.Flags().StringVar(&version, "version", "", "of the spec or variant; default: newest stable")
	c.Flags().StringVar(&variant, "variant", "", "of Butane: fcos, openshift, firstlight, ...")
	return c
}

func schemaOf(variant, version string) ([]byte, error) {
	if variant != "" {
		d, err := lookupDialect(variant, version)
		if err != nil {
			return nil, err
		}
		return schema.Butane(d)
	}
	plain, extended := strings.CutSuffix(version, config.ExtendedSuffix)
	v, err := lookupVersion(plain)
	switch {
	case err != nil:
		return nil, err
	case extended && !slices.Contains(config.Extended(), v):
		return nil, fmt.Errorf("version %s of the spec has no extensions; they exist since %s", v, config.Extended()[0])
	case extended:
		return schema.Extended(v)
	}
	return schema.Ignition(v)
}

// lookupDialect returns a version of a variant; "" is the newest stable one.
func lookupDialect(variant, version string) (butane.Dialect, error) {
	var variants, versions []string
	var newest butane.Dialect
	for _, d := range butane.Dialects() {
		if !slices.Contains(variants, d.Variant) {
			variants = append(variants, d.Variant)
		}
		if d.Variant != variant {
			continue
		}
		if d.Version == version {
			return d, nil
		}
		versions = append(versions, d.Version)
		if !strings.Contains(d.Version, "-") {
			newest = d
		}
	}
	switch {
	case versions == nil:
		return newest, fmt.Errorf("there is no variant %q of Butane; there are %s", variant, strings.Join(variants, ", "))
	case version != "":
		return newest, fmt.Errorf("there is no version %q of the variant %s; there are %s", version, variant, strings.Join(versions, ", "))
	}
	return newest, nil
}
