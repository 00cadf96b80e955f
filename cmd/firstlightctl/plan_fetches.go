//go:build linux && !portable

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	// verifyLimit bounds each fetch that is compared with its hash.
	verifyLimit = 30 * time.Minute
	// askers is how many servers are asked at once.
	askers = 8
)

// A plannedFetch is something that a first boot gets over the network.
type plannedFetch struct {
	Source string `json:"source"`
	// For is what it is for, as a path or a noun: "/etc/motd", "a config".
	For string `json:"for"`
	// Verified is what shows that it is the right thing.
	Verified string        `json:"verified"`
	Origin   config.Origin `json:"origin,omitzero"`
	// Found is what its server says, if it was asked.
	Found string `json:"found,omitempty"`

	resource config.Resource
}

// A plannedSecret is something that is for a machine alone to read.
type plannedSecret struct {
	Source string        `json:"source"`
	For    string        `json:"for"`
	Origin config.Origin `json:"origin,omitzero"`
}

// planSecrets lists the secrets, of which nothing is read.
func (p *planning) planSecrets(cfg *config.Config) {
	for _, s := range cfg.Secrets() {
		p.result.Secrets = append(p.result.Secrets, plannedSecret{fetch.Redact(*s.Resource.Source), s.For, s.Resource.Origin("source")})
	}
}

// secrets lists where secrets are.
func (d drawing) secrets(all []plannedSecret) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(system.Plural(len(all), "secret") + ", read by the machine before it writes anything:\n")
	for i, s := range all {
		b.WriteString(d.listItem(i, fmt.Sprintf("%s for %s", s.Source, s.For)) + d.note("at", origin(s.Origin)))
	}
	return b.String() + "\n"
}

// planFetches lists what is fetched, in the order of the stages, and asks the servers
// if it may.
func (p *planning) planFetches(cfg *config.Config) {
	all := fetchesOf(cfg, p.references)
	if !p.client.Offline {
		p.askServers(cfg, all)
	}
	p.result.Fetches = append(p.result.Fetches, all...)
}

// fetchesOf are those of a config and of the references to others in it.
func fetchesOf(cfg *config.Config, references []config.Resource) []plannedFetch {
	var all []plannedFetch
	add := func(r config.Resource, purpose string) {
		if source := config.ValueOr(r.Source, ""); config.IsRemote(source) && !config.IsSecret(source) {
			all = append(all, plannedFetch{Source: fetch.Redact(source), For: purpose, Verified: verification(r), Origin: r.Origin("source"), resource: r})
		}
	}
	for _, r := range references {
		add(r, "a config")
	}
	for _, r := range cfg.Ignition.Security.TLS.CertificateAuthorities {
		add(r, "certificate authorities")
	}
	for _, l := range cfg.Storage.Luks {
		add(l.KeyFile, "the key of volume "+l.Name)
		for _, t := range l.Clevis.Tang {
			if config.ValueOr(t.Advertisement, "") == "" {
				all = append(all, plannedFetch{Source: fetch.Redact(t.URL), For: "Tang, for volume " + l.Name, Verified: "its thumbprint", Origin: t.Origin("url")})
			}
		}
	}
	for _, a := range cfg.Storage.Archives {
		add(a.Contents, "the archive for "+a.Path)
	}
	for _, f := range cfg.Storage.Files {
		add(f.Contents, f.Path)
		for _, r := range f.Append {
			add(r, f.Path)
		}
	}
	return all
}

// verification names what shows that a resource is the right one.
func verification(r config.Resource) string {
	sum, _, hashed := strings.Cut(config.ValueOr(r.Verification.Hash, ""), "-")
	scheme, _, _ := strings.Cut(config.ValueOr(r.Source, ""), ":")
	switch scheme = strings.ToLower(scheme); {
	case hashed:
		return "its " + sum
	case scheme == "http" || scheme == "tftp":
		return "nothing"
	}
	return "the certificate of the server alone"
}

// askServers asks all servers at once. References were fetched with the config.
func (p *planning) askServers(cfg *config.Config, all []plannedFetch) {
	settings, seconds := cfg.Ignition, int(verifyLimit/time.Second)
	settings.Timeouts.HTTPTotal = &seconds
	if err := p.client.Configure(context.Background(), settings); err != nil {
		p.add("fetch", nil, err)
		return
	}
	errs := make([]error, len(all))
	slots := make(chan struct{}, askers)
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i].Found, errs[i] = p.ask(all[i], i < len(p.references))
		})
	}
	group.Wait()
	for _, err := range errs {
		p.add("fetch", nil, err)
	}
}

// ask returns what is found at a source.
func (p *planning) ask(f plannedFetch, fetched bool) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	found := "its server is not asked"
	switch {
	case fetched:
		return "fetched", nil
	case f.resource.Source == nil:
		return found, nil
	case fetch.CanAsk(f.resource):
		size, err := p.client.Ask(ctx, f.resource)
		if err != nil {
			return "", err
		}
		if found = "it is there"; size >= 0 {
			found += ", " + formatBytes(size)
		}
	}
	if !p.verify {
		return found, nil
	}
	var n counter
	if err := p.client.Fetch(context.Background(), f.resource, &n); err != nil {
		return "", err
	}
	found = "fetched, " + formatBytes(int64(n))
	if f.resource.Verification.Hash != nil {
		found += ", with the right hash"
	}
	return found, nil
}

// A counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// formatBytes is exact: it is compared with other sizes.
func formatBytes(n int64) string { return fmt.Sprintf("%d bytes", n) }

// fetches lists the downloads.
func (d drawing) fetches(all []plannedFetch) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(system.Plural(len(all), "download") + ":\n")
	for i, f := range all {
		text := fmt.Sprintf("%s for %s, verified by %s", f.Source, f.For, f.Verified)
		b.WriteString(d.listItem(i, text) + d.note("found", f.Found) + d.note("at", origin(f.Origin)))
	}
	return b.String() + "\n"
}
