package fetch

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"sync/atomic"

	"github.com/firstlight-os/firstlight/internal/system"
)

// maxStuck bounds how often a response may break off without a single new byte:
// more often than by accident, so that a server with a wrong Content-Length
// is found out.
const maxStuck = 10

var (
	// ErrStalled means that the server sends nothing in the middle of a response, or
	// nearly nothing. It is retried.
	ErrStalled = errors.New("the server sends nothing more")
	// ErrCut means that a response is shorter than its header says. It is retried.
	ErrCut = errors.New("the answer broke off")
	// errChanged means that the resource was changed while it was fetched.
	errChanged = errors.New("the file on the server was changed while it was fetched")
)

// A resumingReader reads a resource to its end, over any number of connections.
// It returns no byte twice: a new response begins where the last one broke off, or
// its beginning is read again and compared, by a hash, with what was returned. It
// takes no more memory than one connection does.
type resumingReader struct {
	client   *Client
	ctx      context.Context
	open     opener
	retry    retry
	protocol string // of the transfer, for messages

	current    *response
	at         resumePoint
	size       int64
	sum        maphash.Hash // of all that was returned
	stuckCount int          // connections without a new byte
	progressed bool         // the current connection brought one

	received, total atomic.Int64 // for underWay, which is called at any time
}

// openResuming opens a resource of a host.
func (c *Client) openResuming(ctx context.Context, d download, host string, open opener) (io.ReadCloser, error) {
	r := &resumingReader{client: c, ctx: ctx, size: -1, protocol: "HTTP", retry: retry{client: c, what: "GET " + Redact(d.source)}}
	if u, err := url.Parse(d.source); err == nil && u.Scheme == "tftp" {
		r.protocol = "TFTP"
	}
	if d.announced {
		r.retry.underWay = r.underWay
	}
	r.open = c.limits.limited(host, func() { d.startTimer(); r.retry.start() }, open)
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// connect makes attempts until one works.
func (r *resumingReader) connect() error {
	for {
		err := r.attempt()
		if err == nil {
			r.retry.over()
			return nil
		}
		if errors.Is(err, errBadRange) {
			r.at.validator = ""
		}
		if errors.Is(err, errChanged) {
			return err
		}
		if err := r.retry.wait(r.ctx, err); err != nil {
			return err
		}
	}
}

func (r *resumingReader) attempt() error {
	resp, err := r.open(r.ctx, r.at)
	if err != nil {
		return err
	}
	r.current, r.progressed = resp, false
	r.total.Store(resp.size)
	if resp.from == 0 && r.at.offset > 0 {
		if err := r.skip(resp); err != nil {
			return r.connectionLost(err)
		}
	}
	if r.at.offset > 0 && resp.from > 0 && r.size >= 0 && resp.size >= 0 && resp.size != r.size {
		r.disconnect()
		return errBadRange
	}
	r.size, r.at.validator = resp.size, resp.validator
	return nil
}

// skip reads what was returned already, and fails if it is not the same.
func (r *resumingReader) skip(resp *response) error {
	r.client.Log.Info(fmt.Sprintf("%s: the server sends the file from its beginning; %s are read again", r.retry.what, system.Plural(int(r.at.offset), "byte")))
	var again maphash.Hash
	again.SetSeed(r.sum.Seed())
	if _, err := io.CopyN(&again, resp.body, r.at.offset); errors.Is(err, io.EOF) && resp.size < r.at.offset {
		return errChanged // it has become shorter
	} else if err != nil {
		return err
	}
	if again.Sum64() != r.sum.Sum64() {
		return errChanged
	}
	return nil
}

// Read fails only if another connection would not help.
func (r *resumingReader) Read(p []byte) (int, error) {
	for {
		if r.current == nil {
			if err := r.connect(); err != nil {
				return 0, err
			}
		}
		n, err := r.current.body.Read(p)
		if r.size >= 0 && r.at.offset+int64(n) > r.size {
			// More than there is: none of it can be trusted.
			n, err = 0, errBadRange
			r.at.validator = ""
		}
		r.delivered(p[:n])
		if n > 0 || len(p) == 0 {
			return n, nil // an error comes again with the next call
		}
		if err == io.EOF && r.at.offset >= r.size {
			return 0, io.EOF
		}
		if err == nil {
			continue
		}
		if err := r.retry.wait(r.ctx, r.connectionLost(err)); err != nil {
			return 0, err
		}
	}
}

func (r *resumingReader) delivered(p []byte) {
	if len(p) == 0 {
		return
	}
	r.sum.Write(p)
	r.at.offset += int64(len(p))
	r.received.Store(r.at.offset)
	if !r.progressed {
		r.progressed, r.stuckCount = true, 0
		r.retry.reset()
	}
}

// connectionLost returns what it means that a connection ended before the resource.
func (r *resumingReader) connectionLost(err error) error {
	if !r.progressed {
		r.stuckCount++
	}
	r.disconnect()
	var attempt *AttemptError
	switch {
	case errors.Is(err, errChanged):
		return err
	case errors.Is(err, errBadRange):
	case timedOut(r.ctx):
		return failed(Permanent, "none, the transfer was at %s", r.progress())
	case r.ctx.Err() != nil:
		return context.Cause(r.ctx)
	case errors.Is(err, ErrStalled):
		err = fmt.Errorf("%s: %w, after %s", r.protocol, err, r.progress())
	case errors.As(err, &attempt):
		kind := attempt.Kind
		if kind == Permanent {
			kind = ConnLost // as it was answered before
		}
		err = &AttemptError{Kind: kind, Err: fmt.Errorf("%w, after %s", err, r.progress())}
	default:
		err = fmt.Errorf("%s: %w after %s", r.protocol, ErrCut, r.progress())
	}
	if r.stuckCount >= maxStuck {
		return &AttemptError{Kind: Permanent, hint: retryPolicy[ConnLost].hint, Err: fmt.Errorf("%w, %s in a row at the same position", err, system.Plural(r.stuckCount, "time"))}
	}
	return err
}

func (r *resumingReader) progress() string {
	if r.size < 0 {
		return system.Plural(int(r.at.offset), "byte")
	}
	return fmt.Sprintf("%d of %d bytes", r.at.offset, r.size)
}

// disconnect closes the current connection.
func (r *resumingReader) disconnect() {
	if r.current != nil {
		r.current.body.Close()
		r.current = nil
	}
}

// underWay says how far an attempt is.
func (r *resumingReader) underWay() string {
	received, total := r.received.Load(), r.total.Load()
	switch {
	case received == 0:
		return "waiting for the server"
	case total < 0:
		return system.Plural(int(received), "byte") + " are here"
	}
	return fmt.Sprintf("%d of %d bytes are here", received, total)
}

func (r *resumingReader) Close() error {
	r.retry.end()
	r.disconnect()
	return nil
}
