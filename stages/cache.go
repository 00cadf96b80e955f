package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

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

// machineFile, beside the state, has what stages that touch no file need of the cached
// config: the stamp of the cache that it is a part of, the config in one line, its origins.
const machineFile = "machine"

// cacheUserConfig leaves the user config to the later stages.
func (p *process) cacheUserConfig(user *config.Config) error {
	err := system.WriteFileBy(p.ConfigCache, 0o600, func(f *os.File) error {
		origins, err := user.SaveTo(f)
		if err != nil {
			return err
		}
		// They are there before the text has its name.
		return system.WriteFile(p.originsFile(), origins, 0o600)
	})
	if err != nil {
		return err
	}
	text, origins := withoutFiles(user).Save()
	all := slices.Concat(cacheStamp(p.ConfigCache), []byte("\n"), text, []byte("\n"), origins)
	return system.WriteFile(p.beside(machineFile), all, 0o600)
}

// withoutFiles is a config without what only the files stage is about, which is nearly all
// of a large one.
func withoutFiles(c *config.Config) *config.Config {
	rest := *c
	rest.Storage.Files, rest.Storage.Directories, rest.Storage.Links, rest.Systemd.Units = nil, nil, nil, nil
	rest.Storage.Absent, rest.Storage.Archives = nil, nil
	return &rest
}

// cacheStamp is another one when somebody has written to the cache, nil if there is none.
func cacheStamp(name string) []byte {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return nil
	}
	return fmt.Append(nil, st.Ino, st.Size, st.Mtim.Nano())
}

// cachedMachineConfig is cachedUserConfig without what only the files stage is about. A
// boot that only plans does so for all stages in one.
func (p *process) cachedMachineConfig(ctx context.Context) (*config.Config, error) {
	if !p.planOnly {
		if user := p.readMachineFile(); user != nil {
			return user, p.fetch.Configure(ctx, user.Ignition)
		}
	}
	return p.cachedUserConfig(ctx)
}

// readMachineFile returns nil if there is nothing in it that can be used, so that the
// cache counts.
func (p *process) readMachineFile() *config.Config {
	all, err := system.ReadFile(p.beside(machineFile), cacheLimit)
	if err != nil {
		return nil
	}
	stamp, rest, _ := bytes.Cut(all, []byte("\n"))
	if len(stamp) == 0 || !bytes.Equal(stamp, cacheStamp(p.ConfigCache)) {
		return nil
	}
	text, origins, _ := bytes.Cut(rest, []byte("\n"))
	user, err := config.Load(text, origins, p.ConfigCache)
	if err != nil {
		return nil
	}
	return user
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
	size := config.Size(text)
	p.collection.postpone(max(size*expected/2, min(size*filesExpected, filesCollection)))
	user, err := config.Load(text, origins, p.ConfigCache)
	if err != nil {
		return nil, damaged(err)
	}
	return user, p.fetch.Configure(ctx, user.Ignition)
}
