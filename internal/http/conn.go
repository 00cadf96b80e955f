package http

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// What the limits of a Transport end by.
var (
	ErrHeaderTimeout    = errors.New("timeout awaiting response headers")
	ErrHandshakeTimeout = errors.New("TLS handshake timeout")
	ErrHeaderTooLarge   = errors.New("the header of the response is too large")
)

// A conn carries one request at a time.
type conn struct {
	net.Conn           // to the server or to a proxy, with TLS if that is used
	socket    net.Conn // below TLS
	transport *Transport
	route     string
	r         *bufio.Reader
	budget    int  // bytes that may come until the header is over; below 0 all
	answered  bool // something came
}

func (t *Transport) newConn(c net.Conn) *conn {
	out := &conn{Conn: c, socket: c, transport: t}
	out.r = bufio.NewReader(out)
	return out
}

// Read is what the buffer is filled by.
func (c *conn) Read(p []byte) (int, error) {
	if c.budget == 0 {
		return 0, ErrHeaderTooLarge
	}
	if c.budget > 0 {
		p = p[:min(len(p), c.budget)]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.answered = true
	}
	if c.budget > 0 {
		c.budget -= n
	}
	return n, err
}

// send sends a request and reads the header of the response. The connection is closed
// unless there is a response; then its body has it.
func (c *conn) send(ctx context.Context, method string, request []byte) (*Response, error) {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	resp, more, err := c.exchange(method, request)
	if err != nil {
		stop()
		c.Close()
		return nil, err
	}
	end := func(whole bool) {
		if !stop() || !whole || !more || c.r.Buffered() > 0 {
			c.Close()
			return
		}
		c.transport.putIdle(c)
	}
	if resp.Body == NoBody {
		end(true)
		return resp, nil
	}
	resp.Body = &body{Reader: resp.Body, ctx: ctx, end: end}
	return resp, nil
}

func (c *conn) exchange(method string, request []byte) (*Response, bool, error) {
	c.answered, c.budget = false, c.transport.headerBudget()
	// A server may answer, and close, before it has read all of it.
	_, failed := c.Write(request)
	if limit := c.transport.ResponseHeaderTimeout; limit > 0 {
		c.SetReadDeadline(time.Now().Add(limit))
		defer c.SetReadDeadline(time.Time{})
	}
	resp, more, err := readResponse(c.r, method)
	c.budget = -1
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, false, ErrHeaderTimeout
	case err != nil && failed != nil && !c.answered:
		return nil, false, failed
	}
	return resp, more, err
}

// wasClosed reports whether an error may be that the server closed an idle connection
// when it was used again.
func wasClosed(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
