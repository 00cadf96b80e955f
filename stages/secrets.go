package stages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// secretReaders is how many secrets are read at once.
const secretReaders = 8

// readAllSecrets is readSecrets for the user config over the base config. They are merged for
// that only if there are any, as that takes long.
func (p *process) readAllSecrets(ctx context.Context, user *config.Config) error {
	if len(user.Secrets()) == 0 && (p.base == nil || len(p.base.Secrets()) == 0) {
		return nil
	}
	return p.readSecrets(ctx, merge(p.base, user))
}

// readSecrets reads each secret of a config and keeps none, so that what cannot be read, or
// is not what it should be, is known before anything is written: all of it at once.
func (p *process) readSecrets(ctx context.Context, cfg *config.Config) error {
	secrets := cfg.Secrets()
	if len(secrets) == 0 {
		return nil
	}
	p.log.Info(fmt.Sprintf("reading %s, as a trial", system.Plural(len(secrets), "secret")))
	errs := make([]error, len(secrets))
	slots := make(chan struct{}, secretReaders)
	var group sync.WaitGroup
	for i, s := range secrets {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = p.readSecret(ctx, s)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (p *process) readSecret(ctx context.Context, s config.Secret) error {
	if s.Check == nil {
		return p.fetch.Fetch(ctx, s.Resource, new(discarded))
	}
	text, err := p.fetch.Bytes(ctx, s.Resource, config.Limit{Bytes: config.MaxSecret})
	if err != nil {
		return err
	}
	defer clear(text)
	if err := s.Check(text); err != nil {
		source := config.ValueOr(s.Resource.Source, "")
		return &report.Error{Doing: "looking at the secret from " + fetch.Redact(source), Origin: s.Resource.Origin("source"), Err: err,
			Hint: "put there what is meant to be there, or name another source"}
	}
	return nil
}

// discarded counts what is written to it. What is fetched can be begun again.
type discarded int64

func (d *discarded) Write(b []byte) (int, error) { *d += discarded(len(b)); return len(b), nil }
func (d *discarded) Size() int64                 { return int64(*d) }
func (d *discarded) Truncate(size int64) error   { *d = discarded(size); return nil }

// unpack undoes what a config was packed with on its way, and the encryption of one that is
// encrypted as a whole.
func (p *process) unpack(ctx context.Context, packed []byte, name string) (text []byte, encodings []string, err error) {
	text, encodings, err = config.Unpack(packed, name)
	if err != nil || !config.IsAge(text) {
		return text, encodings, err
	}
	text, err = p.decrypt(ctx, text)
	if err != nil {
		return nil, nil, &report.Error{Doing: "decrypting " + name, Err: err}
	}
	text, inner, err := config.Unpack(text, name)
	if err == nil && config.IsAge(text) {
		err = &report.Error{Doing: "decrypting " + name, Err: errors.New("it is encrypted twice"), Hint: "encrypt the config itself, once"}
	}
	return text, append(append(encodings, "age"), inner...), err
}

func (p *process) decrypt(ctx context.Context, encrypted []byte) ([]byte, error) {
	plain, err := p.secrets.Decrypt(ctx, bytes.NewReader(encrypted))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, int64(len(encrypted)))) // what is encrypted is longer
}
