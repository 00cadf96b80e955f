package butane

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// Options of a translation.
type Options struct {
	// FilesDir is the directory below which local files are read, if Files is nil.
	// Without either a document must not refer to local files.
	FilesDir string
	// Files has the local files. Links in its trees are copied as links if it is an
	// fs.ReadLinkFS.
	Files fs.FS
	// Raw asks for the config itself instead of OpenShift's MachineConfig.
	Raw bool
	// Plain refuses the variant firstlight, which other programs do not know.
	Plain bool
	// Params are values of parameters by their names. All of them have to be declared.
	Params map[string]ParamValue
	// shared is the composition that takes the parameters which are declared, if it is not
	// nil. Then one that is not declared is no error.
	shared *composition
}

// A Result is a translated document.
type Result struct {
	// JSON is compact: a config of the spec version that the dialect is translated
	// to, or a MachineConfig.
	JSON []byte
	// MachineConfig reports which. MachineConfigs are customarily printed as YAML.
	MachineConfig bool
	// Config is the same config as types, without the MachineConfig around it. Its values
	// have their places in the document.
	Config *config.Config
	// Notes is what config.Notes says of the result, at its places in the document.
	Notes config.Problems
}

// The ways in which Translate can refuse a document, as the Kind of a
// *config.ParseError. All of them are config.ErrInvalid, too.
var (
	// ErrDocument: the text is not YAML, its variant or version is missing, or
	// values have wrong types.
	ErrDocument = fmt.Errorf("%w: it is not a Butane config", config.ErrInvalid)
	// ErrSource: the document breaks a rule of Butane.
	ErrSource = fmt.Errorf("%w: it breaks a rule of Butane", config.ErrInvalid)
	// ErrGenerated: the translated config breaks a rule of the spec.
	ErrGenerated = fmt.Errorf("%w: it breaks a rule of the spec", config.ErrInvalid)
)

// Translate translates a document for its variant. Messages call it name. The
// problems are complete whether the document is refused or not; the error, if
// any, is a *config.ParseError of one of the kinds above.
func Translate(text []byte, name string, o Options) (*Result, config.Problems, error) {
	if o.Files == nil && o.FilesDir != "" {
		o.Files = os.DirFS(o.FilesDir)
	}
	t, err := translate(text, name, o, newWorkstation())
	if err != nil {
		return nil, t.problems, err
	}
	if o.Plain && t.Variant == firstlight {
		refusal := refuse(config.NewProblem(config.RuleVariantUnknown, config.Error, t.document.Member("variant").Origin(),
			"the variant firstlight is one of Firstlight, which Butane does not know; translate it with \"firstlightctl translate\""))
		return nil, refusal.Problems, refusal
	}
	result := &Result{MachineConfig: t.Variant == openshift && !o.Raw}
	if t.failure == nil { // checking changes the tree
		result.JSON = t.output().AppendJSON(nil)
	}
	cfg, problems, err := t.finished()
	if err != nil {
		return nil, problems, err
	}
	if len(t.documents) > 1 {
		if result.JSON, err = cfg.MarshalJSON(); err != nil {
			return nil, problems, err
		}
	}
	result.Config, result.Notes = cfg, config.Notes(cfg)
	return result, problems, nil
}

func (t *translation) output() *doc.Node {
	if t.Variant == openshift && !t.Raw {
		return t.machineConfig()
	}
	return t.result
}

// Parse parses a document on the machine itself, as config.Parse does. There are
// no local files, and the variant openshift is refused, because a MachineConfig
// is not for machines.
func Parse(text []byte, name string) (*config.Config, config.Problems, error) {
	t, err := translate(text, name, Options{}, nil)
	if err != nil {
		return nil, t.problems, err
	}
	if t.Variant == openshift {
		t.step(t.refuseMachineConfig, ErrSource)
	}
	return t.finished()
}

func (t *translation) refuseMachineConfig() {
	t.error(config.RuleOpenShiftMachine, t.document.Member("variant").Origin(), "the variant openshift makes a MachineConfig, for the Machine Config Operator and not for a machine; "+
		"translate it with butane --raw and give the machine the result, or use another variant")
}

