package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
)

// translationOptions are what Butane takes beside the text of a config.
type translationOptions struct {
	filesDir, paramsFile string
	set                  []string // NAME=VALUE
}

func (o *translationOptions) addFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.filesDir, "files-dir", "d", "", "where Butane's local files are")
	f.StringArrayVar(&o.set, "set", nil, "set a parameter, `NAME=VALUE`; may be repeated")
	f.StringVar(&o.paramsFile, "params", "", "YAML `file` with values of parameters")
}

// given returns the first of the flags that is set, or "".
func (o *translationOptions) given() string {
	switch {
	case o.filesDir != "":
		return "--files-dir"
	case len(o.set) > 0:
		return "--set"
	case o.paramsFile != "":
		return "--params"
	}
	return ""
}

// butane returns the options of a translation.
func (o *translationOptions) butane() (butane.Options, error) {
	to := butane.Options{FilesDir: o.filesDir, Params: map[string]butane.ParamValue{}}
	if o.paramsFile != "" {
		text, err := os.ReadFile(o.paramsFile)
		if err != nil {
			return to, fmt.Errorf("reading the values of parameters: %w", err)
		}
		values, err := butane.ReadParams(text, o.paramsFile)
		if err != nil {
			return to, fmt.Errorf("reading the values of parameters: %w", err)
		}
		maps.Copy(to.Params, values)
	}
	for _, pair := range o.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return to, fmt.Errorf("--set %s: there is no value; write --set %s=VALUE", pair, pair)
		}
		to.Params[name] = butane.ParamValue{Text: value, Origin: config.Origin{Source: "--set " + name}}
	}
	return to, nil
}

// applied returns what parses a config that is applied; nil is what a machine does.
func (o *translationOptions) applied(in input) (func(text []byte, name string) (*config.Config, config.Problems, error), error) {
	with, err := o.butane()
	unknown := check.NoParams(with)
	isButane := butane.IsButane(in.text)
	if err != nil || o.given() == "" || !isButane && len(unknown) == 0 {
		return nil, err
	}
	return func(text []byte, name string) (*config.Config, config.Problems, error) {
		if !isButane {
			return nil, unknown, &config.ParseError{Kind: config.ErrInvalid, Problems: unknown}
		}
		result, problems, err := butane.Translate(text, name, with)
		switch {
		case err != nil:
			return nil, problems, err
		case result.MachineConfig: // it is refused
			return butane.Parse(text, name)
		}
		return result.Config, problems, nil
	}, nil
}

// included returns the text of a document that was included, given its name in messages, or
// nil.
func (o *translationOptions) included(name string) []byte {
	inside, err := filepath.Rel(o.filesDir, name)
	if o.filesDir == "" || err != nil || !filepath.IsLocal(inside) {
		return nil
	}
	text, err := fs.ReadFile(os.DirFS(o.filesDir), filepath.ToSlash(inside))
	if err != nil {
		return nil // the message has the line, too
	}
	return text
}

// checkMachine refuses flags where configs are read as a machine reads them.
func (o *translationOptions) checkMachine(with string) error {
	switch given := o.given(); given {
	case "":
		return nil
	case "--files-dir":
		return errors.New(with + " and --files-dir do not go together: machines have no local files; translate the config first")
	default:
		return errors.New(with + " and " + given + " do not go together: machines take the defaults of parameters; translate the config first")
	}
}
