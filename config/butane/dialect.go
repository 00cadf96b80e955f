package butane

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// A Dialect is one variant of Butane at one version.
type Dialect struct {
	// Variant and Version are the values of these keys in the document.
	Variant, Version string
	// Spec is the version of the spec that it is translated to, from which most of
	// the language follows.
	Spec config.Version
	// root lists the keys that the variant adds at the root.
	root []string
	// forbidden are the parts of the spec that its systems cannot do.
	forbidden []forbidden
	// release is the minor number of the release of OpenShift 4 that has the same rules,
	// 0 for other variants.
	release int
}

func (d *Dialect) String() string { return d.Variant + " " + d.Version }

// firstlight is the variant with our own extensions. It is for no distribution, so that
// nothing is checked that holds for the image of one.
const (
	openshift  = "openshift"
	firstlight = "firstlight"
)

// Dialects returns all dialects, the oldest of each variant first.
func Dialects() []Dialect { return slices.Clone(dialects()) }

// dialects are made when a config is Butane: their texts are long.
var dialects = sync.OnceValue(func() []Dialect {
	return slices.Concat(
		fedora(),
		newSeries("flatcar", nil,
			Dialect{Version: "1.0.0", Spec: config.V3_3, forbidden: noClevis},
			Dialect{Version: "1.1.0", Spec: config.V3_4, forbidden: noClevis},
			Dialect{Version: "1.2.0-experimental", Spec: config.V3_7Experimental, forbidden: noCex}),
		newSeries("r4e", noStorage("RHEL for Edge (r4e)"),
			Dialect{Version: "1.0.0", Spec: config.V3_3},
			Dialect{Version: "1.1.0", Spec: config.V3_4},
			Dialect{Version: "1.2.0-experimental", Spec: config.V3_7Experimental}),
		newSeries("fiot", noStorage("Fedora IoT (fiot)"),
			Dialect{Version: "1.0.0", Spec: config.V3_4},
			Dialect{Version: "1.1.0-experimental", Spec: config.V3_7Experimental}),
		openshifts(),
		newSeries(firstlight, nil,
			Dialect{Version: "1.0.0", Spec: config.V3_6, root: append([]string{"facts", "include", "params"}, bootAndGrub...)}),
	)
})

// bootAndGrub are the keys that newer versions of fcos have at the root.
var bootAndGrub = []string{"boot_device", "grub"}

func newSeries(variant string, without []forbidden, versions ...Dialect) []Dialect {
	for i := range versions {
		versions[i].Variant = variant
		versions[i].forbidden = append(versions[i].forbidden, without...)
	}
	return versions
}

// fedora has one minor version per minor version of the spec, except 1.3.0, which
// added boot_device.
func fedora() []Dialect {
	bootDevice := []string{"boot_device"}
	return newSeries("fcos", nil,
		Dialect{Version: "1.0.0", Spec: config.V3_0},
		Dialect{Version: "1.1.0", Spec: config.V3_1},
		Dialect{Version: "1.2.0", Spec: config.V3_2},
		Dialect{Version: "1.3.0", Spec: config.V3_2, root: bootDevice},
		Dialect{Version: "1.4.0", Spec: config.V3_3, root: bootDevice},
		Dialect{Version: "1.5.0", Spec: config.V3_4, root: bootAndGrub},
		Dialect{Version: "1.6.0", Spec: config.V3_5, root: bootAndGrub},
		Dialect{Version: "1.7.0", Spec: config.V3_6, root: bootAndGrub},
		Dialect{Version: "1.8.0-experimental", Spec: config.V3_7Experimental, root: bootAndGrub})
}

// openshifts has a version for each release of OpenShift.
func openshifts() []Dialect {
	const first, last = 8, 23
	var all []Dialect
	for release := first; release < last; release++ {
		all = append(all, newOpenShift(fmt.Sprintf("4.%d.0", release), release))
	}
	return append(all,
		newOpenShift("4.23.0-experimental", last),
		newOpenShift("5.0.0", 22),
		newOpenShift("5.1.0-experimental", last))
}

