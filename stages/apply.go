package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/secret"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ApplyOptions is a config that is applied to a tree without a boot: the image
// of a container that is being built. Only what a tree can have is done: files,
// directories, links and units.
type ApplyOptions struct {
	Text []byte // of the config
	Name string // of the config, in messages
	// Parse parses the config itself, but none that it refers to. Nil is what a machine
	// does, which has no parameters and no local files.
	Parse func(text []byte, name string) (*config.Config, config.Problems, error)
	// Root is the directory that will be "/".
	Root string
	// IgnoreUnsupported passes over what a tree cannot have.
	IgnoreUnsupported bool
	// Offline refuses a config that needs the network.
	Offline bool
	Log     *report.Logger
}

// Apply applies a config to a tree. The error is for report.Box, and not logged
// yet.
func Apply(ctx context.Context, a ApplyOptions) error {
	root, err := filepath.Abs(a.Root)
	if err != nil {
		return fmt.Errorf("finding the root: %w", err)
	}
	if err := refuseHost(root); err != nil {
		return err
	}
	lock, err := lockDirectory(ctx, root, a.Log)
	if err != nil {
		return err
	}
	defer lock.Close()
	p := &process{parseFirst: a.Parse, log: a.Log, run: system.Exec{Log: a.Log, Inherit: lock}, state: new(state), fetch: fetch.New(a.Log, 0)}
	p.secrets = secret.New(p.run)
	p.fetch.Secrets = p.secrets
	p.fetch.Credentials.Tokens = imds.New(p.fetch) // a login to a vault is for all secrets
	p.fetch.Offline = a.Offline
	p.runner = &report.Runner{Log: a.Log, Workers: 1}
	if p.settings, err = settingsOf(root); err != nil {
		return err
	}
	fragments, err := keyFragments(p.settings)
	if err != nil {
		return err
	}
	cfg, err := p.parseUserConfig(ctx, a.Text, a.Name)
	if err != nil {
		return err
	}
	if err = validate(cfg); err != nil {
		return err
	}
	if a.Offline {
		err = needsNetwork(cfg)
	}
	if cfg, err = dropUnsupported(cfg, a.IgnoreUnsupported, err); err != nil {
		return err
	}
	if err := p.readSecrets(ctx, cfg); err != nil {
		return err
	}
	movePaths(cfg, p.settings.Words(distribution.MovedDirectories))
	tree := &files.Tree{Root: root, Run: p.run, Log: a.Log, Fetch: p.fetch, KeyFragments: fragments}
	defer tree.Close()
	plan, err := tree.Plan(ctx, cfg)
	if err != nil {
		return err
	}
	return p.execute(ctx, plan)
}

// settingsOf reads the settings of the distribution that is in a tree.
func settingsOf(root string) (distribution.Settings, error) {
	name := path.Join(distribution.Dir, distribution.File)
	tree, err := rootfs.Open(root)
	if err != nil {
		return distribution.Settings{}, err
	}
	defer tree.Close()
	text, err := tree.ReadFile(name)
	if err != nil {
		return distribution.Settings{}, err
	}
	return distribution.Parse(string(text), filepath.Join(root, name))
}

// refuseHost returns an error if the root is that of a running system which is
// not a container: that of a workstation.
func refuseHost(root string) error {
	if real, err := filepath.EvalSymlinks(root); err != nil || real != "/" {
		return err
	}
	if os.Getenv("container") != "" || system.Exists("/run/.containerenv") || system.Exists("/.dockerenv") {
		return nil
	}
	return &report.Error{Err: errors.New("this is not a container, and the config would be applied to the running system"),
		Hint: "set --root to the directory of an image, or run this in a container"}
}

// needsNetwork reports all that does.
func needsNetwork(cfg *config.Config) error {
	var all []error
	for _, origin := range cfg.NeedsNetwork() {
		all = append(all, report.Conflict(origin, "remove --offline, or put the contents into the config", "this needs the network"))
	}
	return errors.Join(all...)
}

// dropUnsupported returns a config with only what a tree can have. What it
// cannot have is a conflict, reported beside those that were found before, or
// ignored.
func dropUnsupported(cfg *config.Config, ignore bool, found error) (*config.Config, error) {
	left := *cfg
	all := []error{found}
	drop := func(given bool, origin config.Origin, what string) {
		if given && !ignore {
			all = append(all, report.Conflict(origin, "remove it, or set --ignore-unsupported", "%s cannot be applied to a tree without a boot", what))
		}
	}
	s, k := &cfg.Storage, &cfg.KernelArguments
	drop(len(k.ShouldExist)+len(k.ShouldNotExist) > 0, k.Origin(), "kernel arguments")
	drop(len(s.Disks) > 0, s.Origin("disks"), "partitions")
	drop(len(s.Raid) > 0, s.Origin("raid"), "RAID arrays")
	drop(len(s.Luks) > 0, s.Origin("luks"), "LUKS volumes")
	drop(len(s.Filesystems) > 0, s.Origin("filesystems"), "filesystems")
	drop(len(cfg.Passwd.Users)+len(cfg.Passwd.Groups) > 0, cfg.Passwd.Origin(), "users and groups")
	left.Storage.Luks, left.Storage.Filesystems, left.Passwd = nil, nil, config.Passwd{}
	return &left, errors.Join(all...)
}
