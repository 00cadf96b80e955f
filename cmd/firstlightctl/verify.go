package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/trust"
)

const verifyHelp = `Verify the signatures of configs as a machine does whose image has the keys.

A signature is in the file CONFIG.sig, or the config begins with it. These make
one:

  ssh-keygen -Y sign -n firstlight -f KEY CONFIG
  minisign -S -m CONFIG -x CONFIG.sig

The bytes count as they are: a config that was packed after it was signed is
another one.

Exit status:
  0  all are signed
  1  a config is not signed, or its signature does not count
  2  wrong usage, or a file that cannot be read`

func verifyCommand() *cobra.Command {
	var trusted string
	c := &cobra.Command{
		Use:     "verify --trusted KEYS CONFIG...",
		Short:   "Verify the signatures of configs",
		Long:    verifyHelp,
		Example: "  firstlightctl verify --trusted /usr/lib/firstlight/trusted.d web1.ign",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			keys, err := trustedKeys(trusted)
			if err != nil {
				return err
			}
			return verify(keys, args, c.InOrStdin(), c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&trusted, "trusted", "", "a `file` with public keys, or a directory of such files")
	_ = c.MarkFlagRequired("trusted") // there is such a flag
	return c
}

func trustedKeys(name string) (trust.Keys, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the trusted keys: %w", err)
	}
	var keys trust.Keys
	var text []byte
	if info.IsDir() {
		keys, err = trust.ReadKeys(name, os.ReadFile)
	} else if text, err = os.ReadFile(name); err == nil {
		keys, err = trust.ParseKeys(string(text), name)
	}
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("there is no key in %s", name)
	}
	return keys, err
}

// verify says of each config who has signed it.
func verify(keys trust.Keys, files []string, stdin io.Reader, stdout io.Writer) error {
	refused := false
	for _, file := range files {
		raw, err := read(file, stdin)
		if err != nil {
			return fmt.Errorf("reading the config: %w", err)
		}
		signature, text := trust.Cut(raw)
		if signature == nil {
			if signature, err = os.ReadFile(file + trust.Suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("reading the signature: %w", err)
			}
		}
		verdict := "not signed: it does not begin with a signature, and there is no " + file + trust.Suffix
		if signature != nil {
			signer, err := keys.Verify(text, signature)
			verdict = "signed with the " + signer
			if err != nil {
				verdict = "not signed: " + err.Error()
			}
			refused = refused || err != nil
		} else {
			refused = true
		}
		if _, err := fmt.Fprintf(stdout, "%s: %s\n", printable(file), verdict); err != nil {
			return err
		}
	}
	if refused {
		return errRefused
	}
	return nil
}
