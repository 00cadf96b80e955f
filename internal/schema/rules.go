package schema

import (
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// The rules of package config, as far as a schema can express them. Tests compare the
// two.

// required lists the members that an object must have.
var required = set(
	"Ignition.version", "sugar.variant", "sugar.version",
	"HTTPHeader.name", "Group.name", "User.name",
	"Directory.path", "File.path", "Link.path", "Link.target", "Filesystem.device", "Subvolume.name",
	"ChosenDisk.as", "ChosenDisk.match",
	"Raid.name", "Raid.level", "Raid.devices",
	"Luks.name", "Luks.device", "ClevisCustom.pin", "ClevisCustom.config", "Tang.url", "Tang.thumbprint",
	"Unit.name", "Dropin.name",
	"Tree.local", "Quadlet.name", "GrubUser.name", "GrubUser.passwordHash", "Metadata.name", "Metadata.labels",
)

func set(names ...string) map[string]bool {
	all := map[string]bool{}
	for _, n := range names {
		all[n] = true
	}
	return all
}

// nullableSince lists the members that became optional with a later version.
var nullableSince = map[string]config.Version{
	"Link.target": config.V3_3, "Raid.level": config.V3_3, "ClevisCustom.pin": config.V3_3, "ClevisCustom.config": config.V3_3,
}

// The patterns use the common subset of the regular expressions of all languages. A
// path is absolute and clean, in the sense of path.Clean.
const (
	segment  = `([^/.][^/]*|\.[^/.][^/]*|\.\.[^/]+)`
	absolute = `^/(` + segment + `(/` + segment + `)*)?$`
	// subvolume is a path without a slash before it.
	subvolumeSegment = `([^/.,"\x00-\x1f\x7f][^/,"\x00-\x1f\x7f]*|\.[^/.,"\x00-\x1f\x7f][^/,"\x00-\x1f\x7f]*|\.\.[^/,"\x00-\x1f\x7f]+)`
	subvolume        = `^` + subvolumeSegment + `(/` + subvolumeSegment + `)*$`
	// sizeRange is what config.ParseSizeRange reads, but for the order of two sizes.
	size      = ` *[0-9]+ *([kMGTP]B|[KMGTP]iB|B) *`
	sizeRange = `^( *([<>]=?)` + size + `|` + size + `-` + size + `)$`
	guid      = `^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$`
)

// rules restrict the values of members beyond their type.
var rules = map[string]func(*builder, *node){
	"Ignition.version": func(b *builder, s *node) { s.Const = b.version.String() + b.suffix },
	"sugar.variant":    func(b *builder, s *node) { s.Const = b.dialect.Variant },
	"sugar.version":    func(b *builder, s *node) { s.Const = b.dialect.Version },

	"ConfigReferences.merge":     needSource,
	"TLS.certificateAuthorities": needSource,
	"Resource.compression":       func(b *builder, s *node) { s.Enum = b.enum("gzip", "") },
	"Verification.hash":          hash,
	"HTTPHeader.name":            func(_ *builder, s *node) { s.MinLength = 1 },

	"Archive.path":      matching(absolute),
	"Archive.format":    func(b *builder, s *node) { s.Enum = b.enum(config.ArchiveFormats()...) },
	"Directory.path":    matching(absolute),
	"File.path":         matching(absolute),
	"Link.path":         matching(absolute),
	"Disk.device":       matching(absolute),
	"Luks.device":       matching(absolute),
	"Raid.devices":      func(_ *builder, s *node) { s.MinItems, s.Items.Pattern = 1, absolute },
	"Filesystem.path":   matching(orEmpty(absolute)),
	"Filesystem.device": filesystemDevice,
	"Filesystem.format": func(b *builder, s *node) { s.Enum = b.enum(append(config.FilesystemFormats(b.version), "")...) },

	"Subvolume.name": matching(subvolume),
	"Subvolume.path": matching(orEmpty(absolute)),

	"File.mode":      mode,
	"Directory.mode": mode,
	"Tree.fileMode":  mode,
	"Tree.dirMode":   mode,

	"ChosenDisk.as":       diskName,
	"ChosenDisk.pick":     func(b *builder, s *node) { s.Enum = b.enum(config.DiskPicks()...) },
	"sugar.as":            diskName,
	"sugar.pick":          func(b *builder, s *node) { s.Enum = b.enum(config.DiskPicks()...) },
	"DiskMatch.serial":    notEmpty,
	"DiskMatch.wwn":       notEmpty,
	"DiskMatch.model":     notEmpty,
	"DiskMatch.transport": notEmpty,
	"DiskMatch.path":      notEmpty,
	"DiskMatch.size":      matching(sizeRange),
	"DiskMatch.holds":     notEmpty,

	"Partition.guid":     matching(guid),
	"Partition.typeGuid": matching(guid),
	"Partition.label":    func(_ *builder, s *node) { s.Pattern, s.MaxLength = "^[^:]*$", 36 },
	"Raid.level":         func(b *builder, s *node) { s.Enum = b.enum(config.RaidLevels()...) },
	"Luks.name":          matching("^[^/]*$"),
	"Luks.label":         func(_ *builder, s *node) { s.MaxLength = 47 },
	"ClevisCustom.pin":   pin,
	"Tang.thumbprint":    func(_ *builder, s *node) { s.MinLength = 1 },

	"Unit.name":    extension(config.UnitTypes()...),
	"Dropin.name":  extension(".conf"),
	"Quadlet.name": extension(butane.QuadletTypes()...),

	"Param.type":           func(b *builder, s *node) { s.Enum = b.enum(butane.ParamTypes()...) },
	"BootDevice.layout":    func(b *builder, s *node) { s.Enum = b.enum(butane.Layouts(b.version)...) },
	"OpenShift.kernelType": func(b *builder, s *node) { s.Enum = b.enum("default", "realtime", "") },
}

func matching(pattern string) func(*builder, *node) {
	return func(_ *builder, s *node) { s.Pattern = pattern }
}

func notEmpty(_ *builder, s *node) { s.MinLength = 1 }

func diskName(_ *builder, s *node) { s.Pattern, s.MaxLength = "^[A-Za-z0-9][A-Za-z0-9_-]*$", 64 }

func orEmpty(pattern string) string { return "^$|" + pattern }

func extension(names ...string) func(*builder, *node) {
	var words []string
	for _, n := range names {
		words = append(words, strings.TrimPrefix(n, "."))
	}
	return matching(`\.(` + strings.Join(words, "|") + `)$`)
}

// needSource requires a source in each resource of a list.
func needSource(b *builder, s *node) {
	need := &node{Required: []string{"source"}}
	if b.dialect != nil && b.version > config.V3_0 {
		need = needOneOf("source", "inline", "local")
	}
	s.Items = &node{AllOf: []*node{s.Items, need}}
}

func needOneOf(names ...string) *node {
	need := &node{}
	for _, n := range names {
		need.AnyOf = append(need.AnyOf, &node{Required: []string{n}})
	}
	return need
}

func hash(b *builder, s *node) {
	s.Pattern = `^sha512-.{128}$`
	if b.version >= config.V3_1 {
		s.Pattern = `^(sha512-.{128}|sha256-.{64})$`
	}
}

// mode has the limits of an octal number. As not all editors read YAML's 0644
// as octal, there the limit is the same in decimal digits.
func mode(b *builder, s *node) {
	least, most := 0, 0o7777
	if b.dialect != nil {
		most = 7777
	}
	s.Minimum, s.Maximum = &least, &most
}

func pin(b *builder, s *node) {
	if pins := config.ClevisPins(b.version); pins != nil {
		s.Enum = b.enum(append(slices.Clone(pins), "")...)
	}
}

func filesystemDevice(b *builder, s *node) {
	if b.version < config.V3_7Experimental {
		s.Pattern = absolute
	}
}

// objectRules relate the members of an object to each other.
var objectRules = map[string]func(*builder, *node){
	"Config": func(b *builder, s *node) {
		if b.dialect == nil {
			s.Required = append(s.Required, "ignition")
		}
	},
	"Disk": func(b *builder, s *node) {
		if b.dialect == nil || !slices.ContainsFunc(s.Properties, func(p property) bool { return p.name == "as" }) {
			s.Required = append(s.Required, "device")
			return
		}
		s.AnyOf = needOneOf("device", "as").AnyOf
	},
	// Root is no property of disks.
	"DiskMatch": func(_ *builder, s *node) {
		for _, p := range s.Properties {
			if p.name != "root" {
				s.AnyOf = append(s.AnyOf, &node{Required: []string{p.name}})
			}
		}
	},
	"Partition": func(_ *builder, s *node) { s.AnyOf = needOneOf("number", "label").AnyOf },
	// For virtiofs the device is a tag instead of a path.
	"Filesystem": func(b *builder, s *node) {
		if b.version < config.V3_7Experimental {
			return
		}
		device := func(d *node) *node { return &node{Properties: properties{{"device", d}}} }
		s.If = &node{Properties: properties{{"format", &node{Const: "virtiofs"}}}, Required: []string{"format"}}
		s.Then, s.Else = device(&node{MinLength: 1, MaxLength: 36}), device(&node{Pattern: absolute})
	},
}
