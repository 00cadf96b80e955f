package http

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
)

// A fixed body has a known number of bytes.
type fixed struct {
	r    *bufio.Reader
	left int64
}

func (f *fixed) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	if f.left == 0 {
		return n, io.EOF // at once, so that the connection is idle at once
	}
	return n, whole(err)
}

// chunks are a body in pieces (RFC 9112, 7.1).
type chunks struct {
	r     *bufio.Reader
	left  uint64 // of the current chunk
	begun bool
	over  bool
}

var errChunk = errors.New("malformed chunked encoding")

func (c *chunks) Read(p []byte) (int, error) {
	if c.over {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(uint64(len(p)), c.left)])
	c.left -= uint64(n)
	return n, whole(err)
}

// next reads up to the first byte of the next chunk, or to the end, which is io.EOF.
func (c *chunks) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || len(line) > 0 {
			return errors.Join(err, errChunk)
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := bytes.Cut(line, []byte(";")) // nobody has extensions
	if c.left, err = strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 63); err != nil {
		return errChunk
	}
	if c.left > 0 {
		return nil
	}
	const most = 1000 // fields after the body
	for range most {
		if line, err := c.line(); err != nil {
			return err
		} else if len(line) == 0 {
			c.over = true
			return io.EOF
		}
	}
	return errChunk
}

// line reads one that is not longer than the buffer.
func (c *chunks) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, whole(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok {
		return nil, errChunk
	}
	return line, nil
}

// A body returns its connection when it has been read, and closes it when it has not.
type body struct {
	io.Reader
	ctx  context.Context
	once sync.Once
	end  func(whole bool)
	err  error // of the last Read, for good
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.Reader.Read(p)
	if err != nil {
		b.once.Do(func() { b.end(err == io.EOF) })
		if err != io.EOF && b.ctx.Err() != nil {
			err = context.Cause(b.ctx)
		}
		b.err = err
	}
	return n, err
}

func (b *body) Close() error {
	b.once.Do(func() { b.end(false) })
	return nil
}
