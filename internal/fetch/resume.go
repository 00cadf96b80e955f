package fetch

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"
)

// maxStuck bounds how often an answer may break off without a single new byte:
// more often than any accident, so that a server that promises more than it has
// is found out.
const maxStuck = 10

var (
	// errStalled is a server that sends nothing in the middle of an answer.
	errStalled = errors.New("HTTP: the server sends nothing more")
	// errCut is an answer that ends before what its header promised.
	errCut = errors.New("HTTP: the answer broke off")
	// errChanged is a resource that was exchanged while it was fetched.
	errChanged = errors.New("the file on the server was changed while it was fetched")
)

// An opener makes one attempt to get a resource, from a position if it can and
// else from the beginning.
type opener func(context.Context, resumePoint) (*response, error)

// An answer is what an attempt brought.
type response struct {
	body      io.ReadCloser
	from      int64  // where in the resource the body begins: at 0, or where it was asked for
	size      int64  // of the whole resource, -1 if unknown
	validator string // of position
}

// A stream reads a resource to its end, over any number of connections. What
// was delivered is never delivered again: a new answer begins where the last
// one broke off, or its beginning is dropped after a look at whether it is the
// same as before. It takes no more memory than one connection does.
type resumingReader struct {
	client     *Client
	ctx        context.Context
	host       string
	source     string // fit to be shown
	startTimer func() // starts the clock of the fetch
	open       opener
	retry      retry

	current    *response
	release    func() // of current
	at         resumePoint
	size       int64
	sum        maphash.Hash // of all that was delivered
	stuckCount int          // connections without a new byte
	progressed bool         // the current connection brought one
}

// stream opens a resource of a host.
func (c *Client) openResuming(ctx context.Context, r download, host string, open opener) (io.ReadCloser, error) {
	s := &resumingReader{client: c, ctx: ctx, host: host, source: Redact(r.source), startTimer: r.startTimer, open: open, size: -1}
	s.retry = retry{client: c, what: "GET " + s.source}
	if err := s.connect(); err != nil {
		return nil, err
	}
	return s, nil
}

// connect makes attempts until one works.
func (s *resumingReader) connect() error {
	for {
		err := s.attempt()
		if err == nil {
			return nil
		}
		if errors.Is(err, errBadRange) {
			s.at.validator = ""
		}
		if errors.Is(err, errChanged) {
			return err
		}
		if err := s.retry.wait(s.ctx, err); err != nil {
			return err
		}
	}
}

func (s *resumingReader) attempt() error {
	release, err := s.client.limits.acquire(s.ctx, s.host)
	if err != nil {
		return err
	}
	s.startTimer()
	s.retry.start()
	a, err := s.open(s.ctx, s.at)
	if err != nil {
		release()
		return err
	}
	s.current, s.release, s.progressed = a, release, false
	if a.from == 0 && s.at.offset > 0 {
		if err := s.skip(a); err != nil {
			return s.connectionLost(err)
		}
	}
	if s.at.offset > 0 && a.from > 0 && s.size >= 0 && a.size >= 0 && a.size != s.size {
		s.disconnect()
		return errBadRange
	}
	s.size, s.at.validator = a.size, a.validator
	return nil
}

// skip drops what was delivered already, if it is the same.
func (s *resumingReader) skip(a *response) error {
	s.client.Log.Info(fmt.Sprintf("%s: the server sends the file from its beginning; %s are read again", s.retry.what, plural(int(s.at.offset), "byte")))
	var again maphash.Hash
	again.SetSeed(s.sum.Seed())
	if _, err := io.CopyN(&again, a.body, s.at.offset); errors.Is(err, io.EOF) && a.size < s.at.offset {
		return errChanged // it has become shorter
	} else if err != nil {
		return err
	}
	if again.Sum64() != s.sum.Sum64() {
		return errChanged
	}
	return nil
}

// Read never fails for what another connection can mend.
func (s *resumingReader) Read(p []byte) (int, error) {
	for {
		if s.current == nil {
			if err := s.connect(); err != nil {
				return 0, err
			}
		}
		n, err := s.current.body.Read(p)
		s.delivered(p[:n])
		if n > 0 || len(p) == 0 {
			return n, nil // an error comes again with the next call
		}
		if err == io.EOF && s.at.offset >= s.size {
			return 0, io.EOF
		}
		if err == nil {
			continue
		}
		if err := s.retry.wait(s.ctx, s.connectionLost(err)); err != nil {
			return 0, err
		}
	}
}

func (s *resumingReader) delivered(p []byte) {
	if len(p) == 0 {
		return
	}
	s.sum.Write(p)
	s.at.offset += int64(len(p))
	if !s.progressed {
		s.progressed, s.stuckCount = true, 0
		s.retry.reset()
	}
}

// broken makes an error of the end of a connection before that of the resource.
func (s *resumingReader) connectionLost(err error) error {
	if !s.progressed {
		s.stuckCount++
	}
	s.disconnect()
	switch {
	case errors.Is(err, errChanged):
		return err
	case timedOut(s.ctx):
		return &AttemptError{Kind: Permanent, Err: fmt.Errorf("none, the transfer was at %s", s.progress())}
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case !errors.Is(err, errStalled):
		err = fmt.Errorf("%w after %s", errCut, s.progress())
	default:
		err = fmt.Errorf("%w, after %s", err, s.progress())
	}
	if s.stuckCount >= maxStuck {
		return &AttemptError{Kind: Permanent, hint: retryPolicy[ConnLost].hint, Err: fmt.Errorf("%w, %s in a row at the same place", err, plural(s.stuckCount, "time"))}
	}
	return err
}

func (s *resumingReader) progress() string {
	if s.size < 0 {
		return plural(int(s.at.offset), "byte")
	}
	return fmt.Sprintf("%d of %d bytes", s.at.offset, s.size)
}

// drop ends the current connection.
func (s *resumingReader) disconnect() {
	if s.current != nil {
		s.current.body.Close()
		s.release()
		s.current = nil
	}
}

func (s *resumingReader) Close() error {
	s.disconnect()
	return nil
}

// A watched body gives up on a server that sends nothing. The time that the
// reader takes for itself does not count.
type stallReader struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func newStallReader(ctx context.Context, cancel context.CancelCauseFunc, body io.ReadCloser, limit time.Duration) *stallReader {
	timer := time.AfterFunc(limit, func() { cancel(errStalled) })
	timer.Stop()
	return &stallReader{body, ctx, cancel, limit, timer}
}

func (w *stallReader) Read(p []byte) (int, error) {
	w.timer.Reset(w.limit)
	n, err := w.ReadCloser.Read(p)
	w.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(w.ctx) == errStalled {
		err = fmt.Errorf("%w for %v", errStalled, w.limit)
	}
	return n, err
}

func (w *stallReader) Close() error {
	w.timer.Stop()
	w.cancel(nil)
	return w.ReadCloser.Close()
}
