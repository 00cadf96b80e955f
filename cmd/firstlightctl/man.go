//go:build manpages

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/firstlight-os/firstlight/internal/man"
)

// With this build tag the program writes the manual pages of the workstation's programs,
// and what shells complete:
//
//	go run -tags manpages ./cmd/firstlightctl DIR VERSION DATE
func init() { personalities["firstlightctl"] = writeManuals }

func writeManuals(args []string, _ io.Reader, _, stderr io.Writer) int {
	if len(args) != 3 {
		fmt.Fprintln(stderr, "usage: firstlightctl DIR VERSION DATE")
		return exitError
	}
	dir, version, date := args[0], args[1], args[2]
	var errs []error
	for _, p := range commandPages(command()) {
		errs = append(errs, p.Write(filepath.Join(dir, "firstlightctl/man"), version, date))
	}
	for _, p := range []man.Page{butanePage(), ignitionValidatePage()} {
		errs = append(errs, p.Write(filepath.Join(dir, "butane/man"), version, date))
	}
	if err := errors.Join(append(errs, writeCompletions(filepath.Join(dir, "firstlightctl")))...); err != nil {
		fmt.Fprintln(stderr, "firstlightctl:", err)
		return exitError
	}
	return exitOK
}

// commandPages are those of a command and of the commands below it.
func commandPages(c *cobra.Command) []man.Page {
	c.InitDefaultHelpFlag()
	p := man.Page{
		Name: c.CommandPath(), Section: 1, Short: c.Short, Text: c.Long, Flags: pageFlags(c.LocalFlags()),
		Synopsis: []string{strings.TrimSpace(strings.TrimPrefix(c.UseLine(), c.CommandPath()))},
	}
	if p.Text == "" {
		p.Text = c.Short + "."
	}
	for line := range strings.Lines(c.Example) {
		if p.Examples = append(p.Examples, man.Example{Command: strings.TrimSpace(line)}); len(p.Examples) == 1 {
			p.Examples[0].Text = "For example:"
		}
	}
	if c.HasParent() {
		p.SeeAlso = []string{strings.ReplaceAll(c.Parent().CommandPath(), " ", "-") + "(1)"}
	}
	pages := []man.Page{p}
	var verbs strings.Builder
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			below := commandPages(sub)
			fmt.Fprintf(&verbs, "\n  %-10s %s", sub.Name(), sub.Short)
			pages[0].SeeAlso = append(pages[0].SeeAlso, strings.TrimSuffix(below[0].File(), ".1")+"(1)")
			pages = append(pages, below...)
		}
	}
	if verbs.Len() > 0 {
		pages[0].Synopsis = []string{"COMMAND [flags]"}
		pages[0].Text += "\n\nThe commands are" + verbs.String()
	}
	return pages
}

func pageFlags(set *pflag.FlagSet) []man.Flag {
	var all []man.Flag
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		var shown man.Flag
		shown.Value, shown.Usage = pflag.UnquoteUsage(f)
		if f.Shorthand != "" {
			shown.Names = append(shown.Names, "-"+f.Shorthand)
		}
		shown.Names = append(shown.Names, "--"+f.Name)
		if f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			shown.Default = f.DefValue
		}
		all = append(all, shown)
	})
	return all
}

func butanePage() man.Page {
	return man.Page{
		Name: "butane", Section: 1, Short: "translate a Butane config", Synopsis: []string{"[flags] [FILE]"},
		Text: `Butane translates a Butane config in YAML to an Ignition config in JSON, or to a
MachineConfig for OpenShift. Without FILE it is read from standard input. Problems go to
standard error. This is firstlightctl, which behaves like the program of this name.

Exit status:
  0  success, perhaps with warnings
  1  the config was refused, or a file cannot be read or written
  2  wrong usage`,
		Flags: pageFlags(butaneFlags(new(butaneOptions), io.Discard)),
		Examples: []man.Example{
			{Text: "Translate, and refuse what has warnings:", Command: "butane --pretty --strict web1.bu > web1.ign"},
			{Text: "With files of a directory:", Command: "butane -d files web1.bu -o web1.ign"},
		},
		SeeAlso: []string{"firstlightctl-translate(1)", "ignition-validate(1)"},
	}
}

func ignitionValidatePage() man.Page {
	p := man.Page{
		Name: "ignition-validate", Section: 1, Short: "report the problems of an Ignition config", Synopsis: []string{"[-version] FILE"},
		Text: `Ignition-validate prints what is wrong with a config, with the line and the column. A FILE
named - is standard input. This is firstlightctl, which behaves like the program of this
name.

Exit status:
  0  the config is valid, perhaps with warnings
  1  the config was refused, or cannot be read
  2  wrong usage`,
		Examples: []man.Example{{Text: "Before a machine boots with it:", Command: "ignition-validate web1.ign"}},
		SeeAlso:  []string{"firstlightctl-validate(1)", "butane(1)"},
	}
	f, _ := ignitionValidateFlags(io.Discard)
	f.VisitAll(func(f *flag.Flag) {
		p.Flags = append(p.Flags, man.Flag{Names: []string{"-" + f.Name}, Usage: f.Usage})
	})
	return p
}

// writeCompletions writes them where shells look, below the directory that is
// /usr/share when it is installed.
func writeCompletions(dir string) error {
	c := command()
	var errs []error
	for name, write := range map[string]func(string) error{
		"bash-completion/completions/firstlightctl":    func(name string) error { return c.GenBashCompletionFileV2(name, true) },
		"zsh/site-functions/_firstlightctl":            c.GenZshCompletionFile,
		"fish/vendor_completions.d/firstlightctl.fish": func(name string) error { return c.GenFishCompletionFile(name, true) },
	} {
		name = filepath.Join(dir, name)
		errs = append(errs, os.MkdirAll(filepath.Dir(name), 0o755), write(name))
	}
	return errors.Join(errs...)
}
