package zstd

// compressed decompresses a block: literals, and sequences that copy them and
// what was there before (3.1.1.3).
func (d *decoder) compressed(text []byte) error {
	literals, text, err := d.readLiterals(text)
	if err != nil {
		return err
	}
	count, text, err := sequenceCount(text)
	if err != nil {
		return err
	}
	if count == 0 {
		return d.append(literals)
	}
	if text, err = d.readTables(text); err != nil {
		return err
	}
	return d.sequences(text, count, literals)
}

// readLiterals reads the literals section (3.1.1.3.1).
func (d *decoder) readLiterals(text []byte) (literals, rest []byte, err error) {
	if len(text) == 0 {
		return nil, nil, errShort
	}
	kind, format := text[0]&3, text[0]>>2&3
	if kind < 2 {
		return plainLiterals(text, kind == 1, format)
	}
	width := [...]int{10, 10, 14, 18}[format]
	r := forward{text: text, at: 4}
	size, err := r.read(width)
	stored, err2 := r.read(width)
	text = nil
	if err == nil && err2 == nil {
		text = r.rest()
	}
	switch {
	case err != nil, err2 != nil, len(text) < stored:
		return nil, nil, errShort
	case size > maxBlock:
		return nil, nil, errCorrupt
	}
	text, rest = text[:stored], text[stored:]
	if kind == 2 {
		if d.literals, text, err = readHuffman(text); err != nil {
			return nil, nil, err
		}
	}
	if d.literals.entries == nil {
		return nil, nil, errCorrupt
	}
	if format == 0 {
		literals, err = d.literals.decode(nil, text, size)
	} else {
		literals, err = d.fourStreams(text, size)
	}
	return literals, rest, err
}

// plainLiterals are stored as they are, or as one byte that is repeated.
func plainLiterals(text []byte, repeated bool, format byte) (literals, rest []byte, err error) {
	skip, width := 3, 5
	switch format {
	case 1:
		skip, width = 4, 12
	case 3:
		skip, width = 4, 20
	}
	r := forward{text: text, at: skip}
	size, err := r.read(width)
	if err != nil {
		return nil, nil, err
	}
	rest = r.rest()
	stored := size
	if repeated {
		stored = 1
	}
	switch {
	case size > maxBlock:
		return nil, nil, errCorrupt
	case len(rest) < stored:
		return nil, nil, errShort
	case !repeated:
		return rest[:size], rest[size:], nil
	}
	for range size {
		literals = append(literals, rest[0])
	}
	return literals, rest[1:], nil
}

// fourStreams hold a quarter of the literals each. A table has the sizes of the
// first three.
func (d *decoder) fourStreams(text []byte, size int) (literals []byte, err error) {
	if len(text) < 6 {
		return nil, errShort
	}
	table, text := text[:6], text[6:]
	quarter := (size + 3) / 4
	for i := range 4 {
		stored, n := len(text), size-3*quarter
		if i < 3 {
			stored, n = int(table[2*i])|int(table[2*i+1])<<8, quarter
		}
		if len(text) < stored || n < 0 {
			return nil, errCorrupt
		}
		if literals, err = d.literals.decode(literals, text[:stored], n); err != nil {
			return nil, err
		}
		text = text[stored:]
	}
	return literals, nil
}

// sequenceCount reads the beginning of the sequences section (3.1.1.3.2.1).
func sequenceCount(text []byte) (count int, rest []byte, err error) {
	if len(text) == 0 {
		return 0, nil, errShort
	}
	size := 1
	switch first := int(text[0]); {
	case first == 255:
		size = 3
	case first >= 128:
		size = 2
	default:
		return first, text[1:], nil
	}
	if len(text) < size {
		return 0, nil, errShort
	}
	if size == 3 {
		return int(text[1]) + int(text[2])<<8 + 0x7F00, text[3:], nil
	}
	return (int(text[0])-128)<<8 + int(text[1]), text[2:], nil
}
