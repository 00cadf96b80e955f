package config

import "github.com/firstlight-os/firstlight/internal/doc"

// A Version of the spec, in order of age.
type Version = doc.Version

// The versions that Parse accepts.
const (
	V3_0             = doc.V3_0
	V3_1             = doc.V3_1
	V3_2             = doc.V3_2
	V3_3             = doc.V3_3
	V3_4             = doc.V3_4
	V3_5             = doc.V3_5
	V3_6             = doc.V3_6
	V3_7Experimental = doc.V3_7Experimental

	// Stable is the newest version that will not change any more.
	Stable = doc.Stable
	// Newest is the version that every accepted config is translated to.
	Newest = doc.Newest
)

// Versions lists the accepted versions, oldest first.
func Versions() []Version { return doc.Versions() }

// An Origin is where in a config a value came from.
type Origin = doc.Origin

// An Object is part of every object of the spec and knows its origin.
type Object = doc.Object
