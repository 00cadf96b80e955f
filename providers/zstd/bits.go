package zstd

import (
	"encoding/binary"
	"math/bits"
)

// A backward reads bits from the end of a text to its beginning (4.1). Above
// the first one stands a mark, a set bit.
type backward struct {
	text []byte
	left int // bits; below zero if more were read than there are
}

func newBackward(text []byte) (backward, error) {
	if len(text) == 0 || text[len(text)-1] == 0 {
		return backward{}, errCorrupt
	}
	return backward{text, 8*len(text) - bits.LeadingZeros8(text[len(text)-1]) - 1}, nil
}

// peek is the next n bits, at most 32. After the end come zeroes.
func (r *backward) peek(n int) int {
	at := r.left - n
	if at < 0 {
		if r.left <= 0 {
			return 0
		}
		return (&backward{r.text, r.left}).peek(r.left) << -at
	}
	var window [8]byte
	copy(window[:], r.text[at/8:])
	return int(binary.LittleEndian.Uint64(window[:]) >> (at % 8) & (1<<n - 1))
}

func (r *backward) read(n int) int {
	value := r.peek(n)
	r.left -= n
	return value
}

// A forward reads bits from the beginning of a text to its end.
type forward struct {
	text []byte
	at   int // in bits
}

func (r *forward) read(n int) (int, error) {
	if r.at+n > 8*len(r.text) {
		return 0, errShort
	}
	var window [8]byte
	copy(window[:], r.text[r.at/8:])
	value := binary.LittleEndian.Uint64(window[:]) >> (r.at % 8) & (1<<n - 1)
	r.at += n
	return int(value), nil
}

// rest is what begins with the next whole byte.
func (r *forward) rest() []byte { return r.text[(r.at+7)/8:] }
