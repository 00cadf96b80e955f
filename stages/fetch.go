package stages

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/config/spec2"
	"github.com/firstlight-os/firstlight/internal/dataurl"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// fetchOffline requests the network if contents that the config refers to need
// it, so that it is up when later stages fetch them, or if the record is to be sent.
func fetchOffline(ctx context.Context, p *process) error {
	needs := p.cfg.NeedsNetwork()
	switch {
	case len(needs) > 0:
		return p.requestNetwork(ctx, needs[0].String())
	case p.reportURL() != "":
		return p.requestNetwork(ctx, "sending the record of this boot")
	}
	return nil
}

// fetchOnline does nothing more: fetching the user config is before it.
func fetchOnline(context.Context, *process) error { return nil }

// requestNetwork configures the network, and then creates the file that brings it up
// before the next stage.
func (p *process) requestNetwork(ctx context.Context, why string) error {
	p.log.Info(why + " needs the network")
	if err := p.configureNetwork(ctx); err != nil {
		return err
	}
	if err := system.WriteFile(p.NeedNet, nil, 0o600); err != nil {
		return fmt.Errorf("requesting the network: %w", err)
	}
	return nil
}

// baseConfig merges the fragments of the image; it is nil if there are none. It needs no
// network: references to other configs in them are not followed.
func (p *process) baseConfig(ctx context.Context) (*config.Config, error) {
	p.state.recordSource(fetchedConfig{"base", "system", false})
	raws, err := providers.BaseConfigs(p.env)
	if err != nil {
		return nil, err
	}
	var base *config.Config
	for _, raw := range raws {
		cfg, err := p.parse(ctx, raw.Text, report.Source{Kind: "base", Name: raw.Name})
		if err != nil {
			return nil, &report.Error{Doing: "reading a base config of the image", Err: err, Hint: "the image is broken: tell those who made it"}
		}
		cfg.Ignition.Config = config.ConfigReferences{} // see above
		base = merge(base, cfg)
	}
	return base, nil
}

// merge is config.Merge for a base config that there may not be.
func merge(base, cfg *config.Config) *config.Config {
	if base == nil {
		return cfg
	}
	return config.Merge(base, cfg)
}

// parse unpacks, parses and logs. The log and the record have a digest of what was
// unpacked, never the text.
func (p *process) parse(ctx context.Context, packed []byte, source report.Source) (*config.Config, error) {
	name := source.Name
	text, encodings, err := p.unpack(ctx, packed, name)
	if err != nil {
		return nil, err
	}
	if len(encodings) > 0 {
		p.log.Info(fmt.Sprintf("%s was packed: %s", name, strings.Join(encodings, ", ")))
	}
	if err := p.count(text, name); err != nil {
		return nil, err
	}
	summed := make(chan [sha512.Size]byte, 1)
	go func() { summed <- sha512.Sum512(text) }() // takes longer than parsing
	parse := p.parseAny
	if p.parseFirst != nil && !source.Referenced {
		parse = p.parseFirst
	}
	cfg, problems, err := parse(text, name)
	sum := <-summed
	p.sums = append(p.sums, sum[:]...)
	digest := hex.EncodeToString(sum[:])
	p.log.Debug(fmt.Sprintf("parsing %s with SHA512: %s", name, digest))
	source.Name, source.Digest, source.Bytes = system.PrintableLine(name), "sha512-"+digest, int64(len(text))
	source.Signer = system.PrintableLine(p.signers[name])
	p.sources = append(p.sources, source)
	if err == nil && cfg.HasFacts() {
		cfg, problems, err = p.withFacts(ctx, cfg)
	}
	for _, problem := range problems {
		if problem.Severity == config.Warning {
			p.log.Bare().Warn(report.Warning(problem.Origin, problem.Message))
		}
	}
	if errors.Is(err, config.ErrEmpty) {
		err = &report.Error{Doing: "reading " + name, Err: err, Hint: "put a config there or remove what points to it"}
	}
	return cfg, err
}

// parseAny parses a config in any language that this machine accepts.
func (p *process) parseAny(text []byte, name string) (*config.Config, config.Problems, error) {
	cfg, problems, err := butane.ParseAny(text, name)
	if errors.Is(err, config.ErrCutOff) {
		err = &report.Error{Err: err, Hint: fmt.Sprintf("%d bytes have arrived: if the config has more, the platform has no room for them, and firstlightctl pack makes it smaller", len(text))}
	}
	if !errors.Is(err, config.ErrSpec2) {
		return cfg, problems, err
	}
	hint := "translate it where it is made, with \"firstlightctl translate\""
	switch {
	case p.settings.Is(distribution.Spec2, "translate"):
		cfg, problems, err = spec2.Parse(text, name)
		hint = "fix the config; \"firstlightctl translate --check\" checks it before a boot does"
	case p.env != nil: // this is a boot
		hint += ", or have this image do so: SPEC2=translate in " + distribution.Dir + "/" + distribution.File
	}
	if err != nil {
		err = &report.Error{Err: err, Hint: hint}
	}
	return cfg, problems, err
}

