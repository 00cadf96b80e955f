package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

const (
	// tftpBlock fits with its headers into an Ethernet frame, also in a tunnel
	// (RFC 2348).
	tftpBlock = 1428
	// tftpDefaultBlock is that of servers without options.
	tftpDefaultBlock = 512
	tftpPort         = "69"
	// tftpTries is how often a packet is sent within the stall timeout.
	tftpTries = 15
)

// openTFTP gets a file by TFTP (RFC 1350, with block sizes by RFC 2348).
func openTFTP(ctx context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := url.Parse(d.source)
	if err != nil {
		return nil, errors.New("this is not the URL of a file; it should look like tftp://HOST/PATH")
	}
	port := u.Port()
	if port == "" {
		port = tftpPort
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	f := &tftpFile{client: c, host: u.Hostname(), port: int(number), name: u.Path, options: true}
	return c.openResuming(ctx, d, u.Host, f.open)
}

// A tftpFile is what the attempts to get a file have in common.
type tftpFile struct {
	client   *Client
	host     string
	port     int
	name     string // with the leading slash, as the reference sends it
	options  bool   // false once the server has refused them
	attempts int
}

// open makes an attempt; TFTP knows only whole files.
func (f *tftpFile) open(ctx context.Context, _ resumePoint) (*response, error) {
	addresses, err := dialer.Resolver.LookupIPAddr(ctx, f.host)
	if err != nil {
		return nil, err
	}
	// Each attempt takes the next address of the host.
	address := addresses[f.attempts%len(addresses)]
	f.attempts++
	conn, err := listenTFTP(ctx)
	if err != nil {
		return nil, failed(ConnLost, "TFTP: opening a socket: %w", rootOf(err))
	}
	t := &tftpTransfer{conn: conn, name: f.name, server: &net.UDPAddr{IP: address.IP, Zone: address.Zone, Port: f.port}, blockSize: tftpDefaultBlock,
		ctx: ctx, stallTimeout: f.client.StallTimeout, buffer: make([]byte, tftpBlock+5)}
	t.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	t.last = readRequest(f.name, f.options)
	err = t.advance()
	var refused *tftpServerError
	if errors.As(err, &refused) && f.options && refused.code != tftpNoFile {
		// Old servers know no options and refuse them with various codes.
		f.options = false
		t.Close()
		return f.open(ctx, resumePoint{})
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return &response{body: &paceReader{ReadCloser: t}, size: -1}, nil
}

// listenTFTP opens a socket that gets the answers of any port of the server, and the
// refusals of its kernel (ip(7), IP_RECVERR).
func listenTFTP(ctx context.Context) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(wantRefusals) // without these a refusal looks like silence
	}}
	conn, err := config.ListenPacket(ctx, "udp", ":0")
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// A tftpServerError is an error that the server sent.
type tftpServerError struct {
	code uint16
	text string
}

func (e *tftpServerError) Error() string {
	return fmt.Sprintf("TFTP: the server says: %s (code %d)", e.text, e.code)
}

func (e *tftpServerError) Is(target error) bool { return target == ErrNotFound && e.code == tftpNoFile }

// A tftpTransfer reads block after block. Each packet sent asks for the next block.
type tftpTransfer struct {
	conn         *net.UDPConn
	name         string
	ctx          context.Context
	stop         func() bool
	stallTimeout time.Duration

	server    *net.UDPAddr // with the port of the transfer, once connected
	connected bool
	blockSize int
	block     uint16 // that was received last
	last      []byte // our last packet
	data      []byte // of the block, what was not read yet
	lastBlock bool   // this was the last block
	err       error  // that ended it
	buffer    []byte
}

func (t *tftpTransfer) Read(p []byte) (int, error) {
	for len(t.data) == 0 {
		if t.lastBlock || t.err != nil {
			return 0, t.end()
		}
		t.last = acknowledgement(t.block)
		t.err = t.advance()
	}
	n := copy(p, t.data)
	t.data = t.data[n:]
	return n, nil
}

