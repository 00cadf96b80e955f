package zstd

// Kinds of codes, in the order of their tables.
const (
	literalLength = iota
	offset
	matchLength
)

// kinds are what the standard says of each (3.1.1.3.2.1.1, 3.1.1.3.2.2).
var kinds = [3]struct {
	maxLog, maxSymbol int
	log               int
	shares            []int // of the predefined table
}{
	literalLength: {9, 35, 6, []int{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
	offset:        {8, 31, 5, []int{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
	matchLength: {9, 52, 6, []int{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}},
}

// extra are the bits that follow a code of a length, by how far it is above the
// codes that stand for themselves.
var extra = [3][]uint8{
	literalLength: {1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	matchLength:   {1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
}

// length is the value of a code for a length: plain codes stand for themselves,
// each one after them begins where the one before it ends.
func (r *backward) length(kind, plain, code int) int {
	if code < plain {
		return code
	}
	base := plain
	for _, n := range extra[kind][:code-plain] {
		base += 1 << n
	}
	return base + r.read(int(extra[kind][code-plain]))
}

const (
	plainLiteralLengths = 16
	plainMatchLengths   = 32
	minMatch            = 3
)

// readTables reads the tables of the sequences section (3.1.1.3.2.1).
func (d *decoder) readTables(text []byte) (rest []byte, err error) {
	if len(text) == 0 {
		return nil, errShort
	}
	modes := text[0]
	text = text[1:]
	for kind := range d.tables {
		k := &kinds[kind]
		switch modes >> (6 - 2*kind) & 3 {
		case 0:
			d.tables[kind], err = newFSE(k.log, k.shares)
		case 1:
			if len(text) == 0 {
				return nil, errShort
			}
			if int(text[0]) > k.maxSymbol {
				return nil, errCorrupt
			}
			d.tables[kind], text = oneSymbol(text[0]), text[1:]
		case 2:
			d.tables[kind], text, err = readFSE(text, k.maxLog, k.maxSymbol)
		default:
			if d.tables[kind].entries == nil {
				err = errCorrupt
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return text, nil
}

// sequences decodes and executes the sequences of a block (3.1.1.3.2.2, 4).
func (d *decoder) sequences(text []byte, count int, literals []byte) error {
	r, err := newBackward(text)
	if err != nil {
		return err
	}
	var at [3]int
	for kind := range at {
		at[kind] = r.read(d.tables[kind].log)
	}
	for i := range count {
		var codes [3]state
		for kind := range codes {
			codes[kind] = d.tables[kind].entries[at[kind]]
		}
		distance := 1<<codes[offset].symbol + r.read(int(codes[offset].symbol))
		copied := minMatch + r.length(matchLength, plainMatchLengths, int(codes[matchLength].symbol))
		taken := r.length(literalLength, plainLiteralLengths, int(codes[literalLength].symbol))
		if i < count-1 {
			for _, kind := range [...]int{literalLength, matchLength, offset} {
				at[kind] = int(codes[kind].base) + r.read(int(codes[kind].bits))
			}
		}
		if r.left < 0 || taken > len(literals) {
			return errCorrupt
		}
		if err := d.append(literals[:taken]); err != nil {
			return err
		}
		literals = literals[taken:]
		if err := d.match(d.distance(distance, taken == 0), copied); err != nil {
			return err
		}
	}
	if r.left != 0 {
		return errCorrupt
	}
	return d.append(literals)
}

// distance takes the first three values for those used last (3.1.1.5).
func (d *decoder) distance(value int, noLiterals bool) int {
	used := &d.repeated
	if value > 3 {
		*used = [3]int{value - 3, used[0], used[1]}
		return used[0]
	}
	if noLiterals {
		value++
	}
	switch value {
	case 2:
		used[0], used[1] = used[1], used[0]
	case 3:
		*used = [3]int{used[2], used[0], used[1]}
	case 4:
		*used = [3]int{used[0] - 1, used[0], used[1]}
	}
	return used[0]
}

// match copies what was there so far back, which may overlap with the copy.
func (d *decoder) match(distance, n int) error {
	from := len(d.out) - distance
	if distance <= 0 || from < d.start {
		return errCorrupt
	}
	if err := d.room(n); err != nil {
		return err
	}
	for i := range n {
		d.out = append(d.out, d.out[from+i])
	}
	return nil
}
