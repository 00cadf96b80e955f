// Package providers knows where a machine's config may come from: the kernel
// command line, the image, and the platform that the machine was started on.
//
// A platform is one file with one function, and one line in the table below.
package providers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Platform is an environment that machines are started in.
type Platform struct {
	// ID is the value of the kernel argument ignition.platform.id.
	ID string
	// Fetch gets the user config. Nil, or a text of no bytes, without an error
	// means that the user gave none. It wraps fetch.ErrNeedNetwork if it has to
	// be asked again when the network is up.
	Fetch func(ctx context.Context, env *Env) (*UserData, error)
	// Credentials returns what object stores are shown, in whichever stage. It
	// makes no request yet. May be nil.
	Credentials func(m *imds.Client) fetch.Credentials
	// Delete takes the config from where the platform keeps it, once it was
	// used. Nil where that cannot be done.
	Delete func(ctx context.Context, env *Env) error
	// Status tells the platform how a stage has ended, nil for well. May be nil.
	Status func(ctx context.Context, env *Env, stage string, failure error) error
}

// UserData is a config as it was found.
type UserData struct {
	Text []byte
	// Name says which config this is, in messages and in origins.
	Name string
	// Source is where it came from, in one word: cmdline, system or a platform ID.
	Source string
	// Files are what the platform says once only and the machine's own system
	// will look for; the files stage writes them.
	Files []OutputFile
}

// An OutputFile is for the root of the machine.
type OutputFile struct {
	Path string
	Text []byte
	Mode uint32
}

// Env is what sources work with.
type Env struct {
	Log   *report.Logger
	Fetch *fetch.Client
	IMDS  *imds.Client
	Run   system.Runner
	// Arguments are those of the kernel command line.
	Arguments map[string]string
	// Dirs are the image's config directories, of highest priority first.
	Dirs []string
	// Timeout is for how long a service is asked that should be there.
	Timeout time.Duration
	// Root is prefixed to the paths /dev, /sys, /proc and /run: "" but in tests.
	Root string
}

// maxConfig bounds a config, in bytes. It is far above what any platform
// carries and below what an initramfs can hold.
const maxConfig = 256 << 20

// ByID finds a platform.
func ByID(id string) (Platform, error) {
	var ids []string
	for _, p := range platforms {
		if p.ID == id {
			return p, nil
		}
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	what := fmt.Sprintf("the platform %q is not known", id)
	if id == "" {
		what = "no platform is given"
	}
	return Platform{}, fmt.Errorf("%s; set the kernel argument ignition.platform.id to one of: %s", what, strings.Join(ids, ", "))
}

// UserConfig asks the sources in order: the kernel command line, the image, the
// platform. The first that has something to say decides, even by its failure:
// a config that was promised and cannot be read must not be passed over. Nil
// means that the user gave no config.
func UserConfig(ctx context.Context, env *Env, p Platform) (*UserData, error) {
	raw, err := fetchCmdline(ctx, env)
	if raw == nil && err == nil {
		raw, err = fetchImage(env)
	}
	if raw == nil && err == nil {
		if raw, err = p.Fetch(ctx, env); raw != nil {
			raw.Source = p.ID
		}
	}
	if err == nil && raw != nil {
		raw, err = raw.open(env, p.ID)
	}
	if err != nil && !errors.Is(err, fetch.ErrNeedNetwork) {
		err = &report.Error{Doing: "getting the user config", Err: err}
	}
	return raw, err
}

// resource is a URL from outside of any config.
func resource(url string) config.Resource {
	return config.Resource{Source: &url}
}

// fetchNothing is for platforms that have no way to pass a config of their own.
func fetchNothing(context.Context, *Env) (*UserData, error) { return nil, nil }
