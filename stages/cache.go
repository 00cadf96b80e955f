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
	text, err := os.ReadFile(p.ConfigCache)
	if err != nil {
		return nil, &report.Error{Doing: "reading the cached config", Err: err, Hint: "one of the stages fetch-offline and fetch has to run before this one"}
	}
	origins, err := os.ReadFile(originsFile(p.ConfigCache))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &report.Error{Doing: "reading the cached config's origins", Err: err}
	}
	user, err := config.Load(text, origins, p.ConfigCache)
	if err != nil {
		return nil, &report.Error{Doing: "reading the cached config", Err: err}
	}
	return user, p.fetch.Configure(ctx, user.Ignition)
}
