package yaml

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func manyFiles() []byte {
	var text strings.Builder
	text.WriteString("variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "    - path: /etc/d%d/f%d # the comment of a file\n      mode: 0644\n      user: {id: %d}\n      contents:\n        inline: |\n          # file %d\n          key = value\n\n          other = \"value\"\n", i%100, i, i%7, i)
	}
	return []byte(text.String())
}

func BenchmarkRead5000Files(b *testing.B) {
	text := manyFiles()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLibrary5000Files(b *testing.B) {
	text := manyFiles()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var n yaml.Node
		if err := yaml.Unmarshal(text, &n); err != nil {
			b.Fatal(err)
		}
	}
}
