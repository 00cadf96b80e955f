package providers

import (
	"context"
	"io/fs"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/trust"
)

// A Signature is where the signature of a config is that does not begin with it: beside
// the config, by its name and .sig. The zero value is for sources that have no place for
// a second object.
type Signature struct {
	// Place says where, in messages.
	Place string
	// Read returns it. That there is none is fs.ErrNotExist or fetch.ErrNotFound.
	Read func(ctx context.Context) ([]byte, error)
}

// maxSignature bounds what is fetched, in bytes; package trust says how long one is.
var maxSignature = config.Limit{Bytes: 64 << 10}

// SignatureURL is that of a resource that has a URL. It is asked for as the resource is.
func SignatureURL(client *fetch.Client, r config.Resource) Signature {
	url := fetch.Beside(config.ValueOr(r.Source, ""), trust.Suffix)
	if url == "" {
		return Signature{}
	}
	beside := config.Resource{Source: &url, HTTPHeaders: r.HTTPHeaders}
	return Signature{fetch.Redact(url), func(ctx context.Context) ([]byte, error) { return client.Bytes(ctx, beside, maxSignature) }}
}

func signatureFile(name string) Signature {
	name += trust.Suffix
	return Signature{name, func(context.Context) ([]byte, error) { return readConfig(name) }}
}

// signatureOnDrive is the file beside that of the drive. It was read with that.
func signatureOnDrive(r *scanResult) Signature {
	name := r.file + trust.Suffix
	return Signature{name + " on " + r.name, func(context.Context) ([]byte, error) {
		text, ok := r.also[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return text, nil
	}}
}
