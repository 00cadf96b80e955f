package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// A givenFacts has the facts of a machine that is elsewhere, by name, as --fact and the
// output of "firstlightctl facts" give them.
type givenFacts map[string]string

// parseGivenFacts reads NAME=VALUE of --fact.
func parseGivenFacts(given []string) (givenFacts, error) {
	facts := givenFacts{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--fact %s: write NAME=VALUE, such as hostname=web1", text)
		}
		if before, twice := facts[name]; twice {
			return nil, fmt.Errorf("--fact %s is given twice, as %s and %s", name, before, value)
		}
		if _, err := config.FillURL("${fact:"+name+"}", func(string) (string, error) { return value, nil }); err != nil {
			return nil, fmt.Errorf("--fact %s: %w", text, err)
		}
		facts[name] = value
	}
	return facts, nil
}

var errNotGiven = errors.New("it is not known here")

func (g givenFacts) get(name string) (string, error) {
	if value, ok := g[name]; ok {
		return value, nil
	}
	return "", errNotGiven
}

// withFacts makes a config with facts that of the machine that they are of. It is nil if
// that is refused. The error is that of a fact that was not given.
func (m *merger) withFacts(cfg *config.Config) (*config.Config, error) {
	filled, skipped, problems, err := cfg.WithFacts(m.facts.get)
	var missing *config.FactError
	if errors.As(err, &missing) {
		at := missing.Origin
		return nil, fmt.Errorf("%s uses the fact %s, and %w; give it with --fact %s=VALUE", position(at, m.lines.find(at).column), missing.Name, missing.Err, missing.Name)
	}
	m.skipped = append(m.skipped, skipped...)
	m.addNew(problems)
	return filled, nil
}
