package butane

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkParse5000Files(b *testing.B) {
	var text strings.Builder
	text.WriteString("variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "    - path: /etc/d%d/f%d # the comment of a file\n      mode: 0644\n      user: {id: %d}\n      contents:\n        inline: |\n          # file %d\n          key = value\n\n          other = \"value\"\n", i%100, i, i%7, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems, err := Parse([]byte(text.String()), "bench"); err != nil || len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