// fetchUserConfig fetches the user config with the configs that it refers to,
// and caches the result for the later stages.
func (p *process) fetchUserConfig(ctx context.Context) (*config.Config, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := p.loadTrust(); err != nil {
		return nil, err
	}
	p.useReset()
	raw, err := providers.UserConfig(ctx, p.env)
	if err != nil {
		return nil, err
	}
	user := config.New(config.Newest)
	p.saveOutputs(raw)
	if raw == nil || len(raw.Text) == 0 {
		p.log.Info("there is no user config")
	} else if user, err = p.completeUserConfig(ctx, raw); err != nil {
		return nil, err
	}
	if user, err = p.withMetadata(ctx, user); err != nil {
		return nil, err
	}
	if err := p.checkSealing(user); err != nil {
		return nil, err
	}
	if err := p.readAllSecrets(ctx, user); err != nil {
		return nil, err
	}
	if err := p.cacheUserConfig(user); err != nil {
		return nil, withRunHint(fmt.Errorf("caching the config: %w", err))
	}
	sum := sha512.Sum512(p.sums)
	p.state.ConfigDigest = hex.EncodeToString(sum[:])
	for _, c := range p.state.FetchedConfigs {
		p.logSource(c)
	}
	return user, nil
}

// saveOutputs keeps files that the platform gives only once for the files stage.
func (p *process) saveOutputs(raw *providers.UserData) {
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

// logSource logs where a part of the config came from; tools look for this.
func (p *process) logSource(c fetchedConfig) {
	referenced := ""
	if c.Referenced {
		referenced = "referenced "
	}
	p.log.Bare().Info(fmt.Sprintf("fetched %s%s config from %q", referenced, c.Kind, c.Source),
		"MESSAGE_ID", "57124006b5c94805b77ce473e92a8aeb",
		"IGNITION_CONFIG_TYPE", c.Kind, "IGNITION_CONFIG_SRC", c.Source, "IGNITION_CONFIG_REFERENCED", fmt.Sprint(c.Referenced))
}

// completeUserConfig parses a user config, merges what it refers to, and checks
// the result.
func (p *process) completeUserConfig(ctx context.Context, raw *providers.UserData) (*config.Config, error) {
	p.state.recordSource(fetchedConfig{"user", raw.Source, false})
	user, err := p.parseUserConfig(ctx, raw.Text, raw.Name)
	if err != nil {
		return nil, err
	}
	if user, err = p.inlineAuthorities(ctx, user); err != nil {
		return nil, err
	}
	return user, validate(user)
}

// parseUserConfig parses a config and merges what it refers to.
func (p *process) parseUserConfig(ctx context.Context, text []byte, name string) (*config.Config, error) {
	user, err := p.parse(ctx, text, report.Source{Kind: "user", Name: name})
	if err != nil {
		return nil, &report.Error{Doing: "reading the user config", Err: err}
	}
	references := config.Resolver{
		Fetch:     func(ref config.Resource) (*config.Config, int, error) { return p.fetchReference(ctx, ref) },
		Configure: func(settings config.Ignition) error { return p.fetch.Configure(ctx, settings) },
	}
	resolved, err := references.Resolve(user)
	var endless *config.ReferenceError
	if errors.As(err, &endless) {
		return nil, report.Conflict(endless.Origin, "remove one of these references", "%v: %s", endless, formatChain(endless.Sources))
	}
	return resolved, err
}

func validate(cfg *config.Config) error {
	problems := cfg.ValidateMerged()
	if problems.HasErrors() {
		return &report.Error{Doing: "checking the merged config", Err: &config.ParseError{Kind: config.ErrInvalid, Problems: problems}}
	}
	return nil
}

// fetchReference fetches and parses a config that another one refers to. The size
// is that of the fetched bytes.
func (p *process) fetchReference(ctx context.Context, ref config.Resource) (*config.Config, int, error) {
	source := config.ValueOr(ref.Source, "")
	name := "config from " + fetch.Redact(source)
	text, err := p.fetch.CheckedBytes(ctx, ref, config.CurrentLimit(), func(raw []byte) ([]byte, error) {
		return p.acceptReference(ctx, raw, name, ref)
	})
	if err != nil {
		return nil, 0, err
	}
	child, err := p.parse(ctx, text, report.Source{Kind: "user", Name: name, Referenced: true})
	if err != nil {
		return nil, 0, &report.Error{Doing: "reading a config that another one refers to", Origin: ref.Origin("source"), Err: err}
	}
	p.state.recordSource(fetchedConfig{"user", sourcePath(source), true})
	return child, len(text), nil
}

// formatChain shows the sources that lead to a config; of a long chain the ends.
func formatChain(sources []string) string {
	const shown = 4 // at each end
	var all []string
	for i, s := range sources {
		switch {
		case len(sources) <= 2*shown+1 || i < shown || i >= len(sources)-shown:
			all = append(all, fetch.Redact(s))
		case i == shown:
			all = append(all, fmt.Sprintf("(%d others)", len(sources)-2*shown))
		}
	}
	return strings.Join(all, " -> ")
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
