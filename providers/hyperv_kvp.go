package providers

import (
	"bytes"
	"encoding/binary"
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
	kvpPools    = 5
	kvpExternal = 0 // the pool that the host sets

	kvpSet      = 1
	kvpRegister = 100

	kvpOK          = 0
	kvpUnsupported = 0x80004005
)

// kvpPairs are pairs in the order in which they came, each with its pool in a
// byte before the record as it stands in the daemon's file of that pool.
type kvpPairs []byte

// answerKVP is what to say to a message, nil for nothing, and the pair in it.
func answerKVP(message []byte) (answer []byte, pair kvpPairs) {
	operation, pool := message[0], message[1]
	if operation == kvpRegister {
		return nil, nil
	}
	result := uint32(kvpUnsupported)
	if operation == kvpSet && pool < kvpPools {
		if pair = decodeKVP(message); pair != nil {
			result = kvpOK
		}
	}
	answer = make([]byte, kvpMessage)
	binary.LittleEndian.PutUint32(answer, result)
	return answer, pair
}

// decodeKVP takes the pair of a message; nil if its sizes cannot be.
func decodeKVP(message []byte) kvpPairs {
	keySize, valueSize := binary.LittleEndian.Uint32(message[kvpSizesAt:]), binary.LittleEndian.Uint32(message[kvpSizesAt+4:])
	if keySize > kvpKey || valueSize > kvpValue {
		return nil
	}
	pair := make(kvpPairs, 1+kvpRecord)
	pair[0] = message[1]
	copy(pair[1:], message[kvpKeyAt:][:keySize])
	copy(pair[1+kvpKey:], message[kvpValueAt:][:valueSize])
	return pair
}

// value finds what the host has set. If a key comes twice the first one counts.
func (p kvpPairs) value(key string) (string, bool) {
	for rest := p; len(rest) > kvpRecord; rest = rest[1+kvpRecord:] {
		if rest[0] == kvpExternal && untilNUL(rest[1:1+kvpKey]) == key {
			return untilNUL(rest[1+kvpKey : 1+kvpRecord]), true
		}
	}
	return "", false
}

// pool is the daemon's file of a pool.
func (p kvpPairs) pool(pool byte) []byte {
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
