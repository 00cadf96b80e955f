package config

import (
	"bytes"
	"fmt"
	"sync/atomic"
)

// MaxSize bounds a config, packed and unpacked, in bytes, and all that it leads to
// together. It is far above what any platform carries and below what an initramfs can
// hold.
const MaxSize = 256 << 20

// A Limit is how large configs may be.
type Limit struct {
	// Bytes of a text, with ValueSize for each of its values; see Size.
	Bytes int
	// Reason says what has lowered the limit: "a quarter of the 144 MiB of memory that
	// are available". It is "" if nothing has.
	Reason string
}

// String is for messages: "256 MiB".
func (l Limit) String() string {
	text := fmt.Sprintf("%d MiB", l.Bytes>>20)
	if l.Reason != "" {
		text += ", which is " + l.Reason
	}
	return text
}

// lowered is what LowerLimit has set.
var lowered atomic.Pointer[Limit]

// CurrentLimit returns how large a config may be, MaxSize unless LowerLimit was called.
func CurrentLimit() Limit {
	if l := lowered.Load(); l != nil {
		return *l
	}
	return Limit{Bytes: MaxSize}
}

// LowerLimit sets how large configs may be from now on, in the whole program: it is for
// machines with little memory.
func LowerLimit(l Limit) { lowered.Store(&l) }

// ValueSize is what each value of a config counts towards limits, in bytes, beside its
// text: what is made of it takes memory, however short it is.
const ValueSize = 160

// Size returns what a text in JSON counts towards limits, in bytes: its length, and
// ValueSize for each of its values and names. The text need not be valid.
func Size(text []byte) int {
	values := 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i)
		case ',', ':', '[':
			values++
		}
	}
	return len(text) + ValueSize*values
}

// endOfString returns the index of the quote that ends the string which begins at one.
func endOfString(text []byte, at int) int {
	for {
		next := bytes.IndexByte(text[at+1:], '"')
		if next < 0 {
			return len(text)
		}
		end := at + 1 + next
		backslash := end
		for text[backslash-1] == '\\' {
			backslash--
		}
		if (end-backslash)%2 == 0 {
			return end
		}
		at = end
	}
}
