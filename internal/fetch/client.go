package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/storeurl"
	"github.com/firstlight-os/firstlight/internal/system"
)

// ErrNeedNetwork is wrapped by what Fetch returns for a remote resource while
// the client is offline.
var ErrNeedNetwork = errors.New("this needs the network")

// ErrNotFound is wrapped if the server says that the resource does not exist.
var ErrNotFound = errors.New("the server says that it does not exist")

// A Client fetches resources, by the settings of the last Configure. Its methods
// may be called at the same time; the fields are set before.
type Client struct {
	Log *report.Logger
	// Offline refuses all resources that need the network.
	Offline bool
	// OEMDirectory is where the files of oem URLs are. Without it there are none.
	OEMDirectory string
	// Credentials are those for object stores.
	Credentials Credentials
	// Secrets are those of this machine. Without them there are none.
	Secrets Secrets
	Clock   Clock
	// StallTimeout is how long a server may send nothing in the middle of a response.
	StallTimeout time.Duration
	// NetworkWait is how long the time limit of the first config does not begin while
	// this machine has no route to any server asked.
	NetworkWait time.Duration
	// Dial, if set, connects to servers and proxies instead of this machine's network.
	// Services of the platform are not asked through it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	limits  limiter
	logins  chan struct{} // has room for the one login to a vault that is under way
	mu      sync.Mutex
	current *transports
	// bundles are certificates by source URL.
	bundles map[string][]byte
	// listLinks returns the network interfaces of this machine.
	listLinks func() []link
	// networkState describes the network of this machine.
	networkState func() string
}

const defaultStallTimeout = 30 * time.Second

// New returns a client with the settings that hold until Configure: the given
// timeout for each fetch, no proxy, the system's certificate authorities.
func New(log *report.Logger, totalTimeout time.Duration) *Client {
	c := &Client{Log: log, Clock: Clock{time.Now, sleep, system.AwaitNetworkChange}, StallTimeout: defaultStallTimeout, NetworkWait: defaultNetworkWait, bundles: map[string][]byte{}, logins: make(chan struct{}, 1), listLinks: links, networkState: networkState}
	c.setSettings(settings{headerTimeout: defaultHeaderTimeout, totalTimeout: totalTimeout, beforeConfig: true})
	return c
}

// A download is one round of a fetch.
type download struct {
	source     string
	headers    []config.HTTPHeader
	hashed     bool   // the contents are compared with a hash
	announced  bool   // the console is told how far it is
	startTimer func() // is called with the first slot
}

// A scheme is a kind of URL.
type scheme struct {
	needsNetwork bool
	open         func(context.Context, *Client, download) (io.ReadCloser, error)
}

// OEMScheme is that of oem:///PATH, for files of the image; see Client.OEMDirectory.
const OEMScheme = "oem"

// schemes are the kinds of URLs that can be fetched from any image.
var schemes = map[string]scheme{
	"arn":                   {true, openS3},          // arn:aws:s3:::BUCKET/KEY
	config.CredentialScheme: {false, openCredential}, // credential:NAME
	"data":                  {false, openData},       // data:,CONTENTS
	"gs":                    {true, openGCS},         // gs://BUCKET/OBJECT
	"http":                  {true, openHTTP},
	"https":                 {true, openHTTP},
	"s3":                    {true, openS3},   // s3://BUCKET/KEY
	"tftp":                  {true, openTFTP}, // tftp://HOST/PATH
	storeurl.AWS:            {true, awsSecrets.open},
	storeurl.Azure:          {true, azureSecrets.open},
	storeurl.GCP:            {true, googleSecrets.open},
	storeurl.Vault:          {true, vaultSecrets.open},
}

func (c *Client) lookupScheme(name string) (s scheme, known bool) {
	if name == OEMScheme && c.OEMDirectory != "" {
		return scheme{false, openOEM}, true
	}
	s, known = schemes[name]
	return s, known
}

// Fetch writes the bytes of a resource to w: fetched, decompressed, and equal
// to its hash if it has one. After an error what was written so far must not be
// used. A resource without a source is empty.
//
// If w has methods Size and Truncate, a resource that changes on the server while it
// is fetched is fetched again; else that is an error.
func (c *Client) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	source := config.ValueOr(r.Source, "")
	if source == "" {
		return nil
	}
	if err := c.fetch(ctx, source, r, w); err != nil {
		return explain(r, err)
	}
	return nil
}

// explain says in an error what was being fetched, and who can do something about it.
func explain(r config.Resource, err error) error {
	source := config.ValueOr(r.Source, "")
	hint, at := Hint(err), r.Origin("source")
	if mismatch := (*hashError)(nil); errors.As(err, &mismatch) {
		at = r.Verification.Origin("hash")
	}
	if !config.IsRemote(source) && isWrongContents(err) {
		err = mistake{err}
	} else {
		err = failure{err}
	}
	return &report.Error{Doing: "fetching " + Redact(source), Origin: at, Err: err, Hint: hint}
}

// A failure is any error of a fetch. It is report.ErrFetch.
type failure struct{ error }

func (f failure) Unwrap() error        { return f.error }
func (f failure) Is(target error) bool { return target == report.ErrFetch }

// A mistake is an error of contents that stand in the config. It is report.ErrConfig.
type mistake struct{ error }

