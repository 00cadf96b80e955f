package main

import (
	"context"
	"errors"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/metadata"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
)

// renderIgnition writes configs for base.platform.d.
func (n afterburnName) renderIgnition(args []string) (int, error) {
	f := newFlags(n.name)
	var p platformFlags
	p.define(f)
	directory := f.String("render-ignition-dir", "", "the `DIRECTORY` that the configs go to (required)")
	noHostname := f.Bool("disable-hostname-fragment", false, "no config with the hostname")
	noUser := f.Bool("disable-user-fragment", false, "no config with the user")
	timeout := f.Duration("fetch-timeout", metadata.DefaultTimeout, "how long to ask a service that does not answer")
	if err := n.parse(f, args); err != nil || f.Lookup("version").Value.String() == "true" {
		return exitOK, err
	}
	id, err := p.id(n)
	if err != nil {
		return 0, err
	}
	if *directory == "" {
		return 0, errors.New("--render-ignition-dir is needed")
	}
	o := metadata.Options{AnswersDir: providers.AnswersDir, Timeout: *timeout, Log: report.NewLogger(false).With("afterburn")}
	if o.Platform, err = providers.InstanceByID(id); err != nil {
		return 0, err
	}
	if o.Settings, err = stages.Settings(); err == nil {
		err = metadata.Render(context.Background(), o, metadata.RenderOptions{Directory: *directory, Hostname: !*noHostname, User: !*noUser})
	}
	return afterburnFailed(o, err), nil
}
