package doc

import (
	"strconv"
	"strings"
)

// A Version of the spec, in order of age.
type Version uint8

// The versions of spec 2, another language, which package spec2 translates, and
// then those that Parse accepts.
const (
	V2_0 Version = iota
	V2_1
	V2_2
	V2_3
	V2_4
	V3_0
	V3_1
	V3_2
	V3_3
	V3_4
	V3_5
	V3_6
	V3_7Experimental

	// Stable is the newest version that will not change any more.
	Stable = V3_6
	// Newest is the version that every accepted config is translated to.
	Newest = V3_7Experimental
)

var versionNames = [...]string{"2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0",
	"3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0", "3.6.0", "3.7.0-experimental"}

// String is the text that stands in ignition.version.
func (v Version) String() string { return versionNames[v] }

// Versions lists the versions that Parse accepts, oldest first.
func Versions() []Version { return versions(V3_0, Newest) }

// Spec2 lists the versions of spec 2, oldest first.
func Spec2() []Version { return versions(V2_0, V2_4) }

func versions(first, last Version) (all []Version) {
	for v := first; v <= last; v++ {
		all = append(all, v)
	}
	return all
}

// sinceVersion finds the version that a since tag names: a field is known from
// the first version whose major.minor matches.
func sinceVersion(tag string) Version {
	for i, name := range versionNames {
		if name == tag || name == tag+"-experimental" {
			return Version(i)
		}
	}
	panic("config: unknown version " + tag + " in a spec tag")
}

// NormalVersion drops what the reference tolerates: leading zeros of the three
// numbers, and an empty pre-release or build part. It is not ok if the text is
// not a version at all.
func NormalVersion(text string) (normal string, ok bool) {
	rest, build, _ := strings.Cut(text, "+")
	core, pre, _ := strings.Cut(rest, "-")
	parts := strings.Split(core, ".")
	ok = len(parts) == 3 && isIdentifiers(pre) && isIdentifiers(build)
	for i, p := range parts {
		n, err := strconv.ParseInt(p, 10, 64)
		ok = ok && err == nil
		parts[i] = strconv.FormatInt(n, 10)
	}
	normal = strings.Join(parts, ".")
	if pre != "" {
		normal += "-" + pre
	}
	if build != "" {
		normal += "+" + build
	}
	return normal, ok
}

// isIdentifiers reports whether s is empty or of the form ID.ID.ID.
func isIdentifiers(s string) bool {
	for _, c := range s {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '.') {
			return false
		}
	}
	return s == "" || !strings.Contains("."+s+".", "..")
}
