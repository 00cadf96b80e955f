package stages

import (
	"context"
	"path"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/metadata"
	"github.com/firstlight-os/firstlight/providers"
)

// withMetadata merges a config over what the platform knows of the machine, if the
// distribution wants that.
func (p *process) withMetadata(ctx context.Context, user *config.Config) (*config.Config, error) {
	if p.Platform.Instance == nil || !p.settings.Is(distribution.Metadata, "config") {
		return user, nil
	}
	text, err := p.metadata(ctx, user)
	if err != nil || text == nil {
		return user, err
	}
	known, err := p.parse(ctx, text, report.Source{Kind: "metadata", Name: "config from the metadata service of " + p.Platform.ID})
	if err != nil {
		return nil, err
	}
	merged := config.Merge(known, user)
	return merged, validate(merged)
}

// metadata asks the platform, or takes what another program of this boot has asked. The
// programs that come later do the same.
func (p *process) metadata(ctx context.Context, user *config.Config) (text []byte, err error) {
	answers, err := providers.OpenAnswers(ctx, p.beside(path.Base(providers.AnswersDir)), p.stage.name, p.log)
	if err != nil {
		return nil, err
	}
	m := metadata.Machine{Asker: providers.NewAsker(ctx, p.env, answers), Env: p.env, Log: p.log}
	program := networkPrograms[p.settings.Value(distribution.MetadataNetwork)]
	text, err = m.Config(metadata.ConfigOptions{User: p.keyUser(user), Render: program.files, Directory: program.dir,
		Has: func(path string) bool { return hasNode(user, path) }})
	if keepErr := answers.Close(err); keepErr != nil {
		p.log.Warn(keepErr.Error())
	}
	return text, err
}

// keyUser is who gets the platform's SSH keys, "" if the user's config has no such user.
func (p *process) keyUser(user *config.Config) string {
	name := p.settings.Value(distribution.MetadataUser)
	if slices.ContainsFunc(user.Passwd.Users, func(u config.User) bool { return u.Name == name && !config.ValueOr(u.ShouldExist, true) }) {
		return ""
	}
	return name
}

// hasNode reports whether a config has something at a path.
func hasNode(c *config.Config, path string) bool {
	return slices.ContainsFunc(c.Storage.Files, func(f config.File) bool { return f.Path == path }) ||
		slices.ContainsFunc(c.Storage.Links, func(l config.Link) bool { return l.Path == path }) ||
		slices.ContainsFunc(c.Storage.Directories, func(d config.Directory) bool { return d.Path == path })
}
