// Package butane reads configs in Butane, a language in YAML that is easier to
// write than the spec's JSON and has some sugar of its own.
//
// A document is read into the same trees as the spec's JSON, under the spec's
// names, so that rules, merging and origins are those of package config: what
// is wrong is reported at its line in the YAML. What the spec does not have is
// turned into what it has, and then forgotten.
package butane

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"regexp"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// Options of a translation.
type Options struct {
	// FilesDir is the directory below which local files are read. Empty, there
	// are none.
	FilesDir string
	// Raw asks for the config itself instead of OpenShift's MachineConfig.
	Raw bool
}

// A Result is what a document means.
type Result struct {
	// JSON is compact: a config of the version of the spec that the dialect
	// stands for, or a MachineConfig.
	JSON []byte
	// MachineConfig tells which. They are customarily printed as YAML.
	MachineConfig bool
}

// The ways in which Translate can refuse a document, as the Kind of a
// *config.ParseError. All of them are config.ErrInvalid, too.
var (
	// ErrDocument is for what is not YAML, does not say its variant and version
	// or has values of wrong types.
	ErrDocument = fmt.Errorf("%w: it is not a Butane config", config.ErrInvalid)
	// ErrSource is for what breaks a rule of Butane.
	ErrSource = fmt.Errorf("%w: it breaks a rule of Butane", config.ErrInvalid)
	// ErrGenerated is for what breaks a rule of the spec.
	ErrGenerated = fmt.Errorf("%w: it breaks a rule of the spec", config.ErrInvalid)
)

// Translate turns a document into what its variant is for. The name says in
// messages which document this is. The problems are complete whether it is
// refused or not; the error, if any, is a *config.ParseError of one of the
// kinds above.
func Translate(text []byte, name string, o Options) (*Result, config.Problems, error) {
	t, err := translate(text, name, o)
	if err != nil {
		return nil, t.problems, err
	}
	result := &Result{JSON: t.root.AppendJSON(nil)}
	if t.Variant == openshift && !o.Raw {
		result = &Result{t.machineConfig().AppendJSON(nil), true}
	}
	if _, err := t.check(); err != nil {
		return nil, t.problems, err
	}
	return result, t.problems, nil
}

// Parse reads a document for the machine itself. It is like config.Parse. There
// are no local files, and OpenShift's variant is refused, because what it makes
// is not for machines.
func Parse(text []byte, name string) (*config.Config, config.Problems, error) {
	t, err := translate(text, name, Options{})
	if err == nil && t.Variant == openshift {
		t.error(t.source.Member("variant").Origin(), "the variant openshift makes a MachineConfig, for the Machine Config Operator and not for a machine; "+
			"translate it with butane --raw and give the machine the result, or use another variant")
		err = t.refuse(ErrSource)
	}
	if err != nil {
		return nil, t.problems, err
	}
	cfg, err := t.check()
	return cfg, t.problems, err
}

// ParseAny reads a config in either language. It is like config.Parse.
func ParseAny(text []byte, name string) (*config.Config, config.Problems, error) {
	if IsButane(text) {
		return Parse(text, name)
	}
	return config.Parse(text, name)
}

// Lines at the left margin that only Butane has, and a key in flow style.
var (
	blockKey = regexp.MustCompile(`(?m)^(["']?variant["']?[ \t]*:|["']?(ignition|storage|systemd|passwd)["']?[ \t]*:[ \t]*(#.*)?\r?$)`)
	flowKey  = regexp.MustCompile(`(?m)(^|[{,])\s*["']?variant["']?\s*:`)
)

// IsButane tells by its looks whether a text is meant to be Butane rather than
// the spec's JSON, even if it is wrong. JSON is YAML, too: what says variant but
// not ignition.version at its root is Butane.
func IsButane(text []byte) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	if len(start) == 0 {
		return false
	}
	if start[0] != '{' {
		return blockKey.Match(start)
	}
	if !bytes.Contains(text, []byte("variant")) || !flowKey.Match(text) {
		return false
	}
	root, err := doc.ReadJSON(text, &doc.Source{})
	return err != nil || root.Member("variant") != nil && root.Member("ignition").Member("version") == nil
}

// A translation is one run of Translate, or of Parse.
type translation struct {
	*Dialect
	Options
	source   *doc.Node // the document
	root     *doc.Node // what has become of it, in the spec's terms
	problems config.Problems
	zip      *gzip.Writer // for one resource after the other
}

func translate(text []byte, name string, o Options) (*translation, error) {
	t := &translation{Options: o}
	if len(text) == 0 {
		return t, &config.ParseError{Kind: config.ErrEmpty}
	}
	d, err := decode(text, name)
	t.problems = d.problems
	if err != nil {
		return t, err
	}
	t.Dialect, t.source = d.dialect, d.root
	for _, step := range []func(){t.checkSource, t.desugar, t.checkForbidden} {
		step()
		if t.problems.HasErrors() {
			return t, t.refuse(ErrSource)
		}
	}
	return t, nil
}

// check applies the rules of the spec, and makes the typed config.
func (t *translation) check() (*config.Config, error) {
	cfg, problems, err := config.FromTree(t.root)
	t.problems = append(t.problems, problems...)
	if err != nil {
		return nil, t.refuse(ErrGenerated)
	}
	return cfg, nil
}

func (t *translation) refuse(kind error) error {
	return &config.ParseError{Kind: kind, Problems: t.problems}
}

func (t *translation) error(at config.Origin, format string, args ...any) {
	t.problems = append(t.problems, config.Problem{Severity: config.Error, Origin: at, Message: fmt.Sprintf(format, args...)})
}

func (t *translation) warn(at config.Origin, format string, args ...any) {
	t.problems = append(t.problems, config.Problem{Severity: config.Warning, Origin: at, Message: fmt.Sprintf(format, args...)})
}

// asDocument makes a refusal of an error of a reader.
func asDocument(err error) *config.ParseError {
	var refusal *config.ParseError
	if !errors.As(err, &refusal) {
		refusal = config.SyntaxError(err)
	}
	return &config.ParseError{Kind: ErrDocument, Problems: refusal.Problems}
}
