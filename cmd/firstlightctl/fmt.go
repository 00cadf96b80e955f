package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/format"
)

const fmtHelp = `Format configs: Butane in YAML or Ignition in JSON, detected by the contents.
- is standard input. The result is printed; with --write it replaces the file if
it differs.

Two spaces indent, also the items of a list below their key; one space follows a
colon or a dash, at most one blank line separates. Comments, the order of keys,
quotes, numbers, anchors and the text of block scalars stay as they are, and so
does the meaning. JSON is indented like the output of "translate --pretty".

Configs with errors of syntax are refused. Other errors are for "validate".

Exit status:
  0  success
  1  a config was refused or, with --check or --diff, is not formatted
  2  wrong usage, or a file that cannot be read or written`

type fmtOptions struct{ write, check, diff bool }

func fmtCommand() *cobra.Command {
	var o fmtOptions
	c := &cobra.Command{
		Use:   "fmt [flags] FILE...",
		Short: "Format configs",
		Long:  fmtHelp,
		Example: "  firstlightctl fmt --write *.bu\n" +
			"  firstlightctl fmt --check *.bu",
		Args: func(_ *cobra.Command, files []string) error { return checkFiles(files) },
		RunE: func(c *cobra.Command, files []string) error {
			return formatFiles(files, o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.write, "write", "w", false, "replace files that differ")
	f.BoolVar(&o.check, "check", false, "print the names of files that differ")
	f.BoolVar(&o.diff, "diff", false, "print the differences")
	return c
}

func formatFiles(files []string, o fmtOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	var errs []error
	var r report
	differ := false
	for _, file := range files {
		in, formatted, err := formatFile(file, o, stdin)
		var refused *config.ParseError
		if errors.As(err, &refused) {
			r.add(in, check.WithError(in.name, refused.Problems, err))
			continue
		}
		if err == nil {
			err = o.show(file, in, formatted, stdout)
		}
		errs = append(errs, err)
		differ = differ || !bytes.Equal(in.text, formatted)
	}
	if err := errors.Join(append(errs, printText(stderr, &r))...); err != nil {
		return err
	}
	if r.refused() || differ && (o.check || o.diff) {
		return errRefused
	}
	return nil
}

// formatFile reads and formats a file.
func formatFile(file string, o fmtOptions, stdin io.Reader) (input, []byte, error) {
	if file == "-" && o.write {
		return input{}, nil, errors.New("--write cannot replace standard input; leave it out, and the result is printed")
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return in, nil, fmt.Errorf("reading a config: %w", err)
	}
	if len(in.encodings) > 0 {
		return in, nil, fmt.Errorf("%s is packed (%s); format the text that it was made of", in.name, strings.Join(in.encodings, ", "))
	}
	formatted, err := format.Config(in.text, in.name)
	return in, formatted, err
}

// show does what the options ask for.
func (o fmtOptions) show(file string, in input, formatted []byte, stdout io.Writer) error {
	if !o.write && !o.check && !o.diff {
		_, err := stdout.Write(formatted)
		return err
	}
	if bytes.Equal(in.text, formatted) {
		return nil
	}
	if o.check {
		if _, err := fmt.Fprintln(stdout, printable(in.name)); err != nil {
			return err
		}
	}
	if o.diff {
		if _, err := stdout.Write(diff.Diff(in.name, in.text, in.name+" formatted", formatted)); err != nil {
			return err
		}
	}
	if o.write {
		if err := replaceFile(file, formatted); err != nil {
			return fmt.Errorf("writing the formatted config: %w", err)
		}
	}
	return nil
}

// replaceFile replaces the contents of a file at once, so that a full disk does not
// leave half of them. A symbolic link stays one.
func replaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close(), os.Chmod(f.Name(), info.Mode().Perm()))
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
