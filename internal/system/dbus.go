//go:build linux

package system

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// What D-Bus calls the parts of a message, as far as one method is called here.
const (
	dbusCall, dbusReturn, dbusError = 1, 2, 3

	fieldPath, fieldInterface, fieldMember, fieldDestination, fieldSignature = 1, 2, 3, 6, 8

	// maxDBusMessage bounds what is read; the answer about three units has some hundred bytes.
	maxDBusMessage = 1 << 20
)

// callSystemd calls a method of systemd's manager, which takes a list of strings, over a
// new connection, and returns its answer.
func callSystemd(conn io.ReadWriter, method string, words []string) (*dbusReader, error) {
	user := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	// What comes together with BEGIN systemd reads, and looks at when more has come: the
	// call waits for the answer, as that of systemctl does.
	if _, err := io.WriteString(conn, "\x00AUTH EXTERNAL "+user+"\r\nBEGIN\r\n"); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	answer, err := in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(string(answer), "OK ") {
		return nil, fmt.Errorf("systemd refuses the user %d: %q", os.Geteuid(), PrintableLine(string(answer)))
	}
	if _, err := conn.Write(dbusMethodCall(method, words)); err != nil {
		return nil, err
	}
	for {
		kind, body, err := readDBusMessage(in)
		switch {
		case err != nil:
			return nil, err
		case kind == dbusReturn:
			return body, nil
		case kind == dbusError:
			return nil, errors.New("systemd: " + PrintableLine(body.text()))
		}
	}
}

// dbusMethodCall is a message with a call.
func dbusMethodCall(method string, words []string) []byte {
	body := make([]byte, 4)
	for _, w := range words {
		body = appendDBusText(body, w)
	}
	binary.LittleEndian.PutUint32(body, uint32(len(body)-4))
	head := []byte{'l', dbusCall, 0, 1}
	head = binary.LittleEndian.AppendUint32(head, uint32(len(body)))
	head = binary.LittleEndian.AppendUint32(head, 1) // the first message
	head = append(head, 0, 0, 0, 0)                  // how long the fields are
	for _, f := range []struct {
		code, kind byte
		value      string
	}{
		{fieldPath, 'o', "/org/freedesktop/systemd1"},
		{fieldDestination, 's', "org.freedesktop.systemd1"},
		{fieldInterface, 's', "org.freedesktop.systemd1.Manager"},
		{fieldMember, 's', method},
	} {
		head = appendDBusText(append(padded(head, 8), f.code, 1, f.kind, 0), f.value)
	}
	head = append(padded(head, 8), fieldSignature, 1, 'g', 0, 2, 'a', 's', 0)
	binary.LittleEndian.PutUint32(head[12:], uint32(len(head)-16))
	return append(padded(head, 8), body...)
}

func appendDBusText(b []byte, text string) []byte {
	b = binary.LittleEndian.AppendUint32(padded(b, 4), uint32(len(text)))
	return append(append(b, text...), 0)
}

// padded has a length that is a multiple of one of D-Bus's alignments.
func padded(b []byte, alignment int) []byte {
	for len(b)%alignment != 0 {
		b = append(b, 0)
	}
	return b
}

// readDBusMessage reads a message, in the byte order of who wrote it.
func readDBusMessage(r io.Reader) (kind byte, body *dbusReader, err error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 'B' {
		order = binary.BigEndian
	}
	fields, length := uint64(order.Uint32(head[12:])), uint64(order.Uint32(head[4:]))
	fields = (fields + 7) &^ 7
	if head[0] != 'B' && head[0] != 'l' || fields+length > maxDBusMessage {
		return 0, nil, errors.New("what systemd answers is not a message of D-Bus")
	}
	rest := make([]byte, fields+length)
	if _, err := io.ReadFull(r, rest); err != nil {
		return 0, nil, err
	}
	return head[1], &dbusReader{order: order, data: rest[fields:]}, nil
}

// A dbusReader reads the values of a message. Behind its end there is nothing but zeros
// and "", and damaged is set.
type dbusReader struct {
	order   binary.ByteOrder
	data    []byte
	at      int
	damaged bool
}

// take returns the next bytes, from a multiple of an alignment on; nil if they are not there.
func (r *dbusReader) take(alignment, n int) []byte {
	r.at = (r.at + alignment - 1) / alignment * alignment
	if r.damaged || n < 0 || r.at > len(r.data) || n > len(r.data)-r.at {
		r.damaged = true
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *dbusReader) number() int {
	if b := r.take(4, 4); b != nil {
		return int(r.order.Uint32(b))
	}
	return 0
}

// text reads a string, or the path of an object, which ends with a zero.
func (r *dbusReader) text() string {
	b := r.take(1, r.number()+1)
	return string(b[:max(len(b)-1, 0)])
}
