package config

import "github.com/go-json-experiment/json/jsontext"

// Marshal prints a config as compact JSON of the newest version.
func (c *Config) Marshal() []byte {
	return appendNode(nil, c.node)
}

// Save prints a config like Marshal, and, apart from it, where each of its
// values came from, for Load.
func (c *Config) Save() (text, origins []byte) {
	return c.Marshal(), saveOrigins(c.node)
}

// Load reads what Save has written. It does not validate. Without origins the
// values know their place in the given text instead, under name; origins that
// do not belong to the text are an error.
func Load(text, origins []byte, name string) (*Config, error) {
	root, problem := readJSON(text, &source{name})
	if problem != nil {
		return nil, &ParseError{ErrInvalid, Problems{*problem}}
	}
	if _, err := versionOf(root); err != nil {
		return nil, err
	}
	if len(origins) > 0 {
		if err := restoreOrigins(root, origins); err != nil {
			return nil, err
		}
	}
	c := &cleaner{version: Newest}
	c.object(root, configType)
	if c.problems.Refused() {
		return nil, &ParseError{ErrInvalid, c.problems}
	}
	return fromTree(root), nil
}

func appendNode(b []byte, n *node) []byte {
	switch n.kind {
	case objectNode:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, m.name)
			b = append(b, ':')
			b = appendNode(b, m.value)
		}
		return append(b, '}')
	case arrayNode:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNode(b, item)
		}
		return append(b, ']')
	case stringNode:
		return appendString(b, n.text)
	case nullNode:
		return append(b, "null"...)
	}
	return append(b, n.text...)
}

func appendString(b []byte, s string) []byte {
	// The only error is invalid UTF-8, for which replacement characters are
	// written, which is what reading such a string gives anyway.
	b, _ = jsontext.AppendQuote(b, s)
	return b
}
