package hypervisor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// The messages of Hyper-V's data exchange, see struct hv_kvp_msg in
// <linux/hyperv.h>: an operation, a pool, and for a pair its type, both sizes
// with the NUL at their ends, the key and the value, in fields of fixed length.
const (
	kvpMessage  = 7432 // bytes of each message, whatever it says
	kvpKey      = 512
	kvpValue    = 2048
	kvpSizesAt  = 8
	kvpKeyAt    = 16
	kvpValueAt  = kvpKeyAt + kvpKey
	kvpRecord   = kvpKey + kvpValue // in the files of the daemon
	KVPPools    = 5                 // one for each file of the daemon
	kvpExternal = 0                 // the pool that the host sets

	kvpSet      = 1
	kvpRegister = 100

	kvpOK          = 0
	kvpUnsupported = 0x80004005

	// kvpSilence is what the host says by: that was all.
	kvpSilence = time.Second
	// kvpMost is how many messages are taken; a host has far less to say.
	kvpMost = 1 << 16
)

// KVP are the pairs of a host in the order in which they came, each with its pool in a
// byte before the record as it stands in the daemon's file of that pool.
type KVP []byte

// ReadKVP takes all pairs that the host has by the device of Hyper-V's driver. The
// host does not say them again. It is experimental: no test has met a real one.
func ReadKVP(ctx context.Context, device string) (KVP, error) {
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", device, err)
	}
	defer unix.Close(fd)
	return exchangeKVP(ctx, fd, kvpSilence)
}

// exchangeKVP is the part of the daemon: it registers, then takes what it is told
// until nothing comes any more.
func exchangeKVP(ctx context.Context, fd int, silence time.Duration) (KVP, error) {
	var message [kvpMessage]byte
	message[0] = kvpRegister
	if _, err := unix.Write(fd, message[:]); err != nil {
		return nil, fmt.Errorf("registering with the host: %w", err)
	}
	var pairs KVP
	for range kvpMost {
		there, err := readable(ctx, fd, silence)
		if !there || err != nil {
			return pairs, err
		}
		n, err := unix.Read(fd, message[:])
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			continue
		case err != nil:
			return nil, fmt.Errorf("reading a message of the host: %w", err)
		case n != kvpMessage:
			return nil, fmt.Errorf("a message of the host has %d bytes, not %d", n, kvpMessage)
		}
		answer, pair := answerKVP(message[:])
		pairs = append(pairs, pair...)
		if answer == nil {
			continue
		}
		if _, err := unix.Write(fd, answer); err != nil {
			return nil, fmt.Errorf("answering the host: %w", err)
		}
	}
	return nil, fmt.Errorf("the host has not ended after %d messages", kvpMost)
}

// readable waits for a message, but not for long.
func readable(ctx context.Context, fd int, silence time.Duration) (bool, error) {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(silence.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			err = fmt.Errorf("waiting for a message of the host: %w", err)
		}
		return n > 0, err
	}
	return false, context.Cause(ctx)
}

// answerKVP is what to say to a message, nil for nothing, and the pair in it.
func answerKVP(message []byte) (answer []byte, pair KVP) {
	operation, pool := message[0], message[1]
	if operation == kvpRegister {
		return nil, nil
	}
	result := uint32(kvpUnsupported)
	if operation == kvpSet && pool < KVPPools {
		if pair = decodeKVP(message); pair != nil {
			result = kvpOK
		}
	}
	answer = make([]byte, kvpMessage)
	binary.LittleEndian.PutUint32(answer, result)
	return answer, pair
}

// decodeKVP takes the pair of a message; nil if its sizes cannot be.
func decodeKVP(message []byte) KVP {
	keySize, valueSize := binary.LittleEndian.Uint32(message[kvpSizesAt:]), binary.LittleEndian.Uint32(message[kvpSizesAt+4:])
	if keySize > kvpKey || valueSize > kvpValue {
		return nil
	}
	pair := make(KVP, 1+kvpRecord)
	pair[0] = message[1]
	copy(pair[1:], message[kvpKeyAt:][:keySize])
	copy(pair[1+kvpKey:], message[kvpValueAt:][:valueSize])
	return pair
}

// Text is the value of a key, or those of KEY.0, KEY.1 and so on up to the first
// that is missing: values are short.
func (p KVP) Text(key string) []byte {
	if whole, _ := p.value(key); whole != "" {
		return []byte(whole)
	}
	var text []byte
	for i := 0; ; i++ {
		piece, there := p.value(key + "." + strconv.Itoa(i))
		if !there {
			return text
		}
		text = append(text, piece...)
	}
}

// value finds what the host has set. If a key comes twice the first one counts.
func (p KVP) value(key string) (string, bool) {
	for rest := p; len(rest) > kvpRecord; rest = rest[1+kvpRecord:] {
		if rest[0] == kvpExternal && untilNUL(rest[1:1+kvpKey]) == key {
			return untilNUL(rest[1+kvpKey : 1+kvpRecord]), true
		}
	}
	return "", false
}

// Pool is the daemon's file of a pool.
func (p KVP) Pool(pool byte) []byte {
	var file []byte
	for rest := p; len(rest) > kvpRecord; rest = rest[1+kvpRecord:] {
		if rest[0] == pool {
			file = append(file, rest[1:1+kvpRecord]...)
		}
	}
	return file
}

func untilNUL(field []byte) string {
	text, _, _ := bytes.Cut(field, []byte{0})
	return string(text)
}
