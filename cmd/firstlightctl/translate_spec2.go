package main

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/config/spec2"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/fetch"
)

// translateSpec2 translates a config of spec 2, with those in its data URLs; without
// --to to the oldest version that can say the same.
func translateSpec2(in input, o translateOptions, to config.Version) (*butane.Result, config.Problems, error) {
	cfg, problems, err := spec2.Parse(in.text, in.name)
	if err != nil {
		return nil, problems, err
	}
	references := &cfg.Ignition.Config
	for i := range references.Merge {
		problems = append(problems, translateReference(&references.Merge[i], o, to)...)
		problems = append(problems, config.NewProblem(config.RuleSpec2Reference, config.Warning, references.Merge[i].Origin(),
			"where both configs have an item of the same path, name or device, spec 3 merges the two; spec 2 has one after the other"))
	}
	problems = append(problems, translateReference(&references.Replace, o, to)...)
	if problems.HasErrors() {
		return nil, problems, nil
	}
	if o.to == "" {
		for _, v := range config.Versions() {
			if result, _ := printAs(cfg, nil, v); result != nil {
				return result, problems, nil
			}
		}
	}
	result, problems := printAs(cfg, problems, to)
	return result, problems, nil
}

// translateReference translates the config in a data URL, and warns about one that is
// elsewhere. The problems are at the URL.
func translateReference(ref *config.Resource, o translateOptions, to config.Version) config.Problems {
	report := func(r config.Rule, s config.Severity, format string, args ...any) config.Problems {
		return config.Problems{config.NewProblem(r, s, ref.Origin("source"), format, args...)}
	}
	source := config.ValueOr(ref.Source, "")
	switch {
	case source == "":
		return nil
	case config.IsRemote(source):
		return report(config.RuleSpec2Reference, config.Warning, "translate the config that this leads to, too")
	}
	text, err := fetch.New(nil, 0).Bytes(context.Background(), *ref, config.CurrentLimit())
	if err != nil {
		return report(config.RuleReferenceUnreadable, config.Error, "%v", err)
	}
	in := newInput("the data URL", text)
	if _, _, err := config.Parse(in.text, in.name); !errors.Is(err, config.ErrSpec2) {
		return nil // its language is not ours
	}
	result, inside, err := translateSpec2(in, o, to)
	var problems config.Problems
	for _, p := range check.WithError("", inside, err) {
		problems = append(problems, report(p.Rule, p.Severity, "%s: %s", p.Origin, p.Message)...)
	}
	if result != nil {
		inline := "data:;base64," + base64.StdEncoding.EncodeToString(result.JSON)
		ref.Source, ref.Verification = &inline, config.Verification{}
	}
	return problems
}