// newOpenShift returns the dialect with the rules of a release of OpenShift 4.
func newOpenShift(version string, release int) Dialect {
	d := Dialect{
		Variant: openshift, Version: version, release: release,
		Spec: config.V3_2, root: []string{"boot_device", "metadata", "openshift"},
		forbidden: machineConfigLimits(release),
	}
	if release >= 14 {
		d.Spec, d.root = config.V3_4, append(d.root, "grub")
	}
	if release >= 19 {
		d.Spec = config.V3_5
	}
	if release >= 23 {
		d.Spec = config.V3_7Experimental
	}
	return d
}

// findDialect returns the dialect of a variant and a version, which may have leading
// zeros, or else the rule that these break.
func findDialect(variant, version string) (*Dialect, config.Rule, error) {
	normal, ok := doc.NormalVersion(version)
	if !ok {
		return nil, config.RuleVersionForm, fmt.Errorf("%q is not a version; it should have three numbers, like %q", version, newest(variant))
	}
	var versions []string
	all := dialects()
	for i := range all {
		switch d := &all[i]; {
		case d.Variant != variant:
		case d.Version == normal:
			return d, 0, nil
		default:
			versions = append(versions, d.Version)
		}
	}
	switch {
	case variant == "rhcos" && normal == "0.1.0":
		return nil, config.RuleVariantUnknown, fmt.Errorf("the variant rhcos was removed; use the variant openshift")
	case versions == nil:
		return nil, config.RuleVariantUnknown, fmt.Errorf("the variant %q is unknown; it should be one of %s", variant, strings.Join(variants(), ", "))
	}
	return nil, config.RuleVersionUnknown, fmt.Errorf("there is no version %s of the variant %s; there are %s%s", version, variant, strings.Join(versions, ", "), versionHint(normal, versions))
}

// versionHint says what may be meant by a version that is not one of those of a
// variant.
func versionHint(version string, versions []string) string {
	final, experimental := strings.CutSuffix(version, "-experimental")
	switch {
	case experimental && slices.Contains(versions, final):
		return "; " + final + " is final, so leave out \"-experimental\""
	case slices.Contains(versions, version+"-experimental"):
		return "; " + version + " is not final yet, so add \"-experimental\""
	case isNewer(final, versions[len(versions)-1]):
		return "; a newer version of this program may know it"
	}
	return ""
}

// isNewer reports whether the numbers of a version are higher than those of another.
func isNewer(version, than string) bool {
	numbers := func(v string) []int {
		v, _, _ = strings.Cut(v, "-")
		var all []int
		for part := range strings.SplitSeq(v, ".") {
			n, _ := strconv.Atoi(part) // of NormalVersion
			all = append(all, n)
		}
		return all
	}
	return slices.Compare(numbers(version), numbers(than)) > 0
}

// since names the first dialect after this one, of the same variant, that is translated
// to a version of the spec or to a later one.
func (d *Dialect) since(v config.Version) string {
	isThis := func(other Dialect) bool { return other.Variant == d.Variant && other.Version == d.Version }
	for _, other := range dialects()[slices.IndexFunc(dialects(), isThis)+1:] {
		if other.Variant == d.Variant && other.Spec >= v {
			return other.String()
		}
	}
	return ""
}

func variants() []string {
	var names []string
	for _, d := range dialects() {
		if !slices.Contains(names, d.Variant) {
			names = append(names, d.Variant)
		}
	}
	return names
}

// newest returns the last version of a variant that is not experimental.
func newest(variant string) string {
	version := "1.7.0"
	for _, d := range dialects() {
		if d.Variant == variant && !strings.Contains(d.Version, "-") {
			version = d.Version
		}
	}
	return version
}
