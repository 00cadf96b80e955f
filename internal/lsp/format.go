package lsp

import (
	"strings"

	"github.com/firstlight-os/firstlight/internal/format"
)

// formatting lays a document out as "firstlightctl fmt" does.
func (s *server) formatting(p *documentParams) (any, error) {
	d := s.config(p.Document)
	if d == nil {
		return nil, nil
	}
	formatted, err := format.Config([]byte(d.string), nameOf(d.uri))
	if err != nil {
		return nil, failure(codeRequestFailed, "the config cannot be formatted: %v", err)
	}
	return d.difference(string(formatted)), nil
}

// difference is what makes another text of a document: one edit of whole lines, so that
// what is before and behind it, and the cursor there, stay.
func (d *document) difference(to string) []textEdit {
	from := d.string
	if from == to {
		return []textEdit{}
	}
	start := 0
	for i := 0; i < min(len(from), len(to)) && from[i] == to[i]; i++ {
		if from[i] == '\n' {
			start = i + 1
		}
	}
	end := 0 // how many bytes of both ends are equal
	for i := 1; i <= min(len(from), len(to))-start && from[len(from)-i] == to[len(to)-i]; i++ {
		if i == len(from)-start || from[len(from)-i-1] == '\n' {
			end = i
		}
	}
	return []textEdit{{d.rangeOf(span{start, len(from) - end}), strings.Clone(to[start : len(to)-end])}}
}
