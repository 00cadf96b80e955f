package stages

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// cacheLimit bounds the files that stages leave to later ones, in bytes. A merged
// config is larger than its parts, as its text is escaped.
const cacheLimit = 4 * config.MaxSize

// originsFile is beside the state: the cache is in the reference's format and so
// cannot hold where its values came from.
func (p *process) originsFile() string { return p.beside("origins") }

// cacheUserConfig leaves the user config to the later stages.
func (p *process) cacheUserConfig(user *config.Config) error {
	return system.WriteFileBy(p.ConfigCache, 0o600, func(f *os.File) error {
		origins, err := user.SaveTo(f)
		if err != nil {
			return err
		}
		// They are there before the text has its name.
		return system.WriteFile(p.originsFile(), origins, 0o600)
	})
}

// cachedUserConfig reads the user config that a fetch stage has left.
func (p *process) cachedUserConfig(ctx context.Context) (*config.Config, error) {
	// It is not the user's config that is to blame for a damaged cache.
	damaged := func(err error) error {
		return &report.Error{Doing: "reading the cached config", Err: &StateError{errors.New(err.Error())},
			Hint: "start the machine again: the fetch stages write " + p.ConfigCache + " anew"}
	}
	text, err := system.ReadFile(p.ConfigCache, cacheLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(err)
	}
	if err != nil {
		return nil, &report.Error{Doing: "reading the cached config", Err: err, Hint: "one of the stages fetch-offline and fetch has to run before this one"}
	}
	origins, err := system.ReadFile(p.originsFile(), cacheLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(err)
	}
	p.collection.postpone(config.Size(text) * expected / 2)
	user, err := config.Load(text, origins, p.ConfigCache)
	if err != nil {
		return nil, damaged(err)
	}
	return user, p.fetch.Configure(ctx, user.Ignition)
}
