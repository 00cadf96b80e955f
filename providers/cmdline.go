package providers

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
)

// The kernel arguments that name a config, besides those for its URL, which the
// distribution can choose.
const (
	deviceArgument = "ignition.config.device"
	pathArgument   = "ignition.config.path"
)

// fetchCmdline gets the config that the kernel command line names: by URL, or
// as a file on a filesystem with a label.
func fetchCmdline(ctx context.Context, env *Env) (*UserData, error) {
	urlArgument, byURL := env.urlArgument()
	device, file := env.Arguments[deviceArgument], env.Arguments[pathArgument]
	switch {
	case byURL:
		if device != "" || file != "" {
			env.Log.Warn(fmt.Sprintf("the kernel argument %s takes precedence: %s and %s are ignored", urlArgument, deviceArgument, pathArgument))
		}
		return fetchURL(ctx, env, urlArgument)
	case device != "" && file != "":
		return fetchLabelled(ctx, env, device, file)
	case device != "" || file != "":
		return nil, &report.Error{Err: fmt.Errorf("only one of the kernel arguments %s=%s and %s=%s is set", deviceArgument, device, pathArgument, file),
			Hint: "set both, or neither"}
	}
	return nil, nil
}

// urlArgument returns the first of the kernel arguments for the URL of a config that
// is given.
func (env *Env) urlArgument() (name string, given bool) {
	for _, other := range env.Settings.Words(distribution.ConfigURLArguments) {
		url, there := env.Arguments[other]
		switch {
		case there && !given:
			name, given = other, true
		case there && url != env.Arguments[name]:
			env.Log.Warn(fmt.Sprintf("the kernel argument %s takes precedence: %s is ignored", name, other))
		}
	}
	return name, given
}

func fetchURL(ctx context.Context, env *Env, urlArgument string) (*UserData, error) {
	url := env.Arguments[urlArgument]
	if url == "" {
		return nil, &report.Error{Err: fmt.Errorf("the kernel argument %s has no value", urlArgument),
			Hint: "write the URL of the config, or remove the argument for a config from elsewhere"}
	}
	url, err := fillURL(ctx, env, urlArgument, url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(url, ":") {
		return nil, &report.Error{Err: fmt.Errorf("the kernel argument %s=%s has no scheme", urlArgument, url),
			Hint: "write the whole URL, such as https://example.com/machine.ign"}
	}
	if err := config.CheckURL(url); err != nil && config.IsRemote(url) {
		return nil, &report.Error{Err: fmt.Errorf("the kernel argument %s=%s: %w", urlArgument, fetch.Redact(url), err), Hint: "fix the URL on the kernel command line"}
	}
	resource := config.Resource{Source: &url}
	text, err := env.Fetch.Bytes(ctx, resource, config.CurrentLimit())
	if err != nil {
		return nil, &report.Error{Origin: config.Origin{Source: "kernel command line", Path: urlArgument}, Err: err}
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (%s from the kernel command line)", fetch.Redact(url)), Source: "cmdline", Signature: SignatureURL(env.Fetch, resource)}, nil
}

// fetchLabelled reads a file from the filesystem with a label.
func fetchLabelled(ctx context.Context, env *Env, label, file string) (*UserData, error) {
	if label != path.Base(label) || label == "." || label == ".." {
		return nil, fmt.Errorf("the kernel argument %s=%s is not a filesystem label", deviceArgument, label)
	}
	// Spaces can be written on the kernel command line only as udev does.
	c := configDrive{label: strings.ReplaceAll(label, `\x20`, " "), files: []string{path.Clean("/" + file)[1:]}, limit: driveLimit,
		hint: fmt.Sprintf("check the kernel argument %s, and that the device is attached", deviceArgument)}
	data, err := c.fetch(ctx, env)
	if data == nil && err == nil {
		err = &report.Error{Err: fmt.Errorf("there is no %s on the filesystem labelled %q", file, label),
			Hint: fmt.Sprintf("check the kernel argument %s", pathArgument)}
	}
	if err != nil {
		return nil, err
	}
	data.Source = "cmdline"
	return data, nil
}
