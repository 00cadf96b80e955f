package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ignitionValidate behaves like the reference's ignition-validate: same flags,
// output and exit statuses. Problems of the config go to standard output; a
// missing or unknown version and an unreadable file are reported on standard
// error. Like the agent it accepts Butane, without local files.
func ignitionValidate(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, version := ignitionValidateFlags(stderr)
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if *version {
		fmt.Fprintf(stdout, "Ignition %s (Firstlight %s)\n", system.Reference, system.Version)
		return 0
	}
	if f.NArg() != 1 {
		f.Usage()
		return 1
	}
	text, err := read(f.Arg(0), stdin)
	if err != nil {
		fmt.Fprintln(stderr, "couldn't read config:", printable(err.Error()))
		return 1
	}
	in := newInput(f.Arg(0), text)
	_, problems, err := butane.ParseAny(in.text, in.name)
	if err != nil && !errors.Is(err, config.ErrInvalid) {
		fmt.Fprintln(stderr, "couldn't parse config:", printable(err.Error()))
		return 1
	}
	for _, p := range printableProblems(problems) {
		io.WriteString(stdout, reportLine(p, p.Origin.Column))
	}
	if err != nil {
		return 1
	}
	return 0
}

func ignitionValidateFlags(stderr io.Writer) (f *flag.FlagSet, version *bool) {
	f = flag.NewFlagSet("ignition-validate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprintln(stderr, "Usage: ignition-validate [-version] FILE (- is standard input)") }
	return f, f.Bool("version", false, "print the version and exit")
}
