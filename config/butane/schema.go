package butane

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/doc"
)

// Butane has the members of the spec, in snake_case, and the keys below. Their since
// tags name the spec version that a dialect is translated to.

// sugar maps the spec's types to what Butane adds to them.
var sugar = map[reflect.Type]reflect.Type{
	configType:     rootType,
	resourceType:   reflect.TypeFor[resourceSugar](),
	storageType:    reflect.TypeFor[storageSugar](),
	diskType:       reflect.TypeFor[diskSugar](),
	filesystemType: reflect.TypeFor[filesystemSugar](),
	subvolumeType:  reflect.TypeFor[filesystemSugar](),
	userType:       reflect.TypeFor[userSugar](),
	systemdType:    reflect.TypeFor[systemdSugar](),
	unitType:       reflect.TypeFor[textSugar](),
	dropinType:     reflect.TypeFor[textSugar](),
}

var (
	configType     = reflect.TypeFor[config.Config]()
	rootType       = reflect.TypeFor[rootSugar]()
	resourceType   = reflect.TypeFor[config.Resource]()
	storageType    = reflect.TypeFor[config.Storage]()
	diskType       = reflect.TypeFor[config.Disk]()
	filesystemType = reflect.TypeFor[config.Filesystem]()
	subvolumeType  = reflect.TypeFor[config.Subvolume]()
	fileType       = reflect.TypeFor[config.File]()
	directoryType  = reflect.TypeFor[config.Directory]()
	linkType       = reflect.TypeFor[config.Link]()
	raidType       = reflect.TypeFor[config.Raid]()
	luksType       = reflect.TypeFor[config.Luks]()
	pinType        = reflect.TypeFor[config.ClevisCustom]()
	userType       = reflect.TypeFor[config.User]()
	systemdType    = reflect.TypeFor[config.Systemd]()
	unitType       = reflect.TypeFor[config.Unit]()
	dropinType     = reflect.TypeFor[config.Dropin]()
	treeType       = reflect.TypeFor[Tree]()
	quadletType    = reflect.TypeFor[Quadlet]()
	grubUserType   = reflect.TypeFor[GrubUser]()
)

// rootSugar holds the keys of the document itself. Those after version exist in some
// variants only.
type rootSugar struct {
	doc.Object
	// Variant is the distribution that the config is for.
	Variant string `json:"variant"`
	// Version is that of the variant's language, not that of the spec.
	Version    string     `json:"version"`
	BootDevice BootDevice `json:"bootDevice"`
	// Facts allows ${fact:NAME} in the texts of this config, and when in its entries.
	Facts     *bool     `json:"facts" spec:"extension"`
	Grub      Grub      `json:"grub"`
	Metadata  Metadata  `json:"metadata"`
	OpenShift OpenShift `json:"openshift"`
	// Include lists documents below the files directory, which this one is merged over.
	Include []string `json:"include" spec:"extension"`
	// Params are the parameters by their names: what stands in texts as ${param:NAME} and
	// is set when the document is translated.
	Params map[string]Param `json:"params" spec:"extension"`
}

// A Param declares a parameter.
type Param struct {
	doc.Object
	// Type of the values: string (unset, with no other declaration of the parameter),
	// int or bool.
	Type *string `json:"type"`
	// Default is the value if none is set. Without it one has to be set.
	Default *string `json:"default"`
	// Description says what it is for.
	Description *string `json:"description"`
}

type resourceSugar struct {
	doc.Object
	// Inline is the contents.
	Inline *string `json:"inline" spec:"inReferences=3.1.0"`
	// Local is a file below the files directory, with the contents.
	Local *string `json:"local" spec:"since=3.1.0"`
	// Age is the contents, encrypted with age and armored: what "firstlightctl encrypt"
	// prints.
	Age *string `json:"age" spec:"extension"`
	// AgeLocal is a file below the files directory, with the contents encrypted with age.
	AgeLocal *string `json:"ageLocal" spec:"extension"`
}

type storageSugar struct {
	doc.Object
	// Trees are directories below the files directory, copied with everything in
	// them.
	Trees []Tree `json:"trees" spec:"since=3.1.0"`
}

