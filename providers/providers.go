package providers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Env is what sources work with.
type Env struct {
	// Platform is the one that this machine runs on.
	Platform Platform
	Log      *report.Logger
	Fetch    *fetch.Client
	IMDS     *imds.Client
	Run      system.Runner
	// Arguments are those of the kernel command line.
	Arguments map[string]string
	// Settings are those of the distribution: which names a config may have.
	Settings distribution.Settings
	// Dirs are the image's config directories, of highest priority first.
	Dirs []string
	// Timeout is how long to wait for a service or a drive that should be there.
	// 0 is without a limit for services; other waits have one of their own.
	Timeout time.Duration
	// Accept decides whether a config may be read, before anything of it was, and returns
	// it without the signature that it begins with. Nil is in tests.
	Accept func(ctx context.Context, raw []byte, name string, at Signature) ([]byte, error)
	// First, if it is set, is the only source: that of a machine that is being reset.
	First func(ctx context.Context) (*UserData, error)
	// Root is prefixed to the paths /dev, /sys, /proc and /run: "" but in tests.
	Root string
	// Facts are those that configs ask for in this boot.
	Facts *Facts
	// source is the address of a socket to somewhere; nil is the kernel's.
	source func(network, to string) (netip.Addr, error)
	// mount mounts config drives; nil is the kernel's mount.
	mount mounter
}

// UserConfig reads the sources in order: the kernel command line, the image, the
// platform. The first that has a config decides, even by its failure: a config
// that was promised and cannot be read must not be passed over. Nil means that
// the user gave no config.
func UserConfig(ctx context.Context, env *Env) (*UserData, error) {
	check, err := env.hashCheck()
	var data *UserData
	sources := []func(context.Context, *Env) (*UserData, error){fetchCmdline, fetchImage, fetchPlatform}
	if env.First != nil {
		sources = sources[:0]
		if err == nil {
			data, err = env.First(ctx)
		}
	}
	for _, fetch := range sources {
		if data == nil && err == nil {
			data, err = fetch(ctx, env)
		}
	}
	if err == nil && check != nil {
		err = check(data)
	}
	if err == nil && data != nil && len(data.Text) > 0 && env.Accept != nil {
		data.Text, err = env.Accept(ctx, data.Text, data.Name, data.Signature)
	}
	if err == nil && data != nil {
		data, err = data.decode(env)
	}
	if err != nil && !errors.Is(err, fetch.ErrNeedNetwork) {
		err = &report.Error{Doing: "getting the user config", Err: err}
	}
	return data, err
}

func fetchPlatform(ctx context.Context, env *Env) (*UserData, error) {
	p := env.Platform
	if p.Experimental {
		env.Log.Info(fmt.Sprintf("the platform %s is experimental: not tried on real hardware", p.ID))
	}
	data, err := p.Fetch(ctx, env)
	if data != nil {
		data.Source = p.ID
	}
	return data, err
}

// fetchNothing is for platforms that cannot pass a config of their own.
func fetchNothing(context.Context, *Env) (*UserData, error) { return nil, nil }
