package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"
)

const encryptHelp = `Encrypt a file, or standard input, to machines, so that it can stand in user
data that anybody may read. What is printed is armored: in the variant
firstlight of Butane it is the value of "age" where a file has "inline". A whole
config can be encrypted, too, and is then the user data.

A machine is known by its recipient, "age1...", which age-keygen prints; its
identity, "AGE-SECRET-KEY-1...", is what the machine gets as the credential
firstlight.age. The program age can do the same: age --encrypt --armor.

` + usageHelp

// usageHelp ends the help texts of commands that refuse no configs.
const usageHelp = `Exit status:
  0  success
  2  wrong usage, or a file that cannot be read or written`

// recipientOptions say to whom something is encrypted.
type recipientOptions struct {
	to    []string
	files []string
}

func (o *recipientOptions) add(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&o.to, "to", "t", nil, "to whom: a `recipient`, age1..., each")
	f.StringArrayVarP(&o.files, "recipients-file", "R", nil, "a `file` of recipients, one on each line")
}

func (o *recipientOptions) isEmpty() bool { return len(o.to)+len(o.files) == 0 }

func encryptCommand() *cobra.Command {
	var to recipientOptions
	var output string
	c := &cobra.Command{
		Use:     "encrypt --to RECIPIENT [flags] [FILE]",
		Short:   "Encrypt a file to machines",
		Long:    encryptHelp,
		Example: "  firstlightctl encrypt --to age1... -o db.age db-password",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return encryptFile(append(args, "-")[0], output, to, c.InOrStdin(), c.OutOrStdout())
		},
	}
	to.add(c)
	c.Flags().StringVarP(&output, "output", "o", "", "write to this `file`")
	return c
}

func encryptFile(file, output string, to recipientOptions, stdin io.Reader, stdout io.Writer) error {
	recipients, err := to.recipients()
	if err != nil {
		return err
	}
	text, err := read(file, stdin)
	if err != nil {
		return fmt.Errorf("reading what is to be encrypted: %w", err)
	}
	encrypted, err := encryptText(text, true, recipients)
	if err != nil {
		return err
	}
	if err := writeOutput(output, encrypted, stdout); err != nil {
		return fmt.Errorf("writing what is encrypted: %w", err)
	}
	return nil
}

// recipients reads all that were given.
func (o *recipientOptions) recipients() ([]age.Recipient, error) {
	if o.isEmpty() {
		return nil, errors.New("to whom? give the recipient of a machine with --to age1..., or a file of them with --recipients-file")
	}
	var all []age.Recipient
	for _, text := range o.to {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("--to: %w", err)
		}
		all = append(all, r)
	}
	for _, file := range o.files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading recipients: %w", err)
		}
		before, number := len(all), 0
		for line := range strings.Lines(string(text)) {
			number++
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			r, err := parseRecipient(line)
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", file, number, err)
			}
			all = append(all, r)
		}
		if len(all) == before {
			return nil, fmt.Errorf("there are no recipients in %s", file)
		}
	}
	return all, nil
}

// parseRecipient reads a recipient of the kind that machines have. The error has no part of
// the text, which may be a secret.
func parseRecipient(text string) (age.Recipient, error) {
	r, err := age.ParseX25519Recipient(text)
	switch {
	case err == nil:
		return r, nil
	case strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-1"):
		identity, err := age.ParseX25519Identity(text)
		if err != nil {
			return nil, errors.New("this is an identity, which is secret, and not a recipient; \"age-keygen -y\" prints its recipient")
		}
		return nil, fmt.Errorf("this is an identity, which is secret; its recipient is %s", identity.Recipient())
	case strings.HasPrefix(text, "age1pq1"):
		return nil, errors.New("this is a recipient of a post-quantum identity, which machines do not know; make one with \"age-keygen\" without -pq")
	case strings.HasPrefix(text, "ssh-"):
		return nil, errors.New("this is a key of SSH, which machines do not decrypt with; \"age-keygen\" makes an identity and its recipient")
	}
	return nil, errors.New("this is no recipient: it should be \"age1\" and 58 letters and digits, as age-keygen prints it; a character may be missing or wrong")
}

func encryptText(text []byte, armored bool, to []age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	target := io.WriteCloser(nopCloser{&out})
	if armored {
		target = armor.NewWriter(&out)
	}
	w, err := age.Encrypt(target, to...)
	if err == nil {
		_, err = w.Write(text)
		err = errors.Join(err, w.Close(), target.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return out.Bytes(), nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
