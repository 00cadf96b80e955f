package config

import (
	"bufio"
	"compress/gzip"
	"crypto"
	"errors"
	"fmt"
	"hash"
	"path"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// validate checks a config by the rules of one version.
func validate(c *Config, version Version) Problems {
	v := &validator{version: version}
	v.config(c)
	v.duplicates(doc.FieldsOf(configType), doc.NodeOf(c.Object))
	return v.problems
}

// Validate returns what Parse would say of the config if it were printed: it applies all
// rules of the version that the config says, whether it was read or filled in. Members
// that the version does not have are errors here, as they are for MarshalJSON.
func (c *Config) Validate() Problems {
	version, err := c.Version()
	if refusal := new(ParseError); errors.As(err, &refusal) {
		return refusal.Problems
	}
	tree, problems := fit(c.encode(), version)
	tree = tree.Clone() // normalizing changes it
	n := &normalizer{root: configType, version: version, extended: true, problems: problems}
	n.object(tree, configType)
	return append(n.problems, unrelated(validateRead(fromTree(tree), version, c.IsExtended()), n.problems)...)
}

// ValidateMerged checks a config that was merged from all that a machine gets, by the rules
// of the newest version, which it is applied by. Each of them was valid, yet together they
// may not be: one gives a user's id, another the name. What another config could have
// completed is an error now. Duplicates cannot come from merging and are not looked for.
func (c *Config) ValidateMerged() Problems {
	if version, known := lookupVersion(strings.TrimSuffix(c.Ignition.Version, ExtendedSuffix)); known {
		c = c.withoutIdle(version, Newest)
	}
	v := &validator{version: Newest, whole: true}
	v.config(c.synced())
	return v.problems
}

// A validator collects what breaks the rules of one version. Its methods follow
// the objects of the spec, in the order of their names.
type validator struct {
	version    Version
	whole      bool // whether this is all that a machine gets
	problems   Problems
	unitReader *bufio.Reader // of one unit after the other
	// unitDevices are those of mount and swap units.
	unitDevices []namedDevice
	// What follows is of one resource after the other.
	gzip   *gzip.Reader
	buffer []byte
	hashes map[crypto.Hash]hash.Hash
}

func (v *validator) error(r Rule, at Origin, format string, args ...any) {
	v.problems.Add(NewProblem(r, Error, at, format, args...))
}

func (v *validator) warn(r Rule, at Origin, format string, args ...any) {
	v.problems.Add(NewProblem(r, Warning, at, format, args...))
}

// unbootable is for what the reference accepts and then fails at. In one document it is
// a warning, as another one that is merged can set the value anew; in the whole it is
// an error, so that nothing is changed before it is found.
func (v *validator) unbootable(r Rule, at Origin, format string, args ...any) {
	if v.whole {
		v.error(r, at, format, args...)
	} else {
		v.warn(r, at, format, args...)
	}
}

// fault reports what is wrong with a value, unless it is nil.
func (v *validator) fault(f *fault, at Origin) {
	if f != nil {
		v.error(f.rule, at, "%s", f.message)
	}
}

// config checks everything but duplicates.
func (v *validator) config(c *Config) {
	v.ignition(&c.Ignition)
	v.kernelArguments(&c.KernelArguments)
	v.passwd(&c.Passwd)
	v.storage(&c.Storage)
	v.systemd(&c.Systemd)
	v.unitFiles(c)
	v.machineID(c)
	v.devices(c)
	v.chosenDisks(c)
	v.homes(c)
}

// kernelArguments checks what would break the line that they become. All else is up
// to the kernel.
func (v *validator) kernelArguments(k *KernelArguments) {
	check := func(member string, arguments []string) {
		for i, argument := range arguments {
			if strings.ContainsAny(argument, "\n\r") {
				v.error(RuleKernelArgumentLineEnd, k.Origin(member, i), "there is a line end in this kernel argument, which is not possible; write each argument as an item of its own")
			}
		}
	}
	check("shouldExist", k.ShouldExist)
	check("shouldNotExist", k.ShouldNotExist)
}

// absolute checks that a value is an absolute path in its simplest form.
func (v *validator) absolute(value string, o Object, at ...any) {
	switch simple := path.Clean(value); {
	case value == "":
		v.error(RulePathMissing, o.Origin(at...), "a path is missing here; it should be absolute, like \"/dev/disk/by-id/virtio-data\" or \"/etc/hostname\"")
	case value[0] != '/':
		v.error(RulePathRelative, o.Origin(at...), "the path %s is not absolute; it should start with a slash", quote(value))
	case simple != value:
		v.error(RulePathSimplest, o.Origin(at...), "the path %s is not in its simplest form; write %s", quote(value), quote(simple))
	default:
		v.pathLength(value, o, at...)
	}
}

// bytesAtMost checks the length of a label. Limits are in bytes, not letters.
func (v *validator) bytesAtMost(limit int, what, value string, o Object, member string) {
	if len(value) > limit {
		v.error(RuleLabelLength, o.Origin(member), "%s is %d bytes long, at most %d are possible", what, len(value), limit)
	}
}

// duplicates walks the whole tree. What makes two items of a list the same is
// in the spec tags of types.go.
func (v *validator) duplicates(fields []doc.Field, n *doc.Node) {
	var shared map[string]*doc.Node // of the lists whose keys are one namespace
	for i := range fields {
		f := &fields[i]
		if !f.IsObject() && !f.IsList() {
			continue
		}
		m := n.Member(f.Name)
		switch {
		case m == nil:
		case f.IsObject():
			v.duplicates(f.Fields, m)
		case f.Shared && shared != nil:
			v.duplicateItems(f, m.Items, shared)
		default:
			seen := make(map[string]*doc.Node, len(m.Items))
			if f.Shared {
				shared = seen
			}
			v.duplicateItems(f, m.Items, seen)
		}
	}
}

func (v *validator) duplicateItems(f *doc.Field, items []*doc.Node, seen map[string]*doc.Node) {
	rule := RuleDuplicateItem
	if f.Key == "path" {
		rule = RuleDuplicatePath
	}
	for _, item := range items {
		// Partitions have stricter rules of their own. References without a source
		// are dropped, in the version that knows them, or missing their source.
		if key, ok := f.KeyOf(item); ok && f.Key != "number|label" && (f.Key != "source" || key != "") {
			if first := seen[key]; first != nil {
				v.error(rule, item.Origin(), "%s is already %s, line %d, column %d; remove one of the two",
					describe(f, key), first.Path(), first.Line, first.Column)
			} else {
				seen[key] = item
			}
		}
		if f.Item.IsObject() {
			v.duplicates(f.Item.Fields, item)
		}
	}
}

// describe names an item by its key. A source may hold secrets.
func describe(f *doc.Field, key string) string {
	switch f.Key {
	case ".":
		return quote(key)
	case "source":
		return "this source"
	case "as":
		return "the name " + quote(key)
	}
	return fmt.Sprintf("the %s %s", f.Key, quote(key))
}

// quote is a value for messages, which must stay readable on a console.
func quote(s string) string {
	const longest = 80 // bytes, one line of a console
	if len(s) > longest {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(s[:longest], ""))
	}
	return fmt.Sprintf("%q", s)
}
