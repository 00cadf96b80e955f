// Package fetch turns the URL of a resource into its verified, decompressed
// bytes. A URL scheme is a line in a table and a function that opens a stream;
// decompression, verification and limits are readers around it.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/report"
)

// ErrNeedNetwork is wrapped by what Fetch returns for a remote resource while
// the client is offline.
var ErrNeedNetwork = errors.New("this needs the network")

// ErrNotFound is wrapped if the server says that there is no such thing.
var ErrNotFound = errors.New("the server says that it does not exist")

// A Client fetches resources, by the settings of the config that was read last.
type Client struct {
	Log *slog.Logger
	// Offline refuses whatever needs the network.
	Offline bool

	http     *httpClient
	bundles  map[string][]byte // certificate bundles by source URL
	settings settings
}

// New makes a client with the settings that hold until a config was read: the
// given limit for each fetch, no proxy, the system's certificate authorities.
func New(log *slog.Logger, total time.Duration) *Client {
	c := &Client{Log: log, bundles: map[string][]byte{}}
	c.settings = settings{headers: defaultHeaderTimeout, total: total}
	c.http = newHTTPClient(log, c.settings)
	return c
}

// A request is a resource on its way to an opener.
type request struct {
	source  string
	headers []config.HTTPHeader
}

// schemes are the kinds of URLs that can be fetched.
var schemes = map[string]struct {
	remote bool
	open   func(context.Context, *Client, request) (io.ReadCloser, error)
}{
	"data":  {false, openData},
	"http":  {true, openHTTP},
	"https": {true, openHTTP},
}

func schemeList() string {
	return strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")
}

// Fetch writes the bytes of a resource to w: fetched, decompressed, and equal
// to its hash if it has one. When it returns an error, what was written so far
// must not be used. A resource without a source is empty.
func (c *Client) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	source := config.Or(r.Source, "")
	if source == "" {
		return nil
	}
	if err := c.fetch(ctx, source, r, w); err != nil {
		return &report.Error{Doing: "fetching " + Redact(source), Origin: r.Origin("source"), Err: err, Hint: hintFor(err)}
	}
	return nil
}

func (c *Client) fetch(ctx context.Context, source string, r config.Resource, w io.Writer) error {
	check, err := newVerifier(config.Or(r.Verification.Hash, ""))
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(source, ":")
	scheme, ok := schemes[strings.ToLower(name)]
	if !ok {
		return fmt.Errorf("only URLs that begin with %s can be fetched by this version", schemeList())
	}
	if scheme.remote && c.Offline {
		return ErrNeedNetwork
	}
	ctx, cancel := c.settings.limit(ctx)
	defer cancel()
	body, err := scheme.open(ctx, c, request{source, r.HTTPHeaders})
	if err != nil {
		return err
	}
	defer body.Close()
	plain, err := decompress(body, config.Or(r.Compression, ""))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(w, check), plain); err != nil {
		return c.settings.explain(ctx, err)
	}
	return check.verify()
}

// Bytes is Fetch into memory, for what has to be there as a whole: configs,
// certificates and keys. More than most bytes are refused.
func (c *Client) Bytes(ctx context.Context, r config.Resource, most int) ([]byte, error) {
	b := &boundedBuffer{most: most}
	if err := c.Fetch(ctx, r, b); err != nil {
		return nil, err
	}
	return b.bytes, nil
}

type boundedBuffer struct {
	bytes []byte
	most  int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.bytes)+len(p) > b.most {
		return 0, fmt.Errorf("it is larger than %d MiB", b.most>>20)
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// Redact is a URL that may be shown: without credentials, without its query,
// which may hold a signature, and without the contents of a data URL.
func Redact(source string) string {
	if scheme, _, _ := strings.Cut(source, ":"); strings.EqualFold(scheme, "data") {
		return fmt.Sprintf("a data URL of %d bytes", len(source))
	}
	u, err := url.Parse(source)
	if err != nil {
		return "a URL that cannot be parsed"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, Opaque: u.Opaque}
	if u.RawQuery != "" {
		return shown.String() + "?..."
	}
	return shown.String()
}

func hintFor(err error) string {
	var mismatch *HashError
	var status *StatusError
	switch {
	case errors.As(err, &mismatch):
		return "compare verification.hash in the config with the file on the server; the hash is over the decompressed bytes"
	case errors.As(err, &status) && status.Code == 404:
		return "check the URL; the server was reached and has nothing there"
	case errors.As(err, &status):
		return "check the URL and what the server's own log says"
	case errors.Is(err, context.DeadlineExceeded):
		return "check that the network is up and that the server can be reached; ignition.timeouts.httpTotal in the config and --fetch-timeout set the limit"
	}
	return ""
}
