package storage

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
)

// Strings that are not closed are secrets, too, but an expression does not find them.
func TestStringsOfJSONAreThoseOfTheExpression(t *testing.T) {
	expression := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		text := ""
		for range r.IntN(5) {
			text += []string{`"a"`, `"b\"c"`, `"\\"`, `""`, `: `, `{`, "\n", `"é"`}[r.IntN(8)]
		}
		var want []string
		for _, m := range expression.FindAllStringSubmatch(text, -1) {
			want = append(want, m[1])
		}
		if got := stringsOf(text); !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
		if got := stringsOf(text + `"open\"`); !slices.Equal(got, append(want, `open\"`)) {
			t.Fatalf("%q, and a string that is not closed: got %q", text, got)
		}
	}
}
