package config

import (
	"math"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// Merge lays child over parent: what the child sets counts, lists are joined
// item by item where the spec gives the items a key, and appended otherwise. The result
// has the higher of the two versions, and the extensions of both. Neither is changed. Merging does not validate; see
// Config.Validate and Config.ValidateMerged.
func Merge(parent, child *Config) *Config {
	version := parent.Ignition.Version
	if age(child.Ignition.Version) > age(version) {
		version = child.Ignition.Version
	}
	return fromTree(doc.Merge(configType, parent.at(version).encode(), child.at(version).encode()))
}

// age orders texts of versions. One that is unset is the lowest. One that is not known is
// the highest, so that whoever prints what was merged with it is told.
func age(version string) Version {
	if v, known := lookupVersion(strings.TrimSuffix(version, ExtendedSuffix)); known || version == "" {
		return v
	}
	return math.MaxUint8
}
