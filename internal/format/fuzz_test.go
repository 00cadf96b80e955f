package format

import (
	"errors"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func FuzzConfig(f *testing.F) {
	for _, name := range filesOf(f, corpus+"*.bu", 80) {
		f.Add(readFile(f, name))
	}
	for _, text := range []string{
		`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "mode": 1e2}, []]}}`,
		"{variant: fcos, a: \"b\n c\"}", "variant: fcos\n? a\n: - |2\n   b\n", "--- !!map &a\nvariant: fcos\na: |+\n   b\n\n...\n--- c",
		"variant: fcos\na:\n-\n  # b\n  - &b c: 'd\n\n    e'\n    <<: *b\n", "variant: fcos\r\na: [\r\n],\r\nb: \"c\\\r\n  d\u2028\"\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		formatted, err := Config(text, "fuzz")
		if err != nil {
			var refused *config.ParseError
			if !errors.As(err, &refused) || formatted != nil {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := Config(formatted, "fuzz")
		if err != nil || string(again) != string(formatted) {
			t.Fatalf("%q\nis formatted as\n%q\nand again as\n%q: %v", text, formatted, again, err)
		}
		if got, want := translated(formatted, ""), translated(text, ""); got != want {
			t.Fatalf("%q\nis formatted as\n%q\nwhich means\n%s\nbefore\n%s", text, formatted, got, want)
		}
	})
}
