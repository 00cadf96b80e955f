package stages

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// useFacts has the facts of this boot be those that earlier stages have asked for.
func (p *process) useFacts() {
	if p.state.Facts == nil {
		p.state.Facts = map[string]string{}
	}
	p.env.Facts = &providers.Facts{Known: p.state.Facts, Answers: p.beside(path.Base(providers.AnswersDir))}
}

// withFacts makes a config that uses facts the one of this machine.
func (p *process) withFacts(ctx context.Context, cfg *config.Config) (*config.Config, config.Problems, error) {
	filled, skipped, problems, err := cfg.WithFacts(func(name string) (string, error) {
		if p.env == nil {
			return "", &report.Error{Err: errors.New("there are facts in a boot only"), Hint: "use a config without facts here, such as /run/ignition.json of the machine"}
		}
		value, err := p.env.Facts.Get(ctx, p.env, name)
		p.sums = append(p.sums, name+"="+value+"\n"...) // with other facts it is another config
		return value, err
	})
	var missing *config.FactError
	if errors.As(err, &missing) && !errors.Is(err, fetch.ErrNeedNetwork) {
		err = &report.Error{Doing: fmt.Sprintf("learning the fact %q", missing.Name), Origin: missing.Origin, Err: missing.Err, Hint: "see docs/extensions/facts.md for what values of facts can have"}
	}
	for _, s := range skipped {
		s.Entry = system.PrintableLine(s.Entry)
		p.log.Info("skipped " + s.String())
		p.skipped = append(p.skipped, report.Skipped{Origin: s.Origin, Name: s.Entry, Fact: s.Fact, Pattern: s.Pattern, Value: s.Value})
	}
	return filled, problems, err
}
