package fetch

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// Kinds of packets (RFC 1350; the last one RFC 2347).
const (
	tftpRead    = 1
	tftpData    = 3
	tftpAck     = 4
	tftpError   = 5
	tftpOptions = 6
)

// Codes of errors.
const (
	tftpNoFile          = 1
	tftpUnknownTransfer = 5
	tftpBadOption       = 8
)

// A tftpPacket is what a server sends.
type tftpPacket struct {
	kind  uint16
	block uint16 // of data
	data  []byte // of data, a part of the packet
	// code and text are those of an error.
	code uint16
	text string
	// blockSize is the only option; 0 is refused.
	blockSize int
}

// errBadPacket is a packet that is not TFTP.
var errBadPacket = errors.New("TFTP: the server sent a packet that is none")

func parseTFTP(packet []byte) (tftpPacket, error) {
	if len(packet) < 2 {
		return tftpPacket{}, errBadPacket
	}
	p, rest := tftpPacket{kind: binary.BigEndian.Uint16(packet)}, packet[2:]
	switch {
	case p.kind == tftpOptions:
		return p, p.options(string(rest))
	case p.kind != tftpData && p.kind != tftpError, len(rest) < 2:
		return p, errBadPacket
	}
	number := binary.BigEndian.Uint16(rest)
	if p.kind == tftpData {
		p.block, p.data = number, rest[2:]
		return p, nil
	}
	p.code = number
	p.text, _, _ = strings.Cut(string(rest[2:]), "\x00")
	p.text = Printable(p.text)
	return p, nil
}

// options parses names and values, each with a zero byte after it. A server must
// not send others than those requested.
func (p *tftpPacket) options(text string) error {
	for text != "" {
		name, rest, ok := strings.Cut(text, "\x00")
		value, rest, ok2 := strings.Cut(rest, "\x00")
		size, err := strconv.Atoi(value)
		if !ok || !ok2 || !strings.EqualFold(name, "blksize") || err != nil || size < 8 || size > tftpBlock {
			return errBadPacket
		}
		p.blockSize, text = size, rest
	}
	return nil
}

// readRequest returns a request for a file, in large blocks if options are allowed.
func readRequest(name string, options bool) []byte {
	text := "\x00\x01" + name + "\x00octet\x00"
	if options {
		text += "blksize\x00" + strconv.Itoa(tftpBlock) + "\x00"
	}
	return []byte(text)
}

func acknowledgement(block uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{0, tftpAck}, block)
}

func errorPacket(code uint16, text string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0, tftpError}, code), text+"\x00"...)
}