// ParseAny parses a config in either language, as config.Parse does.
func ParseAny(text []byte, name string) (*config.Config, config.Problems, error) {
	if IsButane(text) {
		return Parse(text, name)
	}
	return config.Parse(text, name)
}

// hasBlockKey reports whether a text has a line at the left margin that only Butane has.
func hasBlockKey(text []byte) bool {
	for _, name := range []string{"variant", "ignition", "storage", "systemd", "passwd"} {
		for before, after := range doc.Keys(doc.Shared(text), name, " \t") {
			line, _, _ := strings.Cut(after, "\n")
			value := strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t")
			if doc.AtMargin(before) && (name == "variant" || value == "" || value[0] == '#') {
				return true
			}
		}
	}
	return false
}

// hasVariantInBraces reports whether a text has the key in flow style.
func hasVariantInBraces(text []byte) bool {
	for before := range doc.Keys(doc.Shared(text), "variant", " \t\n\f\r") {
		if doc.AtMargin(strings.TrimRight(before, " \t\f\r")) || doc.InBraces(before) {
			return true
		}
	}
	return false
}

// IsButane reports whether a text is meant to be Butane rather than the spec's
// JSON, even if it has errors. JSON is YAML, too: a document with variant but
// without ignition.version is Butane.
func IsButane(text []byte) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	if len(start) == 0 {
		return false
	}
	if start[0] != '{' {
		return hasBlockKey(start)
	}
	if !hasVariantInBraces(text) {
		return false
	}
	root, err := doc.ReadJSON(text, &doc.Source{})
	return err != nil || root.Member("variant") != nil && root.Member("ignition").Member("version") == nil
}

// yamlValue is how many values in JSON one in YAML counts as: the nodes of YAML are there
// beside those of the config.
const yamlValue = 2

// Size is config.Size for a text in either language.
func Size(text []byte) int {
	start := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	if len(start) == 0 {
		return len(text)
	}
	if start[0] == '{' {
		size := config.Size(text)
		if hasVariantInBraces(text) {
			size = max(size, yamlSize(text))
		}
		return size
	}
	if hasBlockKey(start) {
		return yamlSize(text)
	}
	return config.Size(text)
}

// yamlSize counts whatever can be before a value; in texts this is more than there is.
func yamlSize(text []byte) int {
	values := 1
	for _, c := range text {
		switch c {
		case '\n', ',', ':', '-', '?', '[', '{':
			values++
		}
	}
	return len(text) + yamlValue*config.ValueSize*values
}

// A translation is that of one document.
type translation struct {
	*Dialect
	Options
	*composition
	decoder    *decoder  // of the document; nil if that is JSON
	document   *doc.Node // as it was read; it never changes
	result     *doc.Node // the config of the spec that is built from it
	bootDevice BootDevice
	// brokenBootDevice reports whether bootDevice has errors, so that there is nothing
	// that it stands for.
	brokenBootDevice bool
	parent           *translation   // that has included this one first
	path             string         // in Files; "" is that of the document that was given
	included         []*translation // directly, in their order
	json             Document       // the document if it is JSON
	escapesFacts     bool           // see keepTexts
	problems         config.Problems
	failure          error        // the kind of the first step that has found errors
	workstation      *workstation // nil on a machine
}

// A workstation is what Translate can do, and a machine need not: so the agent has none
// of it.
type workstation struct {
	// compress is gzip. A machine would only have to decompress again.
	compress func([]byte) []byte
	// readLocal and copyTrees read local files, if there are Files.
	readLocal func(t *translation, named *doc.Node) ([]byte, bool)
	copyTrees func(t *translation)
	// include opens what a document includes.
	include func(t *translation)
	// checkParams checks that all parameters are declared that are set.
	checkParams func(c *composition, o Options)
	// merge merges documents that include each other.
	merge func(documents []*translation) (*config.Config, config.Problems, error)
}

func newWorkstation() *workstation {
	return &workstation{gzipCompressor(), (*translation).readLocal, (*translation).copyTrees, (*translation).include, (*composition).checkSet, mergeIncluded}
}