// end returns the error after the last byte.
func (t *tftpTransfer) end() error {
	if t.err == nil {
		t.err = io.EOF
		// If this packet is lost, the server only sends its block again.
		t.conn.WriteToUDP(acknowledgement(t.block), t.server)
	}
	return t.err
}

// Close ends a transfer, with an error packet if it is not complete.
func (t *tftpTransfer) Close() error {
	if t.connected && t.err == nil {
		t.conn.WriteToUDP(errorPacket(0, "the transfer was given up"), t.server)
	}
	t.stop()
	return t.conn.Close()
}

// advance sends the last packet, again after a while, until the next block comes.
func (t *tftpTransfer) advance() error {
	pause := t.stallTimeout / tftpTries
	for range tftpTries {
		if _, err := t.conn.WriteToUDP(t.last, t.server); err != nil && !t.ignores(err) {
			return t.explain(err)
		}
		until := time.Now().Add(pause)
		for {
			done, err := t.receive(until)
			if errors.Is(err, errTFTPTimeout) {
				break
			}
			if done || err != nil {
				return err
			}
		}
	}
	if !t.connected {
		return t.noAnswer()
	}
	return fmt.Errorf("%w for %v", ErrStalled, t.stallTimeout)
}

func (t *tftpTransfer) noAnswer() error {
	return failed(Timeout, "TFTP: no answer from %s to the request for %s", t.server, Printable(t.name))
}

// errTFTPTimeout means that nothing came before the last packet is sent again.
var errTFTPTimeout = errors.New("TFTP: timeout")

// ignores reports whether an error may be the answer to an error packet of ours to
// somebody else. A server that ends in the middle of a transfer is silent then.
func (t *tftpTransfer) ignores(err error) bool {
	return t.connected && errors.Is(err, syscall.ECONNREFUSED)
}

// explain returns what it means that a packet cannot be sent or received.
func (t *tftpTransfer) explain(err error) error {
	switch {
	case t.ctx.Err() != nil && !t.connected:
		return t.noAnswer()
	case t.ctx.Err() != nil:
		return context.Cause(t.ctx)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed(ConnRefused, "TFTP: nothing listens at %s", t.server)
	case isAny(err, noRoute...):
		return err
	}
	return failed(ConnLost, "TFTP: exchanging packets with %s: %w", t.server, rootOf(err))
}

// receive handles one packet. It is done if that was the next block.
func (t *tftpTransfer) receive(until time.Time) (done bool, err error) {
	if t.ctx.Err() == nil {
		t.conn.SetReadDeadline(until)
	}
	n, from, err := t.conn.ReadFromUDP(t.buffer)
	var network net.Error
	if errors.As(err, &network) && network.Timeout() && t.ctx.Err() == nil {
		return false, errTFTPTimeout
	}
	if t.ignores(err) {
		return false, nil
	}
	if err != nil {
		return false, t.explain(err)
	}
	if !from.IP.Equal(t.server.IP) || t.connected && from.Port != t.server.Port {
		if t.connected {
			t.conn.WriteToUDP(errorPacket(tftpUnknownTransfer, "unknown transfer"), from)
		}
		return false, nil
	}
	p, err := parseTFTP(t.buffer[:n])
	if err != nil {
		return false, nil // a broken packet is a lost one
	}
	return t.handle(p, from)
}

// handle acts on a packet of the server.
func (t *tftpTransfer) handle(p tftpPacket, from *net.UDPAddr) (done bool, err error) {
	switch p.kind {
	case tftpError:
		refused := &tftpServerError{p.code, p.text}
		t.err = refused // it has ended on the other side, too
		return false, &AttemptError{Kind: Permanent, Err: refused}
	case tftpOptions:
		if t.connected || p.blockSize == 0 {
			return false, nil
		}
		t.server, t.connected, t.blockSize = from, true, p.blockSize
		t.last = acknowledgement(0)
		_, err := t.conn.WriteToUDP(t.last, t.server)
		return false, err
	}
	if p.block != t.block+1 || len(p.data) > t.blockSize {
		return false, nil // an old one; what was lost is asked for in time
	}
	t.server, t.connected = from, true
	t.block++
	t.data, t.lastBlock = p.data, len(p.data) < t.blockSize
	return true, nil
}
