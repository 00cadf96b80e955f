package zstd

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH64.
const (
	prime1 uint64 = 11400714785074694791
	prime2 uint64 = 14029467366897019727
	prime3 uint64 = 1609587929392839161
	prime4 uint64 = 9650029242287828579
	prime5 uint64 = 2870177450012600261
)

// xxh64 is the checksum of frames, with the seed 0.
// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
func xxh64(text []byte) uint64 {
	size := uint64(len(text))
	hash := prime5
	if size >= 32 {
		lanes := [4]uint64{prime1, prime2, 0, 0}
		lanes[0] += prime2
		lanes[3] -= prime1
		for ; len(text) >= 32; text = text[32:] {
			for i := range lanes {
				lanes[i] = round(lanes[i], binary.LittleEndian.Uint64(text[8*i:]))
			}
		}
		hash = 0
		for i, turn := range [...]int{1, 7, 12, 18} {
			hash += bits.RotateLeft64(lanes[i], turn)
		}
		for _, lane := range lanes {
			hash = (hash^round(0, lane))*prime1 + prime4
		}
	}
	hash += size
	for ; len(text) >= 8; text = text[8:] {
		hash ^= round(0, binary.LittleEndian.Uint64(text))
		hash = bits.RotateLeft64(hash, 27)*prime1 + prime4
	}
	if len(text) >= 4 {
		hash ^= uint64(binary.LittleEndian.Uint32(text)) * prime1
		hash = bits.RotateLeft64(hash, 23)*prime2 + prime3
		text = text[4:]
	}
	for _, b := range text {
		hash ^= uint64(b) * prime5
		hash = bits.RotateLeft64(hash, 11) * prime1
	}
	hash = (hash ^ hash>>33) * prime2
	hash = (hash ^ hash>>29) * prime3
	return hash ^ hash>>32
}

func round(lane, value uint64) uint64 {
	return bits.RotateLeft64(lane+value*prime2, 31) * prime1
}