// translate runs all steps but the last one, which is finished.
func translate(text []byte, name string, o Options, w *workstation) (*translation, error) {
	t := &translation{Options: o, composition: &composition{}, workstation: w}
	if len(text) == 0 {
		return t, &config.ParseError{Kind: config.ErrEmpty}
	}
	if err := t.open(text, name); err != nil {
		return t, err
	}
	t.settle(o)
	if w != nil {
		w.checkParams(t.composition, o)
	}
	for _, d := range t.documents {
		if err := d.run(); err != nil {
			return d, err
		}
	}
	return t, nil
}

// open reads the head of a document, and those that it includes, which come before it in
// the order of the composition.
func (t *translation) open(text []byte, name string) (err error) {
	t.decoder, err = open(text, name)
	t.problems = t.decoder.problems
	if err != nil {
		return err
	}
	t.Dialect, t.document = t.decoder.dialect, t.decoder.root
	t.openIncluded()
	t.documents = append(t.documents, t)
	return nil
}

// run runs the steps of one document. Each runs whatever those before have found, so that
// all errors are told at once.
func (t *translation) run() error {
	if t.decoder == nil {
		return nil // JSON is read where it is merged
	}
	t.decoder.problems = t.problems
	t.decoder.parameter = t.parameter
	err := t.decoder.read()
	t.problems = t.decoder.problems
	if err != nil {
		return err
	}
	if t.problems.HasErrors() {
		t.failure = ErrDocument
	}
	for _, run := range []func(){t.checkDocument, t.desugar, t.checkForbidden, t.advise} {
		t.step(run, ErrSource)
	}
	return nil
}

// finished returns the config of a document, with what it includes. The error is that of
// the first step that has failed.
func (t *translation) finished() (cfg *config.Config, problems config.Problems, err error) {
	if len(t.documents) > 1 {
		cfg, problems, err = t.workstation.merge(t.documents)
	} else {
		cfg, err = t.check()
		problems = t.problems
	}
	problems = t.withParameters(append(slices.Clip(t.composition.problems), problems...))
	switch refusal := new(config.ParseError); {
	case errors.As(err, &refusal):
		return nil, problems, &config.ParseError{Kind: refusal.Kind, Problems: problems}
	case err == nil && problems.HasErrors():
		return nil, problems, &config.ParseError{Kind: ErrSource, Problems: problems}
	}
	return cfg, problems, err
}

// check applies the rules of the spec, and makes the typed config. The error is that
// of the first step that has failed.
func (t *translation) check() (cfg *config.Config, err error) {
	t.step(func() {
		var problems config.Problems
		cfg, problems, err = config.FromTree(t.result)
		t.problems = append(t.problems, problems...)
	}, ErrGenerated)
	if t.failure != nil {
		return nil, &config.ParseError{Kind: t.failure, Problems: t.problems}
	}
	return cfg, err
}

// step runs a step, whose errors are of a kind.
func (t *translation) step(run func(), kind error) {
	before := t.problems
	t.problems = nil
	run()
	t.problems = append(before, unrelated(t.problems, before)...)
	if t.failure == nil && t.problems.HasErrors() {
		t.failure = kind
	}
}

// unrelated returns those of some problems that do not follow from errors before: of
// what is wrong, only errors of other values are worth saying. Nor is a value warned of
// again.
func unrelated(problems, before config.Problems) config.Problems {
	severity := map[string]config.Severity{}
	for _, p := range before {
		if p.Origin.Path != "" { // of the document as a whole there may be more to say
			severity[p.Origin.Path] = max(severity[p.Origin.Path], p.Severity)
		}
	}
	failed := before.HasErrors()
	return slices.DeleteFunc(problems, func(p config.Problem) bool {
		worst, said := severity[p.Origin.Path]
		if p.Severity == config.Error {
			return worst == config.Error
		}
		return failed || said
	})
}

func (t *translation) error(r config.Rule, at config.Origin, format string, args ...any) {
	t.problems.Add(config.NewProblem(r, config.Error, at, format, args...))
}

func (t *translation) warn(r config.Rule, at config.Origin, format string, args ...any) {
	t.problems.Add(config.NewProblem(r, config.Warning, at, format, args...))
}

// refuse is the refusal of a document that nothing can be made of.
func refuse(p config.Problem) *config.ParseError {
	return &config.ParseError{Kind: ErrDocument, Problems: config.Problems{p}}
}
