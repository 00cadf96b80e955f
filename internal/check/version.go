package check

import (
	"errors"
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
)

// To returns what there is to know of the config in another version of the spec, which
// has problems if that cannot say the same. A config that is refused stays as it is.
func (r *Result) To(v config.Version) *Result {
	if r.Config == nil {
		return r
	}
	to := *r
	to.Config, to.JSON = nil, nil
	to.Problems = slices.Clone(r.Problems)
	if r.MachineConfig {
		to.Problems = append(to.Problems, config.NewProblem(config.RuleTranslationLoss, config.Error, config.Origin{Source: r.name},
			"the version in a MachineConfig belongs to the release of OpenShift"))
		return &to
	}
	var more config.Problems
	to.Config, to.JSON, more = Translated(r.Config, v)
	to.Problems = append(to.Problems, more...)
	return &to
}

// Translated returns a config in another version of the spec, and as JSON. If that cannot
// say the same there are problems instead.
func Translated(c *config.Config, v config.Version) (*config.Config, []byte, config.Problems) {
	translated, err := c.TranslateTo(v)
	var text []byte
	if err == nil {
		text, err = translated.MarshalJSON()
	}
	var refusal *config.ParseError
	if !errors.As(err, &refusal) {
		return translated, text, nil
	}
	problems := slices.Clone(refusal.Problems)
	for i := range problems {
		problems[i].Message = fmt.Sprintf("translated to version %s: %s", v, problems[i].Message)
	}
	return nil, nil, problems
}
