package zstd

import "math/bits"

const (
	maxCode      = 11 // bits of a Huffman code
	maxWeightLog = 6
)

// A huffman is a decoding table of literals, by the next log bits (4.2).
type huffman struct {
	log     int
	entries []code
}

type code struct {
	symbol byte
	bits   uint8
}

// readHuffman reads the description of a tree (4.2.1): the weights of all
// symbols but the last.
func readHuffman(text []byte) (h huffman, rest []byte, err error) {
	if len(text) == 0 {
		return h, nil, errShort
	}
	size := int(text[0])
	text = text[1:]
	var weights []byte
	if size >= 128 { // four bits each
		n := size - 127
		if size = (n + 1) / 2; len(text) < size {
			return h, nil, errShort
		}
		for i := range n {
			weights = append(weights, text[i/2]>>(4*(1-i%2))&0xF)
		}
	} else {
		if len(text) < size {
			return h, nil, errShort
		}
		if weights, err = compressedWeights(text[:size]); err != nil {
			return h, nil, err
		}
	}
	h, err = newHuffman(weights)
	return h, text[size:], err
}

// compressedWeights are decoded by two states in turn, until the bits end.
func compressedWeights(text []byte) ([]byte, error) {
	t, text, err := readFSE(text, maxWeightLog, maxCode+1)
	if err != nil {
		return nil, err
	}
	r, err := newBackward(text)
	if err != nil {
		return nil, err
	}
	at := [2]int{r.read(t.log), r.read(t.log)}
	if r.left < 0 {
		return nil, errShort
	}
	var weights []byte
	for turn := 0; len(weights) < 255; turn = 1 - turn {
		e := t.entries[at[turn]]
		weights = append(weights, e.symbol)
		if r.left < int(e.bits) {
			return append(weights, t.entries[at[1-turn]].symbol), nil
		}
		at[turn] = int(e.base) + r.read(int(e.bits))
	}
	return nil, errCorrupt
}

// newHuffman makes the table. The weight of the last symbol is what makes the
// sum a power of two.
func newHuffman(weights []byte) (huffman, error) {
	sum := 0
	for _, w := range weights {
		if w > maxCode {
			return huffman{}, errCorrupt
		}
		sum += 1 << w >> 1
	}
	log := bits.Len(uint(sum))
	left := 1<<log - sum
	if sum == 0 || log > maxCode || left&(left-1) != 0 || len(weights) > 255 {
		return huffman{}, errCorrupt
	}
	weights = append(weights, byte(bits.Len(uint(left))))
	h := huffman{log, make([]code, 0, 1<<log)}
	for w := 1; w <= log; w++ { // the longest codes first
		for symbol, weight := range weights {
			if int(weight) != w {
				continue
			}
			for range 1 << (w - 1) {
				h.entries = append(h.entries, code{byte(symbol), uint8(log + 1 - w)})
			}
		}
	}
	if len(h.entries) != 1<<log {
		return huffman{}, errCorrupt
	}
	return h, nil
}

// decode appends n symbols of one stream.
func (h *huffman) decode(to, text []byte, n int) ([]byte, error) {
	r, err := newBackward(text)
	if err != nil {
		return nil, err
	}
	for range n {
		e := h.entries[r.peek(h.log)]
		if r.left -= int(e.bits); r.left < 0 {
			return nil, errCorrupt
		}
		to = append(to, e.symbol)
	}
	if r.left != 0 {
		return nil, errCorrupt
	}
	return to, nil
}
