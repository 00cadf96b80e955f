// Package fetch turns the URL of a resource into its verified, decompressed
// bytes. A URL scheme is a line in a table and a function that opens a stream;
// resuming, decompression, verification and limits are readers around it.
//
// What goes wrong on the way is somebody's: the network's, the server's or the
// config's. Package fetch tells them apart, tries again by one policy (see
// retry.go), and says what is missing and for how long.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ErrNeedNetwork is wrapped by what Fetch returns for a remote resource while
// the client is offline.
var ErrNeedNetwork = errors.New("this needs the network")

// ErrNotFound is wrapped if the server says that there is no such thing.
var ErrNotFound = errors.New("the server says that it does not exist")

// A Client fetches resources, by the settings of the config that was read last.
// Its methods may be called at the same time; the fields are set before.
type Client struct {
	Log *report.Logger
	// Offline refuses whatever needs the network.
	Offline bool
	// Credentials are what object stores are shown. Without any, requests are
	// anonymous.
	Credentials Credentials
	Clock       Clock
	// StallTimeout is for how long a server may send nothing in the middle of an answer.
	StallTimeout time.Duration

	limits  limiter
	mu      sync.Mutex
	current *transports
	// bundles are certificates by source URL.
	bundles map[string][]byte
	// listLinks returns the network interfaces of this machine.
	listLinks func() []link
}

// New makes a client with the settings that hold until a config was read: the
// given limit for each fetch, no proxy, the system's certificate authorities.
func New(log *report.Logger, total time.Duration) *Client {
	c := &Client{Log: log, Clock: Clock{time.Now, sleep, system.AwaitNetworkChange}, StallTimeout: defaultStall, bundles: map[string][]byte{}, listLinks: links}
	c.setSettings(settings{headerTimeout: defaultHeaderTimeout, totalTimeout: total})
	return c
}

// A request is a resource on its way to an opener.
type download struct {
	source     string
	headers    []config.HTTPHeader
	startTimer func() // is called when it is its turn
}

// schemes are the kinds of URLs that can be fetched.
var schemes = map[string]struct {
	remote bool
	open   func(context.Context, *Client, download) (io.ReadCloser, error)
}{
	"arn":   {true, openS3},
	"data":  {false, openData},
	"gs":    {true, openGCS},
	"http":  {true, openHTTP},
	"https": {true, openHTTP},
	"s3":    {true, openS3},
	"tftp":  {true, openTFTP},
}

func schemeList() string {
	return strings.Join(slices.Sorted(maps.Keys(schemes)), ", ")
}

// Fetch writes the bytes of a resource to w: fetched, decompressed, and equal
// to its hash if it has one. When it returns an error, what was written so far
// must not be used. A resource without a source is empty.
//
// If w can be truncated and seeks, as files do, a resource that changes on the
// server while it is fetched is begun again; else that is an error.
func (c *Client) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	source := config.ValueOr(r.Source, "")
	if source == "" {
		return nil
	}
	if err := c.fetch(ctx, source, r, w); err != nil {
		return &report.Error{Doing: "fetching " + Redact(source), Origin: r.Origin("source"), Err: failure{err}, Hint: Hint(err)}
	}
	return nil
}

// A failure is one of fetching, whatever its cause.
type failure struct{ error }

func (f failure) Unwrap() error        { return f.error }
func (f failure) Is(target error) bool { return target == report.ErrFetch }

// maxRounds bounds how often a resource that changes is begun.
const maxRounds = 3

func (c *Client) fetch(ctx context.Context, source string, r config.Resource, w io.Writer) error {
	name, _, _ := strings.Cut(source, ":")
	scheme, ok := schemes[strings.ToLower(name)]
	if !ok {
		return fmt.Errorf("only URLs that begin with %s can be fetched", schemeList())
	}
	if scheme.remote && c.Offline {
		return ErrNeedNetwork
	}
	limits := c.transports().settings
	ctx, begin, cancel := limits.withTimeout(ctx)
	defer cancel()
	var rewind func() error
	if scheme.remote {
		rewind = rewinder(w)
	}
	for round := 1; ; round++ {
		body, err := scheme.open(ctx, c, download{source, r.HTTPHeaders, begin})
		if err == nil {
			err = writeVerified(w, body, r)
			body.Close()
		}
		if !errors.Is(err, errChanged) || rewind == nil || round == maxRounds {
			return limits.explainTimeout(ctx, err)
		}
		c.Log.Warn(fmt.Sprintf("fetching %s: %v; it is begun again", Redact(source), err))
		if err := rewind(); err != nil {
			return err
		}
	}
}

// deliver writes what a body holds, if it is what the config says.
func writeVerified(w io.Writer, body io.Reader, r config.Resource) error {
	check, err := newVerifier(config.ValueOr(r.Verification.Hash, ""))
	if err != nil {
		return err
	}
	plain, err := decompress(body, config.ValueOr(r.Compression, ""))
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(w, check), plain); err != nil {
		return err
	}
	return check.verify()
}

// rewinder is what takes back all that is written to w from now on, or nil.
func rewinder(w io.Writer) func() error {
	switch w := w.(type) {
	case *boundedBuffer:
		length := len(w.bytes)
		return func() error { w.bytes = w.bytes[:length]; return nil }
	case interface {
		io.Seeker
		Truncate(int64) error
	}:
		start, err := w.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil
		}
		return func() error {
			_, err := w.Seek(start, io.SeekStart)
			return errors.Join(err, w.Truncate(start))
		}
	}
	return nil
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
