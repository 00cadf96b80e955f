package butane

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// What is looked for in texts and paths is what these expressions match.
func TestMatchersAreTheirExpressions(t *testing.T) {
	matchers := []struct {
		expression *regexp.Regexp
		match      func(string) bool
	}{
		{regexp.MustCompile(`(?m)^(["']?variant["']?[ \t]*:|["']?(ignition|storage|systemd|passwd)["']?[ \t]*:[ \t]*(#.*)?\r?$)`), func(s string) bool { return hasBlockKey([]byte(s)) }},
		{regexp.MustCompile(`(?m)(^|[{,])\s*["']?variant["']?\s*:`), func(s string) bool { return hasVariantInBraces([]byte(s)) }},
		{regexp.MustCompile(`^/(etc|var)(/|$)`), isSystemMount},
		{regexp.MustCompile(`/dev/dasd[a-z]$`), func(s string) bool { return isDisk(s, "/dev/dasd") }},
	}
	pieces := []string{" ", "  ", "\n", "\r", "\t", ":", "\"", "'", "{", ",", "#", "a", "variant", "storage", "passwd:", "\nvariant: ", "/etc", "/var", "/", "/dev/dasd", "z"}
	r := rand.New(rand.NewPCG(1, 2))
	matches := make([]int, len(matchers))
	for range 20_000 {
		text := ""
		for range 1 + r.IntN(7) {
			text += pieces[r.IntN(len(pieces))]
		}
		for i, m := range matchers {
			want := m.expression.MatchString(text)
			if want {
				matches[i]++
			}
			if got := m.match(text); got != want {
				t.Fatalf("%s: %q: got %t, want %t", m.expression, text, got, want)
			}
		}
	}
	for i, n := range matches {
		if n == 0 {
			t.Errorf("no text matches %s", matchers[i].expression)
		}
	}
}
