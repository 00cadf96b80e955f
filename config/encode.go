package config

import (
	"bytes"
	"io"
	"reflect"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// MarshalJSON prints a config as compact JSON of its own version, whether it was read or
// filled in: what is unset is left out, empty objects and lists that the version does not
// have, too. The version has its ExtendedSuffix if there are extensions, and only then. It
// does not validate, yet a version that is unset or unknown is an error
// (ErrNoVersion, ErrUnknownVersion), as are members that the version does not have
// (ErrNotInVersion). The error is a *ParseError with all of them.
func (c Config) MarshalJSON() ([]byte, error) {
	version, err := c.Version()
	if err != nil {
		return nil, err
	}
	tree, problems := fit(c.printed(version), version)
	if len(problems) > 0 {
		return nil, &ParseError{ErrNotInVersion, problems}
	}
	return tree.AppendJSON(make([]byte, 0, tree.PlainSize())), nil
}

// UnmarshalJSON is Parse for package encoding/json, without a name and without warnings.
func (c *Config) UnmarshalJSON(text []byte) error {
	parsed, _, err := Parse(bytes.Clone(text), "")
	if err != nil {
		return err
	}
	*c = *parsed
	return nil
}

// encode returns the tree that says what c says: that which c was decoded from,
// unless c was changed by hand.
func (c *Config) encode() *doc.Node {
	return doc.WithoutIdleExtensions(configType, doc.Encode(reflect.ValueOf(c).Elem()))
}

// synced returns c, or, if it was changed by hand, a copy of which all values
// have an origin.
func (c *Config) synced() *Config {
	tree := c.encode()
	if tree == doc.NodeOf(c.Object) {
		return c
	}
	return fromTree(tree)
}

// Save prints a config in the newest version, and, apart from it, where each of its
// values came from, for Load.
func (c *Config) Save() (text, origins []byte) {
	tree := c.saved()
	return tree.AppendJSON(make([]byte, 0, tree.PlainSize())), saveOrigins(tree)
}

// SaveTo is Save where there may not be the memory for the whole text. The error is that
// of the writer.
func (c *Config) SaveTo(text io.Writer) (origins []byte, err error) {
	tree := c.saved()
	return saveOrigins(tree), tree.WriteJSON(text)
}

func (c *Config) saved() *doc.Node {
	return c.at(Newest.String()).printed(Newest)
}

// Load reads what Save has written. It does not validate. Without origins the
// values have those of the given text instead, under name; origins that do not
// belong to the text are an error.
func Load(text, origins []byte, name string) (*Config, error) {
	root, err := doc.ReadJSON(text, &doc.Source{Name: name})
	if err != nil {
		return nil, SyntaxError(err)
	}
	_, extended, refusal := versionOf(root)
	if refusal != nil {
		return nil, refusal
	}
	if len(origins) > 0 {
		if err := restoreOrigins(root, origins); err != nil {
			return nil, err
		}
	}
	c := &normalizer{root: configType, version: Newest, extended: extended}
	c.object(root, configType)
	if c.problems.HasErrors() {
		return nil, &ParseError{ErrInvalid, c.problems}
	}
	cfg := fromTree(root)
	cfg.setVersion(Newest)
	return cfg, nil
}