// diskSugar is a config.ChosenDisk where its disk is described.
type diskSugar struct {
	doc.Object
	// As is a name for the disk in place of a device: letters, digits, "-" and "_". The
	// disk is then /dev/firstlight/NAME wherever a device is named.
	As *string `json:"as" spec:"extension"`
	// Match is what the disk is like. All that is set has to be true.
	Match config.DiskMatch `json:"match" spec:"extension"`
	// Pick says which of several that match: only (unset: there has to be one),
	// smallest, largest or all, which are NAME1, NAME2 and so on.
	Pick *string `json:"pick" spec:"extension"`
}

// A Tree is a local directory that is copied to the machine as files, directories
// and links.
type Tree struct {
	doc.Object
	// Local is the directory, below the files directory.
	Local string `json:"local"`
	// Path of the copy; / if unset.
	Path *string `json:"path"`
	// User owns everything that is copied.
	User config.Owner `json:"user" spec:"since=3.6.0"`
	// Group owns everything that is copied.
	Group config.Owner `json:"group" spec:"since=3.6.0"`
	// FileMode of the files; unset, it is 0755 for local files that are executable,
	// and 0644 for others.
	FileMode *int `json:"fileMode" spec:"since=3.6.0"`
	// DirMode of the directories; 0755 if unset.
	DirMode *int `json:"dirMode" spec:"since=3.6.0"`
}

type filesystemSugar struct {
	doc.Object
	// WithMountUnit adds a systemd unit that mounts the filesystem at path, or uses it
	// as swap.
	WithMountUnit *bool `json:"withMountUnit" spec:"since=3.1.0"`
}

type userSugar struct {
	doc.Object
	// SSHAuthorizedKeysLocal are files below the files directory with one
	// public key on each line.
	SSHAuthorizedKeysLocal []string `json:"sshAuthorizedKeysLocal" spec:"since=3.4.0"`
}

type textSugar struct {
	doc.Object
	// ContentsLocal is a file below the files directory, with the contents.
	ContentsLocal *string `json:"contentsLocal" spec:"since=3.4.0"`
}

type systemdSugar struct {
	doc.Object
	// Quadlets describe containers, which Podman turns into services.
	Quadlets []Quadlet `json:"quadlets" spec:"since=3.7.0"`
}

// A Quadlet is one file for Podman's generator of systemd units.
type Quadlet struct {
	doc.Object
	// Name of the file; its extension says what it describes.
	Name string `json:"name"`
	// Rootful quadlets run in the system's systemd, others in that of each user.
	Rootful bool `json:"rootful"`
	// Contents of the file.
	Contents *string `json:"contents"`
	// ContentsLocal is a file below the files directory, with the contents.
	ContentsLocal *string `json:"contentsLocal"`
	// Dropins extend the quadlet.
	Dropins []config.Dropin `json:"dropins"`
	// When says on which machines the quadlet is wanted; unset, on all.
	When *config.When `json:"when" spec:"extension"`
}

// BootDevice changes the disks that the system boots from.
type BootDevice struct {
	doc.Object
	// Layout is the partitioning of the image: x86_64, aarch64, ppc64le, and
	// since 3.5.0 s390x-eckd, s390x-virt and s390x-zfcp.
	Layout *string `json:"layout"`
	// Luks encrypts the root filesystem.
	Luks BootLuks `json:"luks"`
	// Mirror spreads boot and root over several disks.
	Mirror BootMirror `json:"mirror"`
}

// BootLuks says what unlocks the root filesystem.
type BootLuks struct {
	doc.Object
	// Tang lists servers that can unlock it.
	Tang []config.Tang `json:"tang" spec:"key=url"`
	// Threshold is the number of unlocking methods that are needed; 1 if unset.
	Threshold *int `json:"threshold"`
	// TPM2 unlocks it with the machine's TPM.
	TPM2 *bool `json:"tpm2"`
	// Discard passes TRIM on to the device.
	Discard *bool `json:"discard" spec:"since=3.4.0"`
	// Cex unlocks it with an IBM Crypto Express card.
	Cex config.Cex `json:"cex" spec:"since=3.5.0"`
	// Device is the whole disk, for s390x.
	Device *string `json:"device" spec:"since=3.5.0"`
}

