package stages

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// baseConfig merges the fragments of the image. It needs no network: references
// to other configs in them are not followed.
func (p *process) baseConfig() (*config.Config, error) {
	p.state.note(fetchedConfig{"base", "system", false})
	raws, err := providers.BaseConfigs(p.env)
	if err != nil {
		return nil, err
	}
	base := config.Empty()
	for _, raw := range raws {
		cfg, err := p.parse(raw.Text, raw.Name)
		if err != nil {
			return nil, &report.Error{Doing: "reading a base config of the image", Err: err, Hint: "the image is broken: tell those who made it"}
		}
		cfg.Ignition.Config = config.ConfigReferences{} // see above
		base = config.Merge(base, cfg)
	}
	return base, nil
}

// parse parses and logs. The log has a digest, never the text.
func (p *process) parse(text []byte, name string) (*config.Config, error) {
	digest := make(chan [sha512.Size]byte, 1)
	go func() { digest <- sha512.Sum512(text) }() // takes longer than parsing
	cfg, problems, err := butane.ParseAny(text, name)
	sum := <-digest
	p.sums = append(p.sums, sum[:]...)
	p.log.Debug(fmt.Sprintf("parsing %s with SHA512: %s", name, hex.EncodeToString(sum[:])))
	for _, problem := range problems {
		if problem.Severity == config.Warning {
			p.log.Warn(problem.String())
		}
	}
	if errors.Is(err, config.ErrEmpty) {
		err = &report.Error{Doing: "reading " + name, Err: err, Hint: "put a config there or remove what points to it"}
	}
	return cfg, err
}

// acquire gets the user config from its source, completes it with the configs
// that it refers to, and caches it for the stages after.
func (p *process) acquire(ctx context.Context) (*config.Config, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	raw, err := providers.UserConfig(ctx, p.env)
	if err != nil {
		return nil, err
	}
	user := config.Empty()
	p.keepOutputs(raw)
	if raw == nil || len(raw.Text) == 0 {
		p.log.Info("there is no user config")
	} else if user, err = p.complete(ctx, raw); err != nil {
		return nil, err
	}
	if err := p.cache(user); err != nil {
		return nil, fmt.Errorf("caching the config: %w", err)
	}
	sum := sha512.Sum512(p.sums)
	p.state.ConfigDigest = hex.EncodeToString(sum[:])
	for _, c := range p.state.FetchedConfigs {
		p.announce(c)
	}
	return user, nil
}

// keepOutputs hands what the platform says once only to the files stage.
func (p *process) keepOutputs(raw *providers.UserData) {
	p.state.ProviderOutputFiles = nil
	if raw == nil {
		return
	}
	for _, f := range raw.Files {
		out := outputFile{Path: f.Path, Mode: f.Mode}
		out.Contents.Source = dataurl.Encode(textType, f.Text)
		p.state.ProviderOutputFiles = append(p.state.ProviderOutputFiles, out)
	}
}

// textType is the media type of the data URLs that are written.
const textType = "text/plain;charset=utf-8"

// announce tells the journal where the config came from; tools look for this.
func (p *process) announce(c fetchedConfig) {
	referenced := ""
	if c.Referenced {
		referenced = "referenced "
	}
	p.log.Info(fmt.Sprintf("fetched %s%s config from %q", referenced, c.Kind, c.Source),
		"MESSAGE_ID", "57124006b5c94805b77ce473e92a8aeb",
		"IGNITION_CONFIG_TYPE", c.Kind, "IGNITION_CONFIG_SRC", c.Source, "IGNITION_CONFIG_REFERENCED", fmt.Sprint(c.Referenced))
}

// complete parses a user config, merges what it refers to, and checks the whole.
func (p *process) complete(ctx context.Context, raw *providers.UserData) (*config.Config, error) {
	p.state.note(fetchedConfig{"user", raw.Source, false})
	user, err := p.whole(ctx, raw.Text, raw.Name)
	if err != nil {
		return nil, err
	}
	if user, err = p.inlineAuthorities(ctx, user); err != nil {
		return nil, err
	}
	return user, checked(user)
}

