package config

import "github.com/firstlight-os/firstlight/config/internal/tree"

// A Version of the spec, in order of age.
type Version = tree.Version

// The versions that Parse accepts.
const (
	V3_0             = tree.V3_0
	V3_1             = tree.V3_1
	V3_2             = tree.V3_2
	V3_3             = tree.V3_3
	V3_4             = tree.V3_4
	V3_5             = tree.V3_5
	V3_6             = tree.V3_6
	V3_7Experimental = tree.V3_7Experimental

	// Stable is the newest version that will not change any more.
	Stable = tree.Stable
	// Newest is the version that every accepted config is translated to.
	Newest = tree.Newest
)

// Versions lists the accepted versions, oldest first.
func Versions() []Version { return tree.Versions() }

// An Origin is the place in a config that a value came from.
type Origin = tree.Origin

// An Object is part of every object of the spec and knows where it stood.
type Object = tree.Object
