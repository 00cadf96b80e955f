package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Exit statuses of butane.
const (
	butaneFailed = 1
	butaneUsage  = 2
)

const butaneHelp = `Usage: butane [flags] [FILE]

Translate a Butane config. Without FILE it is read from standard input.
`

type butaneOptions struct {
	help, version      bool
	pretty, check, raw bool
	strict, rawErrors  bool
	debug, separator   bool
	filesDir           string
	input, output      string
	colour             string
}

func butaneFlags(o *butaneOptions, stderr io.Writer) *pflag.FlagSet {
	f := pflag.NewFlagSet("butane", pflag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {} // when to print it is decided here
	f.SortFlags = false
	f.BoolVarP(&o.help, "help", "h", false, "print this and exit")
	f.BoolVarP(&o.version, "version", "V", false, "print the version and exit")
	f.BoolVarP(&o.check, "check", "c", false, "translate but write nothing")
	f.BoolVarP(&o.strict, "strict", "s", false, "fail if there is any warning")
	f.BoolVarP(&o.pretty, "pretty", "p", false, "indent the JSON")
	f.BoolVarP(&o.raw, "raw", "r", false, "never wrap the config in a MachineConfig")
	f.BoolVar(&o.separator, "yaml-doc-separator", false, "start a MachineConfig with a line ---")
	f.StringVarP(&o.output, "output", "o", "", "write to this `file`, not to standard output")
	f.StringVarP(&o.filesDir, "files-dir", "d", "", "read local files below this `directory`")
	f.BoolVar(&o.rawErrors, "raw-errors", false, "report each problem in one line")
	f.StringVar(&o.colour, "color", "auto", "colour reports: always, never, auto")
	f.StringVar(&o.colour, "colour", "auto", "")
	f.BoolVarP(&o.debug, "debug", "D", false, "accepted, without effect")
	f.StringVar(&o.input, "input", "", "")
	f.Lookup("color").NoOptDefVal = "always"
	f.Lookup("colour").NoOptDefVal = "always"
	_ = f.MarkHidden("colour")
	_ = f.MarkHidden("debug")
	_ = f.MarkDeprecated("input", "name the file without a flag")
	return f
}

// butaneProgram behaves like the reference's butane: same flags, order of steps,
// form of reports and exit statuses. Everything but the translation goes to
// standard error. A file named - is a file.
func butaneProgram(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o butaneOptions
	f := butaneFlags(&o, stderr)
	usage := func(w io.Writer) {
		fmt.Fprintf(w, "%s\n%s\n", butaneHelp, strings.TrimRight(f.FlagUsagesWrapped(80), "\n"))
	}
	if err := f.Parse(args); err != nil {
		fmt.Fprintln(stderr, printable(err.Error()))
		usage(stderr)
		return butaneUsage
	}
	switch {
	case f.NArg() > 1 || f.NArg() == 1 && o.input != "":
		usage(stderr)
		return butaneUsage
	case o.help:
		usage(stdout)
		return exitOK
	case o.version:
		fmt.Fprintf(stdout, "Butane %s\n", system.Version)
		return exitOK
	case f.NArg() == 1:
		o.input = f.Arg(0)
	}
	return o.run(stdin, stdout, stderr)
}

func (o *butaneOptions) run(stdin io.Reader, stdout, stderr io.Writer) int {
	in, err := o.read(stdin)
	if err != nil {
		fmt.Fprintln(stderr, "Error reading the config:", printable(err.Error()))
		return butaneFailed
	}
	result, problems, err := butane.Translate(in.text, in.name, butane.Options{FilesDir: o.filesDir, Raw: o.raw, Plain: true})
	if !errors.Is(err, butane.ErrDocument) {
		io.WriteString(stderr, o.report(in, problems, stderr))
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "Error translating config:", printable(butaneRefusal(err)))
		return butaneFailed
	case o.strict && len(problems) > 0:
		fmt.Fprintln(stderr, "The config has warnings, which --strict refuses.")
		return butaneFailed
	case o.check:
		return exitOK
	}
	text, err := check.Render(result.JSON, result.MachineConfig, o.pretty)
	if o.separator && result.MachineConfig {
		text = append([]byte("---\n"), text...)
	}
	if err == nil {
		err = writeOutput(o.output, text, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "Error writing the translated config:", printable(err.Error()))
		return butaneFailed
	}
	return exitOK
}

func (o *butaneOptions) read(stdin io.Reader) (input, error) {
	if o.input == "" {
		return readInput("-", stdin)
	}
	text, err := os.ReadFile(o.input)
	return newInput(o.input, text), err
}

// butaneRefusal is the reason in the last line. Problems of the source or the
// generated config have been reported before.
func butaneRefusal(err error) string {
	switch {
	case errors.Is(err, butane.ErrSource):
		return "the source config is not valid"
	case errors.Is(err, butane.ErrGenerated):
		return "the generated config is not valid"
	}
	return err.Error()
}

func (o *butaneOptions) report(in input, problems config.Problems, stderr io.Writer) string {
	r := &report{inputs: []input{in}}
	problems = printableProblems(problems)
	if o.rawErrors {
		return butaneLines(r, problems)
	}
	var color colorizer
	switch o.colour {
	case "always", "yes":
		color = true
	case "auto":
		color = colorizer(wantsColor(stderr))
	}
	return butanePretty(r, problems, color)
}
