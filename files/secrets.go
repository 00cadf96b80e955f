package files

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
)

// fetchText fetches what stands in place of a text of the config.
func (p *planner) fetchText(ctx context.Context, r config.Resource) ([]byte, error) {
	text := new(boundedText)
	err := p.Fetch.Fetch(ctx, r, text)
	return text.buffer.Bytes(), err
}

// A boundedText keeps no more than a secret may have.
type boundedText struct{ buffer bytes.Buffer }

func (t *boundedText) Write(b []byte) (int, error) {
	if t.buffer.Len()+len(b) > config.MaxSecret {
		return 0, fmt.Errorf("it is larger than %d MiB", config.MaxSecret>>20)
	}
	return t.buffer.Write(b)
}

// Size and Truncate have what changes on the server fetched again.
func (t *boundedText) Size() int64 { return int64(t.buffer.Len()) }

func (t *boundedText) Truncate(size int64) error {
	t.buffer.Truncate(int(size))
	return nil
}

// setHashFrom gives a user the hash that is at a source.
func (p *planner) setHashFrom(ctx context.Context, u config.User) error {
	text, err := p.fetchText(ctx, u.PasswordHashFrom)
	if err != nil {
		return err
	}
	return p.tellHash(ctx, userHash, u.Name, cmp.Or(config.SecretLine(text), noPassword))
}

// hasKeys reports whether a config has public keys for a user, here or at a source.
func hasKeys(u config.User) bool { return len(u.SSHAuthorizedKeys)+len(u.SSHAuthorizedKeysFrom) > 0 }

// keysOf returns all public keys of a user, as the lines of a file.
func (p *planner) keysOf(ctx context.Context, u config.User) (string, error) {
	keys := slices.Clone(u.SSHAuthorizedKeys)
	for _, r := range u.SSHAuthorizedKeysFrom {
		text, err := p.fetchText(ctx, r)
		if err != nil {
			return "", err
		}
		keys = append(keys, string(text))
	}
	return keyLines(keys), nil
}
