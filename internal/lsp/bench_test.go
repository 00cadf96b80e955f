package lsp

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// A config of 5,000 files, in which somebody types at the end: what an editor waits for
// at each key.
func BenchmarkTyping(b *testing.B) {
	for name, text := range map[string]string{"butane": manyFiles(), "json": manyFilesOfJSON()} {
		for _, method := range []string{"change", "completion", "check"} {
			b.Run(name+"/"+method, func(b *testing.B) {
				s := newServer(io.Discard, Options{})
				const uri = "file:///a"
				s.setDocument(uri, name, 1, text)
				s.documents[uri].languageID = map[string]string{"butane": "butane", "json": "ignition"}[name]
				d := s.documents[uri]
				p := &positionParams{Document: textDocument{uri}, Position: d.position(strings.LastIndex(text, "mode") + 2)}
				for b.Loop() {
					switch method {
					case "change":
						s.setDocument(uri, d.languageID, 2, text)
					case "completion":
						if _, err := s.completion(p); err != nil {
							b.Fatal(err)
						}
					case "check":
						checkDocument(d, "")
					}
				}
			})
		}
	}
}

const many = 5000

func manyFiles() string {
	var b strings.Builder
	b.WriteString(head + "storage:\n  files:\n")
	for i := range many {
		fmt.Fprintf(&b, "    - path: /etc/file%d\n      mode: 0644\n      contents:\n        inline: hello\n", i)
	}
	return b.String()
}

func manyFilesOfJSON() string {
	var files []string
	for i := range many {
		files = append(files, fmt.Sprintf(`{"path": "/etc/file%d", "mode": 420, "contents": {"source": "data:,hello"}}`, i))
	}
	return `{"ignition": {"version": "3.4.0"}, "storage": {"files": [` + strings.Join(files, ",\n") + `]}}`
}
