// Package canary looks for secrets where they should not be. Each secret of a test is
// a word of its own, a canary, so that one that is found says which secret it is. The
// readers are for all channels: what programs print and log, which files they leave and
// have for a while, and what they hand to other programs.
package canary

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
)

// Birds are the canaries of a test, by what they stand for.
type Birds map[string]string

// Word is the canary of a place. It looks the same in JSON, YAML and a URL.
func (b Birds) Word(place string) string {
	if b[place] == "" {
		b[place] = fmt.Sprintf("canary%03dqzjxw", len(b)+1)
	}
	return b[place]
}

// In returns the places whose canaries are in a text, also as base64.
func (b Birds) In(text []byte) []string {
	var all []string
	for place, word := range b {
		if slices.ContainsFunc(forms(word), func(f string) bool { return bytes.Contains(text, []byte(f)) }) {
			all = append(all, place)
		}
	}
	slices.Sort(all)
	return all
}

// forms are a word, and what base64 makes of it at each of the three places where a
// word can begin, without what depends on the words around it.
func forms(word string) []string {
	all := []string{word}
	for skip := range 3 {
		rest := word[(3-skip)%3:]
		all = append(all, base64.StdEncoding.EncodeToString([]byte(rest[:len(rest)/3*3])))
	}
	return all
}

// None checks that a channel has no canary.
func (b Birds) None(t testing.TB, channel string, text []byte) {
	t.Helper()
	if found := b.In(text); len(found) > 0 {
		t.Errorf("%s shows %q:\n%.6000s", channel, found, text)
	}
}
