package config

import (
	"fmt"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// A Version of the spec, in order of age, so that versions can be compared with < and >.
// Its method String returns what stands in ignition.version: "3.4.0".
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
	// Newest is the version that Save prints and that machines apply.
	Newest = doc.Newest
)

// ParseVersion returns the version of the spec that a text names, such as "3.4.0". The
// error lists those that there are.
func ParseVersion(text string) (Version, error) {
	if v, known := lookupVersion(text); known {
		return v, nil
	}
	return 0, fmt.Errorf("there is no version %q of the spec; there are %s", text, versionList())
}

func lookupVersion(text string) (v Version, known bool) {
	for _, v := range Versions() {
		if text == v.String() {
			return v, true
		}
	}
	return 0, false
}

// Versions lists the accepted versions, oldest first.
func Versions() []Version { return doc.Versions() }

// An Origin is where in a config a value came from. It has the fields Source (the name that
// was given to Parse), Line and Column (from 1 on, in bytes; 0 if not known), Path
// ("storage.files[2].mode") and Butane, and the methods String, IsZero and Key, which
// returns a key as it is written in the language of the config.
type Origin = doc.Origin

// An Object is part of every object of the spec and knows its origin; leave it out when you
// fill one in. Its method Origin takes the names and indexes that lead to a member:
//
//	cfg.Storage.Files[2].Origin("contents", "source")
//
// IsPresent reports whether the config that was read has the object, Key is Origin.Key, and
// OriginInside returns where a byte of a text of several lines is.
type Object = doc.Object
