package lsp

// A symbol is a value in the outline that a client shows of a document.
type symbol struct {
	Name           string   `json:"name"`
	Kind           int      `json:"kind"`
	Range          Range    `json:"range"`
	SelectionRange Range    `json:"selectionRange"`
	Children       []symbol `json:"children,omitempty"`
}

// Kinds of symbols.
const (
	symbolProperty = 7
	symbolObject   = 19
)

// names are the members by which people know items of lists, the best first.
var names = []string{"path", "name", "label", "device", "local", "source", "number"}

// documentSymbol is the outline of a document. Scalars are left out, but for items of
// lists.
func (s *server) documentSymbol(p *documentParams) (any, error) {
	d := s.config(p.Document)
	if d == nil {
		return nil, nil
	}
	return append([]symbol{}, d.symbols(d.root)...), nil
}

func (d *document) symbols(v *value) []symbol {
	var all []symbol
	for _, c := range v.children {
		if name, at, kind := nameOfValue(v, c); name != "" {
			all = append(all, symbol{name, kind, d.rangeOf(c.extent()), d.rangeOf(at), d.symbols(c)})
		}
	}
	return all
}

// nameOfValue is what a member or item is called, "" for one that is not listed.
func nameOfValue(in, v *value) (name string, at span, kind int) {
	switch {
	case in.kind == mapping && len(v.children) > 0:
		return v.key, v.keySpan, symbolProperty
	case in.kind != list || v.kind != mapping:
		return "", span{}, 0
	}
	for _, key := range names {
		if n := v.get(key); n != nil && n.kind == scalar && n.text != "" {
			return n.text, n.span, symbolObject
		}
	}
	return "", span{}, 0
}
