package config

import (
	"reflect"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Marshal prints a config as compact JSON. A config that does not say its
// version is of the newest.
func (c *Config) Marshal() []byte {
	return c.encode().AppendJSON(nil)
}

// MarshalJSON is Marshal, for packages that print JSON.
func (c Config) MarshalJSON() ([]byte, error) { return c.Marshal(), nil }

// encode returns the tree that says what c says: that which c was decoded from,
// unless c was changed by hand.
func (c *Config) encode() *doc.Node {
	if c.Ignition.Version == "" {
		versioned := *c
		versioned.Ignition.Version = Newest.String()
		c = &versioned
	}
	return doc.Encode(reflect.ValueOf(c).Elem())
}

// synced returns c, or, if it was changed by hand, a copy of which all values
// have an origin.
func (c *Config) synced() *Config {
	tree := c.encode()
	if tree == c.Node() {
		return c
	}
	return fromTree(tree)
}

// Save prints a config like Marshal, and, apart from it, where each of its
// values came from, for Load.
func (c *Config) Save() (text, origins []byte) {
	tree := c.encode()
	return tree.AppendJSON(nil), saveOrigins(tree)
}

// Load reads what Save has written. It does not validate. Without origins the
// values have those of the given text instead, under name; origins that do not
// belong to the text are an error.
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
	c := &normalizer{root: configType, version: Newest}
	c.object(root, configType)
	if c.problems.HasErrors() {
		return nil, &ParseError{ErrInvalid, c.problems}
	}
	return fromTree(root), nil
}