// whole parses a config and merges what it refers to.
func (p *process) whole(ctx context.Context, text []byte, name string) (*config.Config, error) {
	user, err := p.parse(text, name)
	if err != nil {
		return nil, &report.Error{Doing: "reading the user config", Err: err}
	}
	if err := p.fetch.Configure(ctx, user.Ignition); err != nil {
		return nil, err
	}
	if user, err = p.render(ctx, user, nil); err != nil {
		return nil, err
	}
	return user, p.fetch.Configure(ctx, user.Ignition)
}

func checked(cfg *config.Config) error {
	problems := cfg.Validate()
	if problems.HasErrors() {
		return &report.Error{Doing: "checking the merged config", Err: &config.ParseError{Kind: config.ErrInvalid, Problems: problems}}
	}
	return nil
}

// maxConfig bounds a referenced config, in bytes.
const maxConfig = 256 << 20

// render follows config.replace and config.merge, depth first. The way holds
// the references that led here.
func (p *process) render(ctx context.Context, cfg *config.Config, way []string) (*config.Config, error) {
	if ref := cfg.Ignition.Config.Replace; ref.Source != nil {
		child, way, err := p.referred(ctx, ref, way)
		if err != nil {
			return nil, err
		}
		if err := p.fetch.Configure(ctx, child.Ignition); err != nil {
			return nil, err
		}
		return p.render(ctx, child, way)
	}
	merged := cfg
	for _, ref := range cfg.Ignition.Config.Merge {
		child, way, err := p.referred(ctx, ref, way)
		if err != nil {
			return nil, err
		}
		if err := p.fetch.Configure(ctx, config.Merge(merged, child).Ignition); err != nil {
			return nil, err
		}
		if child, err = p.render(ctx, child, way); err != nil {
			return nil, err
		}
		merged = config.Merge(merged, child)
	}
	return merged, nil
}

// referred fetches and parses a config that another one refers to.
func (p *process) referred(ctx context.Context, ref config.Resource, way []string) (*config.Config, []string, error) {
	source := config.ValueOr(ref.Source, "")
	if slices.Contains(way, source) {
		return nil, nil, report.Conflict(ref.Origin("source"), "remove one of these references",
			"the configs refer to each other in a circle: %s", circle(append(way, source)))
	}
	text, err := p.fetch.Bytes(ctx, ref, maxConfig)
	if err != nil {
		return nil, nil, err
	}
	child, err := p.parse(text, fmt.Sprintf("config from %s", fetch.Redact(source)))
	if err != nil {
		return nil, nil, &report.Error{Doing: "reading a config that another one refers to", Origin: ref.Origin("source"), Err: err}
	}
	p.state.note(fetchedConfig{"user", sourcePath(source), true})
	return child, append(way[:len(way):len(way)], source), nil
}

func circle(way []string) string {
	for i := range way {
		way[i] = fetch.Redact(way[i])
	}
	return strings.Join(way, " -> ")
}

// sourcePath is what the state records of a URL: its path only.
func sourcePath(source string) string {
	u, err := url.Parse(source)
	if err != nil || !config.IsRemote(source) {
		return ""
	}
	return u.Path
}

// inlineAuthorities puts the fetched certificates into the config, so that the
// later stages trust them without asking for them again.
func (p *process) inlineAuthorities(ctx context.Context, cfg *config.Config) (*config.Config, error) {
	out := *cfg
	tls := &out.Ignition.Security.TLS
	tls.CertificateAuthorities = slices.Clone(tls.CertificateAuthorities)
	for i := range tls.CertificateAuthorities {
		a := &tls.CertificateAuthorities[i]
		bundle, err := p.fetch.Bundle(ctx, *a)
		if err != nil {
			return nil, err
		}
		source := dataurl.Encode(textType, bundle)
		a.Source, a.Compression, a.HTTPHeaders = &source, nil, nil
	}
	return &out, nil
}

// originsFile is beside the cache, which is the reference's format and so
// cannot hold where its values came from.
func originsFile(cache string) string { return cache + ".origins" }

func (p *process) cache(user *config.Config) error {
	text, origins := user.Save()
	if err := system.WriteFile(originsFile(p.ConfigCache), origins, 0o640); err != nil {
		return err
	}
	return system.WriteFile(p.ConfigCache, text, 0o640)
}

// cached reads the config that a fetch stage has left.
func (p *process) cached(ctx context.Context) (*config.Config, error) {
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
