package zstd

import "math/bits"

// An fse is a decoding table of finite state entropy (4.1). Without entries
// there is none yet.
type fse struct {
	log     int // of the number of states
	entries []state
}

// A state stands for a symbol, and leads to base plus so many bits.
type state struct {
	symbol byte
	bits   uint8
	base   uint16
}

// readFSE reads the description of a table (4.1.1).
func readFSE(text []byte, maxLog, maxSymbol int) (t fse, rest []byte, err error) {
	r := forward{text: text}
	log, err := r.read(4)
	if err != nil {
		return t, nil, err
	}
	log += 5
	if log > maxLog {
		return t, nil, errCorrupt
	}
	var shares []int // of the states, by symbol; -1 is less than one
	for left := 1 << log; left > 0; {
		share, err := readShare(&r, left)
		if err != nil {
			return t, nil, err
		}
		if shares = append(shares, share); share < 0 {
			left--
		}
		left -= max(share, 0)
		for more := 3; share == 0 && more == 3; {
			if more, err = r.read(2); err != nil {
				return t, nil, err
			}
			shares = append(shares, make([]int, more)...)
		}
		if left < 0 || len(shares) > maxSymbol+1 {
			return t, nil, errCorrupt
		}
	}
	t, err = newFSE(log, shares)
	return t, r.rest(), err
}

// readShare reads the share of the next symbol. Small values take a bit less.
func readShare(r *forward, left int) (int, error) {
	n := bits.Len(uint(left + 1))
	low := 1<<(n-1) - 1
	short := 1<<n - 1 - (left + 1) // so many values do without the highest bit
	value, err := r.read(n - 1)
	if err != nil {
		return 0, err
	}
	if value < short {
		return value - 1, nil
	}
	high, err := r.read(1)
	if err != nil {
		return 0, err
	}
	if value |= high << (n - 1); value > low {
		value -= short
	}
	return value - 1, nil
}

// newFSE spreads the symbols over the states.
func newFSE(log int, shares []int) (fse, error) {
	size := 1 << log
	t := fse{log, make([]state, size)}
	next := make([]int, len(shares))
	high := size
	for symbol, share := range shares {
		next[symbol] = share
		if share < 0 {
			if high--; high < 0 {
				return t, errCorrupt
			}
			t.entries[high].symbol, next[symbol] = byte(symbol), 1
		}
	}
	step, at := size>>1+size>>3+3, 0
	for symbol, share := range shares {
		for range max(share, 0) {
			t.entries[at].symbol = byte(symbol)
			for at = (at + step) & (size - 1); at >= high && high > 0; {
				at = (at + step) & (size - 1)
			}
		}
	}
	for i := range t.entries {
		e := &t.entries[i]
		n := next[e.symbol]
		next[e.symbol]++
		if n == 0 {
			return t, errCorrupt
		}
		e.bits = uint8(log - bits.Len(uint(n)) + 1)
		e.base = uint16(n<<e.bits - size)
	}
	return t, nil
}

// oneSymbol is a table that knows only one.
func oneSymbol(symbol byte) fse { return fse{0, []state{{symbol: symbol}}} }
