package config

import "github.com/firstlight-os/firstlight/internal/doc"

// Merge lays child over parent: what the child sets counts, lists are joined
// item by item where the spec gives the items a key, and appended otherwise.
// Neither is changed. Merging does not validate; see Config.Validate.
func Merge(parent, child *Config) *Config {
	return fromTree(doc.Merge(configType, parent.encode(), child.encode()))
}
