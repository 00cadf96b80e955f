package lsp

import "testing"

func TestPositionsCountWhatWasNegotiated(t *testing.T) {
	const s = "aä😀b\r\n\n日c"
	for _, c := range []struct {
		encoding encoding
		offset   int
		want     Position
	}{
		{utf8Units, 0, Position{0, 0}},
		{utf8Units, 7, Position{0, 7}},
		{utf16Units, 1, Position{0, 1}},
		{utf16Units, 3, Position{0, 2}},
		{utf16Units, 7, Position{0, 4}},
		{utf32Units, 7, Position{0, 3}},
		{utf16Units, 10, Position{1, 0}},
		{utf16Units, 14, Position{2, 1}},
		{utf8Units, 14, Position{2, 3}},
		{utf32Units, 15, Position{2, 2}},
	} {
		text := newText(s, c.encoding)
		if got := text.position(c.offset); got != c.want {
			t.Errorf("byte %d in %s is at %v, want %v", c.offset, c.encoding, got, c.want)
		}
		if got := text.offset(c.want); got != c.offset {
			t.Errorf("%v in %s is byte %d, want %d", c.want, c.encoding, got, c.offset)
		}
	}
}

func TestPositionsOutsideOfTheTextAreAtItsNearestByte(t *testing.T) {
	text := newText("a😀b\r\n\n", utf16Units)
	for _, c := range []struct {
		at   Position
		want int
	}{
		{Position{0, 2}, 1}, // between two surrogates
		{Position{0, 99}, 6},
		{Position{1, 5}, 8},
		{Position{9, 0}, 9},
		{Position{-1, -1}, 0},
	} {
		if got := text.offset(c.at); got != c.want {
			t.Errorf("%v is byte %d, want %d", c.at, got, c.want)
		}
	}
}

func TestEncodingIsOneThatTheClientOffers(t *testing.T) {
	for _, c := range []struct {
		offered []encoding
		want    encoding
	}{
		{nil, utf16Units},
		{[]encoding{"utf-16"}, utf16Units},
		{[]encoding{"utf-16", "utf-8"}, utf8Units},
		{[]encoding{"utf-32", "utf-16"}, utf32Units},
		{[]encoding{"utf-7"}, utf16Units},
	} {
		if got := chooseEncoding(c.offered); got != c.want {
			t.Errorf("of %q %s is chosen, want %s", c.offered, got, c.want)
		}
	}
}
