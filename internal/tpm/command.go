package tpm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Of part 2 of the specification.
const (
	tagNoSessions = 0x8001
	tagSessions   = 0x8002

	commandCapability = 0x17a
	commandRead       = 0x17e
	commandExtend     = 0x182

	capabilityPCRs = 5

	headerSize = 2 + 4 + 4 // tag, size, command or response code

	// Response codes of a TPM that is not ready.
	codeYielded = 0x908
	codeTesting = 0x90a
	codeRetry   = 0x922
)

const (
	// maxResponse is more than any of these commands is answered with, in bytes.
	maxResponse = 4096
	// maxTries is how often a command is sent that the TPM is not ready for. It is
	// itself the one that waits.
	maxTries = 10
)

// A TPM takes commands and gives answers, one after the other: the device /dev/tpmrm0, or
// the socket of an emulator.
type TPM struct{ device io.ReadWriter }

// New returns the TPM behind a device.
func New(device io.ReadWriter) *TPM { return &TPM{device} }

// errDamaged is an answer that is none.
var errDamaged = errors.New("the TPM has answered with something else than the answer")

// command sends a command until the TPM is ready for it, and returns what follows the
// header of the answer.
func (t *TPM) command(tag uint16, code uint32, parameters []byte) ([]byte, error) {
	b := binary.BigEndian.AppendUint16(nil, tag)
	b = binary.BigEndian.AppendUint32(b, uint32(headerSize+len(parameters)))
	b = binary.BigEndian.AppendUint32(b, code)
	b = append(b, parameters...)
	for try := 1; ; try++ {
		if _, err := t.device.Write(b); err != nil {
			return nil, fmt.Errorf("sending the TPM a command: %w", err)
		}
		answer, status, err := readAnswer(t.device)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading the answer of the TPM: %w", err)
		case (status == codeYielded || status == codeTesting || status == codeRetry) && try < maxTries:
		case status != 0:
			return nil, fmt.Errorf("the TPM has refused the command %#x: response code %#x", code, status)
		default:
			return answer, nil
		}
	}
}

// readAnswer reads a whole answer: a device gives it in one piece, and has it only once.
func readAnswer(r io.Reader) (body []byte, status uint32, err error) {
	buffer := make([]byte, maxResponse)
	n, err := io.ReadAtLeast(r, buffer, headerSize)
	if err != nil {
		return nil, 0, err
	}
	size := binary.BigEndian.Uint32(buffer[2:])
	if size < headerSize || size > maxResponse || n > int(size) {
		return nil, 0, errDamaged
	}
	if _, err := io.ReadFull(r, buffer[n:size]); err != nil {
		return nil, 0, err
	}
	return buffer[headerSize:size], binary.BigEndian.Uint32(buffer[6:]), nil
}

// A reader reads the encoding of a TPM. What is not there is 0 or empty, and failed is
// set.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.failed = nil, true
		return make([]byte, min(n, 8))
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) uint8() uint8   { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
