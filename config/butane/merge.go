package butane

import (
	"errors"
	"slices"

	"github.com/firstlight-os/firstlight/config"
)

// A Document is one config, in Butane or in JSON.
type Document struct {
	// Name says in messages which document this is.
	Name string
	// Text is the document, plain; see config.Unpack.
	Text []byte
}

// Merge translates documents and merges each over those before it, as config.Merge does:
// a config and its snippets. Variants and versions may differ; the result has the highest
// version of the spec that one of them is translated to. It is checked by the rules of
// that version, as two valid documents can be wrong together. A document of the variant
// openshift counts as the config itself, as with Options.Raw.
//
// The problems are those of all documents and of the result, complete whether something is
// refused or not. The error, if any, is a *config.ParseError of the kind of the first one.
func Merge(o Options, documents ...Document) (*config.Config, config.Problems, error) {
	all := new(composition)
	o.Raw, o.shared = true, all
	var merged *config.Config
	var problems config.Problems
	var failure error
	for _, d := range documents {
		cfg, found, err := parseDocument(o, d)
		if refusal := new(config.ParseError); errors.As(err, &refusal) {
			if found == nil {
				found = config.Problems{config.NewProblem(config.RuleDocumentEmpty, config.Error, config.Origin{Source: d.Name}, "%v", err)}
			}
			if failure == nil {
				failure = refusal.Kind
			}
		} else if merged == nil {
			merged = cfg
		} else {
			merged = config.Merge(merged, cfg)
		}
		problems = append(problems, found...)
	}
	o.shared = nil
	if all.checkSet(o); len(all.problems) > 0 && failure == nil {
		problems, failure = append(problems, all.problems...), ErrSource
	}
	if failure == nil && merged != nil && len(documents) > 1 {
		for _, p := range merged.Validate() {
			if !slices.Contains(problems, p) {
				problems = append(problems, p)
			}
		}
		if problems.HasErrors() {
			failure = config.ErrInvalid
		}
	}
	switch {
	case failure != nil:
		return nil, problems, &config.ParseError{Kind: failure, Problems: problems}
	case merged == nil:
		return nil, nil, &config.ParseError{Kind: config.ErrEmpty}
	}
	return merged, problems, nil
}

func parseDocument(o Options, d Document) (*config.Config, config.Problems, error) {
	if !IsButane(d.Text) {
		return config.Parse(d.Text, d.Name)
	}
	result, problems, err := Translate(d.Text, d.Name, o)
	if err != nil {
		return nil, problems, err
	}
	return result.Config, problems, nil
}
