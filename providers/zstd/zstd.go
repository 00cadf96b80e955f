// Package zstd decompresses Zstandard (RFC 8878), as small as can be: whole
// texts in memory, without dictionaries. The libraries that do it cost a
// quarter of a megabyte in every initramfs, for configs that are read once.
package zstd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	magic         = 0xFD2FB528
	skippable     = 0x184D2A50 // the lowest four bits may be any
	maxBlock      = 128 << 10  // bytes that a block may hold
	blockHeader   = 3
	checksumBytes = 4
)

var (
	errShort   = errors.New("it ends too early")
	errCorrupt = errors.New("it is damaged")
)

// Decompress decompresses all frames of a text, and passes over NULs after them,
// with which devices are filled up. What would be larger than most
// bytes is an error, and found out before it takes memory.
func Decompress(text []byte, most int) ([]byte, error) {
	var out []byte
	for first := true; len(text) > 0; first = false {
		if !first && len(bytes.Trim(text, "\x00")) == 0 {
			break
		}
		var err error
		if text, out, err = frame(text, out, most); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// frame takes one frame off the text and appends what is in it to out.
func frame(text, out []byte, most int) (rest, all []byte, err error) {
	if len(text) < 8 {
		return nil, nil, errShort
	}
	switch first := binary.LittleEndian.Uint32(text); {
	case first&^0xF == skippable:
		size := uint64(binary.LittleEndian.Uint32(text[4:])) + 8
		if uint64(len(text)) < size {
			return nil, nil, errShort
		}
		return text[size:], out, nil
	case first != magic:
		return nil, nil, errors.New("after the compressed text there is something else")
	}
	text, checksum, err := header(text[4:])
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{out: out, start: len(out), most: most, repeated: [3]int{1, 4, 8}}
	if text, err = d.blocks(text); err != nil {
		return nil, nil, err
	}
	if !checksum {
		return text, d.out, nil
	}
	if len(text) < checksumBytes {
		return nil, nil, errShort
	}
	if binary.LittleEndian.Uint32(text) != uint32(xxh64(d.out[d.start:])) {
		return nil, nil, errors.New("its checksum is wrong: it is damaged")
	}
	return text[checksumBytes:], d.out, nil
}

// header reads a frame's header (3.1.1.1). Sizes are not needed: the window is
// all that there is, and memory is bounded by what comes out.
func header(text []byte) (rest []byte, checksum bool, err error) {
	descriptor := text[0]
	single := descriptor&0x20 != 0
	dictionary := [...]int{0, 1, 2, 4}[descriptor&3]
	content := [...]int{0, 2, 4, 8}[descriptor>>6]
	if single && content == 0 {
		content = 1
	}
	at := 1
	if !single {
		at++ // the window
	}
	if len(text) < at+dictionary+content {
		return nil, false, errShort
	}
	for _, b := range text[at : at+dictionary] {
		if b != 0 {
			return nil, false, errors.New("it needs a dictionary")
		}
	}
	if descriptor&8 != 0 {
		return nil, false, errCorrupt
	}
	return text[at+dictionary+content:], descriptor&4 != 0, nil
}

// A decoder is the memory that the blocks of a frame share.
type decoder struct {
	out      []byte
	start    int // of the frame in out
	most     int
	repeated [3]int // the offsets used last
	literals huffman
	tables   [3]fse // of literal lengths, offsets and match lengths
}

// blocks decompresses all blocks of a frame (3.1.1.2).
func (d *decoder) blocks(text []byte) (rest []byte, err error) {
	for {
		if len(text) < blockHeader {
			return nil, errShort
		}
		head := int(text[0]) | int(text[1])<<8 | int(text[2])<<16
		last, kind, size := head&1 != 0, head>>1&3, head>>3
		text = text[blockHeader:]
		stored := size
		if kind == 1 {
			stored = 1
		}
		switch {
		case size > maxBlock:
			return nil, errCorrupt
		case len(text) < stored:
			return nil, errShort
		}
		switch kind {
		case 0:
			err = d.append(text[:size])
		case 1:
			err = d.repeat(text[0], size)
		case 2:
			err = d.compressed(text[:size])
		default:
			err = errCorrupt
		}
		if err != nil {
			return nil, err
		}
		if text = text[stored:]; last {
			return text, nil
		}
	}
}

func (d *decoder) room(n int) error {
	if len(d.out)+n > d.most {
		return fmt.Errorf("there is more than %d MiB in it", d.most>>20)
	}
	return nil
}

func (d *decoder) append(text []byte) error {
	if err := d.room(len(text)); err != nil {
		return err
	}
	d.out = append(d.out, text...)
	return nil
}

func (d *decoder) repeat(b byte, n int) error {
	if err := d.room(n); err != nil {
		return err
	}
	for range n {
		d.out = append(d.out, b)
	}
	return nil
}