func (m mistake) Unwrap() error        { return m.error }
func (m mistake) Is(target error) bool { return target == report.ErrConfig }

// maxRounds bounds how often a resource that changes is fetched.
const maxRounds = 3

func (c *Client) fetch(ctx context.Context, source string, r config.Resource, w io.Writer) error {
	source, encrypted := config.CutAge(source)
	name, _, _ := strings.Cut(source, ":")
	scheme, ok := c.lookupScheme(strings.ToLower(name))
	if !ok {
		return fmt.Errorf("only URLs that begin with %s can be fetched", strings.Join(slices.Sorted(maps.Keys(schemes)), ", "))
	}
	if !scheme.needsNetwork { // it is here, and does not change
		body, err := scheme.open(ctx, c, download{source: source})
		if err == nil {
			err = c.write(ctx, w, body, r, encrypted)
			body.Close()
		}
		return err
	}
	if err := config.CheckURL(source); err != nil {
		return &AttemptError{Kind: Permanent, Err: err, hint: "fix the URL"}
	}
	if c.Offline {
		return ErrNeedNetwork
	}
	settings := c.transports().settings
	networkWait := time.Duration(0)
	if settings.beforeConfig {
		networkWait = c.NetworkWait
	}
	ctx, startTimer, cancel := withTimeout(ctx, settings.totalTimeout, networkWait)
	defer cancel()
	// The download of files is announced by the files stage, all in one line.
	_, inMemory := w.(*boundedBuffer)
	written, canTruncate := w.(truncater)
	before := int64(0)
	if canTruncate {
		before = written.Size()
	}
	for round := 1; ; round++ {
		body, err := scheme.open(ctx, c, download{source, r.HTTPHeaders, config.ValueOr(r.Verification.Hash, "") != "", inMemory, startTimer})
		if err == nil {
			err = c.write(ctx, w, body, r, encrypted)
			body.Close()
		}
		if !errors.Is(err, errChanged) || !canTruncate || round == maxRounds {
			return explainTimeout(ctx, err)
		}
		c.Log.Warn(fmt.Sprintf("fetching %s: %v; it is begun again", Redact(source), err))
		if err := written.Truncate(before); err != nil {
			return err
		}
	}
}

// write writes the body, which may be encrypted, as writeVerified does.
func (c *Client) write(ctx context.Context, w io.Writer, body io.Reader, r config.Resource, encrypted bool) error {
	if encrypted {
		plain, err := c.secrets().Decrypt(ctx, body)
		if err != nil {
			return err
		}
		body = plain
	}
	return writeVerified(w, body, r)
}

// writeVerified writes the decompressed body, and fails if it is not what the
// config says.
func writeVerified(w io.Writer, body io.Reader, r config.Resource) error {
	check, err := newVerifier(config.ValueOr(r.Verification.Hash, ""))
	if err != nil {
		return err
	}
	plain, err := decompress(body, config.ValueOr(r.Compression, ""))
	if err != nil {
		return err
	}
	if check == nil {
		_, err = io.Copy(w, plain)
		return err
	}
	if _, err := io.Copy(io.MultiWriter(w, check), plain); err != nil {
		return err
	}
	return check.verify()
}

// A truncater is a writer that can take back what was written to it.
type truncater interface {
	Size() int64 // in bytes
	Truncate(size int64) error
}

// Bytes is Fetch into memory, for configs, certificates and keys. More than limit
// bytes are an error.
func (c *Client) Bytes(ctx context.Context, r config.Resource, limit config.Limit) ([]byte, error) {
	b := &boundedBuffer{limit: limit}
	if err := c.Fetch(ctx, r, b); err != nil {
		return nil, err
	}
	return b.bytes(), nil
}

// A boundedBuffer keeps what is written in pieces: to append to a large one would
// need its memory twice, again and again.
type boundedBuffer struct {
	pieces [][]byte
	size   int
	limit  config.Limit
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	const smallest, largest = 4 << 10, 1 << 20 // bytes of a piece
	if b.size+len(p) > b.limit.Bytes {
		return 0, fmt.Errorf("it is larger than %v", b.limit)
	}
	for rest := p; len(rest) > 0; {
		last := len(b.pieces) - 1
		if last < 0 || len(b.pieces[last]) == cap(b.pieces[last]) {
			b.pieces = append(b.pieces, make([]byte, 0, min(max(b.size, smallest), largest)))
			last++
		}
		piece := b.pieces[last]
		n := min(len(rest), cap(piece)-len(piece))
		b.pieces[last], rest = append(piece, rest[:n]...), rest[n:]
		b.size += n
	}
	return len(p), nil
}

// Size is that of all that was written, in bytes.
func (b *boundedBuffer) Size() int64 { return int64(b.size) }

// Truncate drops what was written after so many bytes.
func (b *boundedBuffer) Truncate(size int64) error {
	b.size = int(size)
	for i, piece := range b.pieces {
		b.pieces[i] = piece[:min(int(size), len(piece))]
		size -= int64(len(b.pieces[i]))
	}
	return nil
}

// bytes returns all that was written; the buffer is empty then.
func (b *boundedBuffer) bytes() []byte {
	all := make([]byte, 0, b.size)
	for i, piece := range b.pieces {
		all, b.pieces[i] = append(all, piece...), nil
	}
	b.pieces, b.size = nil, 0
	return all
}
