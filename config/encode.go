package config

import "github.com/firstlight-os/firstlight/internal/doc"

// Marshal prints a config as compact JSON of the newest version.
func (c *Config) Marshal() []byte {
	return c.Node().AppendJSON(nil)
}

// Save prints a config like Marshal, and, apart from it, where each of its
// values came from, for Load.
func (c *Config) Save() (text, origins []byte) {
	return c.Marshal(), saveOrigins(c.Node())
}

// Load reads what Save has written. It does not validate. Without origins the
// values know their place in the given text instead, under name; origins that
// do not belong to the text are an error.
func Load(text, origins []byte, name string) (*Config, error) {
	root, err := doc.ReadJSON(text, &doc.Source{Name: name})
	if err != nil {
		return nil, SyntaxError(err)
	}
	if _, err := versionOf(root); err != nil {
		return nil, err
	}
	if len(origins) > 0 {
		if err := restoreOrigins(root, origins); err != nil {
			return nil, err
		}
	}
	c := &normalizer{version: Newest}
	c.object(root, doc.FieldsOf(configType))
	if c.problems.HasErrors() {
		return nil, &ParseError{ErrInvalid, c.problems}
	}
	return fromTree(root), nil
}
