package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
)

// Secrets are those of a machine. Package secret has them.
type Secrets interface {
	// Credential returns a credential of systemd by its name. The error wraps
	// fs.ErrNotExist if there is none.
	Credential(ctx context.Context, name string) ([]byte, error)
	// Decrypt returns what was encrypted with age to an identity of this machine.
	Decrypt(ctx context.Context, encrypted io.Reader) (io.Reader, error)
}

func openCredential(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	_, name, _ := strings.Cut(d.source, ":")
	text, err := c.secrets().Credential(ctx, name)
	return io.NopCloser(bytes.NewReader(text)), err
}

// secrets are those of the client, which may have none.
func (c *Client) secrets() Secrets {
	if c.Secrets == nil {
		return noSecrets{}
	}
	return c.Secrets
}

// noSecrets is a program that has no secrets of a machine.
type noSecrets struct{}

var errNoSecrets = errors.New("the secrets of a machine can be read in its first boot only")

func (noSecrets) Credential(context.Context, string) ([]byte, error)    { return nil, errNoSecrets }
func (noSecrets) Decrypt(context.Context, io.Reader) (io.Reader, error) { return nil, errNoSecrets }
