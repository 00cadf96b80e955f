package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
)

const validateHelp = `Report the problems of configs, with their positions. A FILE is an Ignition
config in JSON or a Butane config in YAML, detected by its contents, or one that
is packed, in gzip and base64; lines are those of the text in it. - is standard
input. Nothing is printed if there are no problems.

Formats:
  text    for people: FILE:LINE:COLUMN, the problem, the id of its rule in
          brackets, and the line itself. Contents of files, password hashes and
          credentials are masked
  json    an array of objects with the members file, severity ("error",
          "warning" or "note"), line, column, path, message, rule. Line and
          column count from 1, columns in characters; they are 0 where a
          position is not known
  sarif   SARIF 2.1.0, for code scanning
  github  workflow commands, for annotations in GitHub Actions

"firstlightctl explain ID" explains a rule.

With --merged the FILEs are merged as at boot: the first is the base, later ones
win. Configs in data URLs are merged too; nothing is fetched. The result is
printed as JSON, with the position of each value in a comment after it; problems
go to standard error. The values that a config with "facts: true" asks for are
given with --fact.

` + exitHelp

type validateOptions struct {
	translationOptions
	format string
	strict bool
	merged bool
	facts  []string
}

func validateCommand() *cobra.Command {
	var o validateOptions
	c := &cobra.Command{
		Use:   "validate [flags] FILE...",
		Short: "Report the problems of configs, with their positions",
		Long:  validateHelp,
		Example: "  firstlightctl validate web1.bu\n" +
			"  firstlightctl validate --strict --format=github *.bu\n" +
			"  firstlightctl validate --merged base.ign web1.ign",
		Args: func(_ *cobra.Command, files []string) error { return checkFiles(files) },
		RunE: func(c *cobra.Command, files []string) error {
			return validate(files, o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.format, "format", "text", "text, json, sarif or github")
	f.BoolVar(&o.strict, "strict", false, "refuse configs with warnings too")
	f.BoolVar(&o.merged, "merged", false, "print the files merged into one config")
	o.addFlags(f)
	f.StringArrayVar(&o.facts, "fact", nil, "with --merged, what \"${fact:NAME}\" is: `NAME=VALUE`")
	return c
}

func checkFiles(files []string) error {
	if len(files) == 0 {
		return errors.New("no config is given; name at least one FILE, - is standard input")
	}
	if i := slices.Index(files, "-"); i >= 0 && slices.Contains(files[i+1:], "-") {
		return errors.New("- is given twice, but standard input can be read only once")
	}
	return nil
}

func validate(files []string, o validateOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	show, err := lookupFormat(o.format)
	if err != nil {
		return err
	}
	if o.merged {
		if err := o.checkMachine("--merged"); err != nil {
			return err
		}
	}
	sources, err := o.butane()
	if err != nil {
		return err
	}
	inputs, unreadable := readAll(files, stdin)
	r := report{included: o.included}
	if o.merged {
		if unreadable != nil {
			return unreadable // the others alone would be a different config
		}
		facts, err := parseGivenFacts(o.facts)
		if err != nil {
			return err
		}
		if err := printMerged(inputs, facts, &r, stdout, stderr); err != nil {
			return err
		}
		stdout = stderr
	} else {
		for _, in := range inputs {
			r.add(in, in.check(sources).Problems)
		}
	}
	r.strict = o.strict
	if err := show(stdout, &r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	switch {
	case unreadable != nil:
		return unreadable
	case r.refused():
		return errRefused
	}
	return nil
}

// readAll reads all files; the error names those that cannot be read.
func readAll(files []string, stdin io.Reader) ([]input, error) {
	var inputs []input
	var errs []error
	for _, file := range files {
		in, err := readInput(file, stdin)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading a config: %w", err))
			continue
		}
		inputs = append(inputs, in)
	}
	return inputs, errors.Join(errs...)
}

// A report holds the problems of some configs.
type report struct {
	inputs   []input
	problems config.Problems
	strict   bool
	// included returns the text of a document by its name that one of the inputs includes,
	// or nil. It may be nil itself.
	included func(name string) []byte
}

func (r *report) add(in input, problems config.Problems) {
	r.inputs = append(r.inputs, in)
	r.problems = append(r.problems, printableProblems(problems)...)
}

func (r *report) refused() bool {
	isWarning := func(p config.Problem) bool { return p.Severity == config.Warning }
	return r.problems.HasErrors() || r.strict && slices.ContainsFunc(r.problems, isWarning)
}

// text returns the text of the config that an origin names, or nil.
func (r *report) text(source string) []byte {
	for _, in := range r.inputs {
		if in.name == source {
			return in.text
		}
	}
	if r.included != nil {
		return r.included(source)
	}
	return nil
}
