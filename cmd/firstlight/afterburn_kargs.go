package main

import (
	"context"
	"errors"
	"flag"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/metadata"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
)

// networkKargs writes kernel arguments for dracut. A platform that is not known has none.
func (n afterburnName) networkKargs(args []string) (int, error) {
	f := newFlags(n.name)
	var p platformFlags
	p.define(f)
	unset := f.String("default-value", "", "the `ARGUMENTS` for platforms that have none, which may be empty (required)")
	timeout := f.Duration("fetch-timeout", metadata.DefaultTimeout, "how long to wait for what does not answer")
	if err := n.parse(f, args); err != nil || f.Lookup("version").Value.String() == "true" {
		return exitOK, err
	}
	id, err := p.id(n)
	if err != nil {
		return 0, err
	}
	if !isSet(f, "default-value") {
		return 0, errors.New("--default-value is needed; it may be empty")
	}
	platform, err := providers.InstanceByID(id)
	if err != nil {
		platform = providers.Platform{ID: id}
	}
	o := metadata.Options{Platform: platform, AnswersDir: providers.AnswersDir, Timeout: *timeout, Log: report.NewLogger(false).With("afterburn")}
	if o.Settings, err = stages.Settings(); err == nil {
		err = metadata.WriteKargs(context.Background(), o, metadata.KargsFile, *unset)
	}
	return afterburnFailed(o, err), nil
}

// isSet reports whether a flag was given.
func isSet(f *flag.FlagSet, name string) (given bool) {
	f.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}
