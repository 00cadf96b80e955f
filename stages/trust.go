package stages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
)

// loadTrust reads the keys that this image wants configs to be signed with.
func (p *process) loadTrust() (err error) {
	if p.TrustedKeys == "" {
		return nil
	}
	p.signers = map[string]string{}
	p.trusted, err = trust.ReadKeys(p.TrustedKeys, func(name string) ([]byte, error) { return system.ReadFile(name, system.SettingsText) })
	if err != nil {
		err = &report.Error{Doing: "reading the keys that configs have to be signed with", Err: err, Hint: "the image is broken: tell those who made it"}
	}
	return err
}

// acceptUserData is providers.Env.Accept for the user data.
func (p *process) acceptUserData(ctx context.Context, raw []byte, name string, at providers.Signature) ([]byte, error) {
	return p.accept(ctx, raw, name, config.Origin{Source: name, Line: 1, Column: 1}, at, false)
}

// acceptReference is accept for a config that another one refers to. One that was accepted
// vouches for what it has a hash of, and for what stands in it, encrypted or not.
func (p *process) acceptReference(ctx context.Context, raw []byte, name string, ref config.Resource) ([]byte, error) {
	source, _ := config.CutAge(config.ValueOr(ref.Source, ""))
	inline := strings.HasPrefix(strings.ToLower(source), "data:")
	vouched := inline || config.ValueOr(ref.Verification.Hash, "") != ""
	return p.accept(ctx, raw, name, ref.Origin("source"), providers.SignatureURL(p.fetch, ref), vouched)
}

// accept decides whether a config may be read, by its bytes as they were handed over or
// fetched. It measures them, and returns them without the signature that they begin with.
func (p *process) accept(ctx context.Context, raw []byte, name string, origin config.Origin, at providers.Signature, vouched bool) ([]byte, error) {
	signature, text := trust.Cut(raw)
	switch {
	case len(p.trusted) > 0 && (signature != nil || !vouched):
		if err := p.verify(ctx, text, signature, name, origin, at); err != nil {
			return nil, err
		}
	case signature != nil:
		return nil, report.Conflict(origin, "put the key into "+trust.Dir+" of the image, or take the signature off the config",
			"the %s begins with a signature, and there are no keys here to verify it with", name)
	}
	return text, p.measure(ctx, raw, name)
}

// signHint says how a config gets a signature.
const signHint = "sign it with \"ssh-keygen -Y sign -n " + trust.Namespace + " -f KEY CONFIG\" or \"minisign -S -m CONFIG -x CONFIG" + trust.Suffix + "\", and "

// verify verifies a signature, which is elsewhere if it is nil.
func (p *process) verify(ctx context.Context, text, signature []byte, name string, origin config.Origin, at providers.Signature) error {
	hint := signHint + "hand over what \"cat CONFIG" + trust.Suffix + " CONFIG\" prints"
	if signature == nil && at.Read != nil {
		hint = signHint + "put the signature there, or before the config itself"
		var err error
		signature, err = at.Read(ctx)
		switch {
		case errors.Is(err, fetch.ErrNeedNetwork):
			return err
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fetch.ErrNotFound):
			return &report.Error{Doing: "getting the signature of the " + name, Err: err}
		}
	}
	if signature == nil {
		missing := "it does not begin with a signature"
		if at.Place != "" {
			missing += ", and there is none at " + at.Place
		}
		return report.Conflict(origin, hint, "the %s is not signed, as this image wants it (%s): %s", name, p.TrustedKeys, missing)
	}
	signer, err := p.trusted.Verify(text, signature)
	if err != nil {
		return report.Conflict(origin, hint, "the signature of the %s does not count: %v", name, err)
	}
	p.log.Info(fmt.Sprintf("the %s is signed with the %s", name, signer))
	p.signers[name] = signer
	return nil
}
