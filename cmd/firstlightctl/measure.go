package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/tpm"
)

const measureHelp = `Print the value that PCR 12 of a TPM has in a first boot in which these
configs are measured, in each bank: the user data first, then the configs that
it refers to, in the order in which they are read. Of one that is given twice
the first counts.

The bytes count as the machine gets them: packed, if they are, and with the
signature that they begin with.

PCR 12 is zero at power-on, but a boot loader may have measured something into
it before: systemd-stub does so with a command line that is not its own. --from
says what it was, as in /sys/class/tpm/tpm0/pcr-sha256/12 of a machine that was
booted without a config.`

func measureCommand() *cobra.Command {
	var from []string
	c := &cobra.Command{
		Use:     "measure [--from BANK=VALUE] CONFIG...",
		Short:   "Predict what a TPM has when configs were measured into it",
		Long:    measureHelp,
		Example: "  firstlightctl measure user-data base.ign",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return measure(args, from, c.InOrStdin(), c.OutOrStdout())
		},
	}
	c.Flags().StringArrayVar(&from, "from", nil, "what PCR 12 was before, in hexadecimal: `BANK=VALUE`")
	return c
}

func measure(files, from []string, stdin io.Reader, stdout io.Writer) error {
	values, err := startValues(from)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, file := range files {
		raw, err := read(file, stdin)
		if err != nil {
			return fmt.Errorf("reading the config: %w", err)
		}
		if seen[string(raw)] {
			continue
		}
		seen[string(raw)] = true
		for _, b := range tpm.Banks {
			if value := values[b.Name]; value != nil {
				values[b.Name] = b.Extended(value, b.Digest(raw))
			}
		}
	}
	for _, b := range tpm.Banks {
		if value := values[b.Name]; value != nil {
			if _, err := fmt.Fprintf(stdout, "%s %x\n", b.Name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// startValues are zero in all banks, or given in some.
func startValues(from []string) (map[string][]byte, error) {
	values := map[string][]byte{}
	if from == nil {
		for _, b := range tpm.Banks {
			values[b.Name] = make([]byte, b.Size())
		}
	}
	for _, given := range from {
		name, digits, _ := strings.Cut(given, "=")
		value, err := hex.DecodeString(digits)
		known := false
		for _, b := range tpm.Banks {
			known = known || b.Name == name && len(value) == b.Size()
		}
		if err != nil || !known {
			return nil, fmt.Errorf("--from=%s: it should be sha1, sha256, sha384 or sha512, =, and all digits of its value", given)
		}
		values[name] = value
	}
	return values, nil
}
