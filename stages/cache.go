package stages

import (
	"context"
	"errors"
	"io/fs"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// cacheLimit bounds the files that stages leave to later ones, in bytes. A merged
// config is larger than its parts, as its text is escaped.
const cacheLimit = 4 * config.MaxSize

// originsFile is beside the cache, which is the reference's format and so
// cannot hold where its values came from.
func originsFile(cache string) string { return cache + ".origins" }

// cacheUserConfig leaves the user config to the later stages.
func (p *process) cacheUserConfig(user *config.Config) error {
	text, origins := user.Save()
	if err := system.WriteFile(originsFile(p.ConfigCache), origins, 0o640); err != nil {
		return err
	}
	return system.WriteFile(p.ConfigCache, text, 0o640)
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
	origins, err := system.ReadFile(originsFile(p.ConfigCache), cacheLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, damaged(err)
	}
	user, err := config.Load(text, origins, p.ConfigCache)
	if err != nil {
		return nil, damaged(err)
	}
	return user, p.fetch.Configure(ctx, user.Ignition)
}
