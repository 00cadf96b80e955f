package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
)

const translateHelp = `Translate a Butane config in YAML to what machines read: an Ignition config, or
a MachineConfig for OpenShift. An Ignition config is translated to another
version of the spec, by default the newest that is stable; it is refused if that
version cannot say the same. Extensions of Firstlight stay; with --plain they
are refused. A config of spec 2, which is another language, becomes one of the
oldest version that can say the same. What spec 3 cannot say is an error, and
what means something else there is a warning.

The language of FILE is detected by its contents. Without FILE, or with -, it is
standard input. Problems go to standard error. Nothing is written if there is an
error.

` + exitHelp

type translateOptions struct {
	translationOptions
	pretty, strict, check, raw, plain bool
	output, to                        string
}

func translateCommand() *cobra.Command {
	var o translateOptions
	c := &cobra.Command{
		Use:   "translate [flags] [FILE]",
		Short: "Translate Butane to Ignition, or Ignition to another version",
		Long:  translateHelp,
		Example: "  firstlightctl translate --pretty --strict -d files web1.bu -o web1.ign\n" +
			"  firstlightctl translate --to 3.4.0 web1.ign",
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) > 1 {
				return errors.New("more than one FILE is given; translate them one by one")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			return translate(append(files, "-")[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.pretty, "pretty", "p", false, "indent the JSON")
	f.BoolVarP(&o.strict, "strict", "s", false, "refuse configs with warnings too")
	f.BoolVarP(&o.check, "check", "c", false, "write nothing")
	f.BoolVarP(&o.raw, "raw", "r", false, "for OpenShift: no MachineConfig around it")
	f.BoolVar(&o.plain, "plain", false, "refuse extensions of Firstlight, naming each")
	f.StringVarP(&o.output, "output", "o", "", "write to this `file`")
	o.addFlags(f)
	f.StringVar(&o.to, "to", "", "the version of the spec")
	return c
}

func translate(file string, o translateOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	to, err := lookupVersion(o.to)
	if err != nil {
		return err
	}
	sources, err := o.butane()
	if err != nil {
		return err
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	result, problems, err := translateTo(in, o, sources, to)
	r := &report{strict: o.strict, included: o.included}
	r.add(in, check.WithError(in.name, problems, err))
	if err := printText(stderr, r); err != nil {
		return err
	}
	switch {
	case r.refused():
		return errRefused
	case o.check:
		return nil
	}
	text, err := check.Render(result.JSON, result.MachineConfig, o.pretty)
	if err != nil {
		return err
	}
	if err := writeOutput(o.output, text, stdout); err != nil {
		return fmt.Errorf("writing the translated config: %w", err)
	}
	return nil
}

// translateTo translates Butane to Ignition, and either to another version.
func translateTo(in input, o translateOptions, sources butane.Options, to config.Version) (*butane.Result, config.Problems, error) {
	if !butane.IsButane(in.text) {
		if problems := check.NoParams(sources); len(problems) > 0 {
			return nil, problems, nil
		}
		cfg, problems, err := config.Parse(in.text, in.name)
		switch {
		case errors.Is(err, config.ErrSpec2):
			return translateSpec2(in, o, to)
		case err != nil:
			return nil, problems, err
		}
		if problems = append(problems, o.extensions(cfg)...); problems.HasErrors() {
			return nil, problems, nil
		}
		result, problems := printAs(cfg, problems, to)
		return result, problems, nil
	}
	sources.Raw = o.raw
	result, problems, err := butane.Translate(in.text, in.name, sources)
	if err != nil {
		return nil, problems, err
	}
	if problems = append(problems, o.extensions(result.Config)...); problems.HasErrors() {
		return nil, problems, nil
	}
	if o.to == "" {
		return result, problems, nil
	}
	if result.MachineConfig {
		return nil, append(problems, config.NewProblem(config.RuleTranslationLoss, config.Error, config.Origin{Source: in.name},
			"the version in a MachineConfig belongs to the release of OpenShift; use --raw, or remove --to")), nil
	}
	// Nobody knows the lines of the generated text.
	cfg, more, err := config.Parse(result.JSON, in.name+", translated")
	if err != nil {
		return nil, append(problems, more...), err
	}
	result, more = printAs(cfg, more, to)
	for _, p := range more {
		p.Origin.Line, p.Origin.Column, p.Origin.Source = 0, 0, in.name
		problems = append(problems, p)
	}
	return result, problems, nil
}

// extensions are those of a config, as problems, if it has to be plain.
func (o *translateOptions) extensions(cfg *config.Config) config.Problems {
	var refusal *config.ParseError
	if !o.plain || !errors.As(cfg.CheckPlain(), &refusal) {
		return nil
	}
	return refusal.Problems
}

// lookupVersion returns a version by name; "" is the newest stable one.
func lookupVersion(name string) (config.Version, error) {
	if name == "" {
		return config.Stable, nil
	}
	return config.ParseVersion(name)
}

// printAs prints a config, which has the given problems, in another version of the
// spec. There is no result if that cannot say the same.
func printAs(cfg *config.Config, problems config.Problems, to config.Version) (*butane.Result, config.Problems) {
	_, text, more := check.Translated(cfg, to)
	if more.HasErrors() {
		return nil, append(problems, more...)
	}
	return &butane.Result{JSON: text}, problems
}