// BootMirror lists the disks of the mirror.
type BootMirror struct {
	doc.Object
	// Devices are two or more whole disks.
	Devices []string `json:"devices"`
}

// Grub configures the boot loader.
type Grub struct {
	doc.Object
	// Users may change boot entries and use the console of the boot loader.
	Users []GrubUser `json:"users" spec:"key=name"`
}

// A GrubUser can log into the boot loader.
type GrubUser struct {
	doc.Object
	// Name of the user.
	Name string `json:"name"`
	// PasswordHash is what grub2-mkpasswd-pbkdf2 prints.
	PasswordHash *string `json:"passwordHash"`
}

// Metadata is that of the MachineConfig.
type Metadata struct {
	doc.Object
	// Name of the MachineConfig.
	Name string `json:"name"`
	// Labels must have machineconfiguration.openshift.io/role.
	Labels map[string]string `json:"labels"`
}

// OpenShift holds the fields of a MachineConfig beside the config.
type OpenShift struct {
	doc.Object
	// KernelArguments are added to the kernel's command line.
	KernelArguments []string `json:"kernelArguments" spec:"key=."`
	// Extensions are additional packages of the system.
	Extensions []string `json:"extensions" spec:"key=."`
	// FIPS turns on FIPS 140 mode.
	FIPS *bool `json:"fips"`
	// KernelType is "default" or "realtime".
	KernelType *string `json:"kernelType"`
}

// A Key is one key of an object.
type Key struct {
	// Name is in snake_case; the spec's name is Field.Name.
	Name string
	doc.Field
	// Sugar reports whether the spec has no such member.
	Sugar bool
	// variants reports whether only some variants have it.
	variants bool
}

// Keys returns the keys that objects of a Go type have in this dialect; the type of
// the root is config.Config.
func (d *Dialect) Keys(t reflect.Type) []Key {
	var keys []Key
	for _, k := range allKeys(t) {
		if d.hasKey(k, k.Since) {
			keys = append(keys, k)
		}
	}
	return keys
}

// hasKey reports whether the dialect has a key that exists since a version of the spec.
func (d *Dialect) hasKey(k Key, since config.Version) bool {
	return since <= d.Spec && (!k.variants || slices.Contains(d.root, k.Name)) && (!k.Extension || d.Variant == firstlight)
}

// elsewhere says of a key that this dialect does not have in n which ones have it: a
// later version of the variant, or other variants.
func (d *Dialect) elsewhere(k Key, n *doc.Node) string {
	since := k.SinceIn(n)
	before := true
	var others []string
	all := dialects()
	for i := range all {
		switch other := &all[i]; {
		case other.Variant == d.Variant && other.Version == d.Version:
			before = false
		case !other.hasKey(k, since) || other.Variant == firstlight && !k.Extension:
		case other.Variant != d.Variant:
			others = append(others, other.Variant)
		case !before:
			return fmt.Sprintf("exists since %s and has no effect in %s; raise the version", other, d)
		}
	}
	return fmt.Sprintf("is a key of %s and has no effect in %s", strings.Join(slices.Compact(others), " and "), d)
}

var keyCache sync.Map // reflect.Type -> []Key

// allKeys returns the keys of all dialects.
func allKeys(t reflect.Type) []Key {
	if cached, ok := keyCache.Load(t); ok {
		return cached.([]Key)
	}
	var keys []Key
	add := func(t reflect.Type, isSugar bool) {
		for _, f := range doc.FieldsOf(t) {
			name := doc.Snake(f.Name)
			keys = append(keys, Key{name, f, isSugar, isSugar && t == rootType && name != "variant" && name != "version"})
		}
	}
	add(t, strings.HasPrefix(t.PkgPath(), configType.PkgPath()+"/"))
	if more := sugar[t]; more != nil {
		add(more, true)
	}
	switch t {
	case reflect.TypeFor[config.Ignition]():
		// A document has the version of its variant instead.
		keys = slices.DeleteFunc(keys, func(k Key) bool { return k.Name == "version" })
	case configType:
		// Extensions are in place.
		keys = slices.DeleteFunc(keys, func(k Key) bool { return k.Extension && !k.Sugar })
	}
	keyCache.Store(t, keys)
	return keys
}
