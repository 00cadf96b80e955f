package check

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// A Result is what there is to know of one config.
type Result struct {
	// Variant is the Butane variant, and empty for JSON. Version is that of the
	// variant, or of the spec. They are as they stand in the text, known or not, also
	// of a text with errors.
	Variant, Version string
	// Butane reports the language; the other one is JSON.
	Butane bool
	// Problems are all that is wrong, and notes about a valid config.
	Problems config.Problems
	// Config is nil if the config is refused.
	Config *config.Config
	// JSON is the config as machines read it, without white space: a Butane config is
	// translated for its variant. It is nil if the config is refused.
	JSON []byte
	// MachineConfig reports whether JSON is one for OpenShift.
	MachineConfig bool

	name  string
	text  []byte
	lines *Lines
}

// Text checks a config, which is not packed; see config.Unpack. Messages call it name.
//
// A Butane config is translated for its own target, so one for OpenShift is valid
// although no machine boots with it directly.
func Text(text []byte, name string, o butane.Options) *Result {
	return checkAs(butane.IsButane(text), text, name, o)
}

// Butane is Text for what is known to be Butane, such as the first word of it that is
// typed into a file of that name.
func Butane(text []byte, name string, o butane.Options) *Result {
	return checkAs(true, text, name, o)
}

func checkAs(isButane bool, text []byte, name string, o butane.Options) *Result {
	r := &Result{name: name, text: text, Butane: isButane}
	var err error
	if r.Butane {
		r.Variant, r.Version = header(variantKey, text), header(versionKey, text)
		err = r.translate(o)
	} else {
		r.Version = header(specVersion, text)
		err = r.parse()
		r.Problems = append(r.Problems, NoParams(o)...)
		if r.Problems.HasErrors() {
			r.Config, r.JSON = nil, nil
		}
	}
	r.Problems = WithError(name, r.Problems, err)
	return r
}

func (r *Result) translate(o butane.Options) error {
	result, problems, err := butane.Translate(r.text, r.name, o)
	r.Problems = problems
	if err != nil {
		return err
	}
	r.Problems = append(r.Problems, result.Notes...)
	r.Config, r.JSON, r.MachineConfig = result.Config, result.JSON, result.MachineConfig
	return nil
}

func (r *Result) parse() (err error) {
	if r.Config, r.Problems, err = config.Parse(r.text, r.name); err != nil {
		return err
	}
	r.Problems = append(r.Problems, config.Notes(r.Config)...)
	var compact bytes.Buffer
	err = json.Compact(&compact, r.text)
	r.JSON = compact.Bytes()
	return err
}

// NoParams has a problem for each parameter that is set for a config in JSON.
func NoParams(o butane.Options) (problems config.Problems) {
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		problems.Add(config.NewProblem(config.RuleParamUnknown, config.Error, o.Params[name].Origin, "a config in JSON has no parameters; they are in the variant firstlight of Butane"))
	}
	return problems
}

// WithError adds err to the problems of a config unless they explain it: an empty
// config has an error without a position.
func WithError(name string, problems config.Problems, err error) config.Problems {
	if err == nil || problems.HasErrors() {
		return problems
	}
	return append(problems, config.NewProblem(config.RuleDocumentEmpty, config.Error, config.Origin{Source: name}, "%v", err))
}

// What names the language of a text, which may be broken everywhere else.
var (
	variantKey  = regexp.MustCompile(`(?m)(?:^|[{,]\s*)["']?variant["']?[ \t]*:[ \t]*["']?([^\s"',}#]+)`)
	versionKey  = regexp.MustCompile(`(?m)(?:^|[{,]\s*)["']?version["']?[ \t]*:[ \t]*["']?([^\s"',}#]+)`)
	specVersion = regexp.MustCompile(`"version"\s*:\s*"([^"\s]*)"`)
)

func header(key *regexp.Regexp, text []byte) string {
	if found := key.FindSubmatch(text); found != nil {
		return string(found[1])
	}
	return ""
}
