// Package config is the spec: one set of types for all its versions, reading,
// validating, merging and translating them. It does no I/O.
//
// A document is read as a tree of nodes that know their lines, cleaned against
// the types of its version, validated, and translated to the newest version.
// Merging works on the trees. Every object of the resulting Config can be asked
// for its Origin, whatever happened to it on the way.
package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Parse reads a config of any supported version, validates it by the rules of
// that version and translates it to the newest. The name says in messages which
// config this is.
//
// The problems are complete whether the config is refused or not. The error, if
// any, is a *ParseError and wraps ErrEmpty, ErrInvalid, ErrNoVersion or
// ErrUnknownVersion.
func Parse(text []byte, name string) (*Config, Problems, error) {
	if len(text) == 0 {
		return nil, nil, &ParseError{Kind: ErrEmpty}
	}
	root, problem := readJSON(text, &source{name})
	if problem != nil {
		return nil, Problems{*problem}, &ParseError{ErrInvalid, Problems{*problem}}
	}
	return fromDocument(root)
}

// fromDocument is Parse after the syntax.
func fromDocument(root *node) (*Config, Problems, error) {
	version, err := versionOf(root)
	if err != nil {
		return nil, err.Problems, err
	}
	c := &cleaner{version: version}
	c.object(root, configType)
	cfg := fromTree(root)
	problems := append(c.problems, validate(cfg, version)...)
	if problems.Refused() {
		return nil, problems, &ParseError{ErrInvalid, problems}
	}
	translate(root, version)
	return fromTree(root), problems, nil
}

// fromTree makes the typed form of a clean tree.
func fromTree(root *node) *Config {
	cfg := new(Config)
	fill(reflect.ValueOf(cfg).Elem(), root)
	return cfg
}

// versionOf is the version gate. Nothing else of the document is looked at.
func versionOf(root *node) (Version, *ParseError) {
	fail := func(kind error, n *node, format string, args ...any) (Version, *ParseError) {
		return 0, &ParseError{kind, Problems{{Error, n.origin(), fmt.Sprintf(format, args...)}}}
	}
	if root.kind != objectNode {
		return fail(ErrInvalid, root, "a config is a JSON object, this is %s", root.kind)
	}
	at, ok := foldMember(root, "ignition"), true
	if at == nil || at.kind == nullNode {
		return fail(ErrNoVersion, root, "there is no ignition.version; a config starts with {\"ignition\": {\"version\": \"%s\"}}", Stable)
	}
	if ok = at.kind == objectNode; !ok {
		return fail(ErrInvalid, at, "ignition is %s, an object is expected", at.kind)
	}
	v := foldMember(at, "version")
	switch {
	case v == nil || v.kind == nullNode || v.kind == stringNode && v.text == "":
		return fail(ErrNoVersion, at, "there is no ignition.version; it should say which version of the spec this is, such as %q", Stable)
	case v.kind != stringNode:
		return fail(ErrInvalid, v, "ignition.version is %s, a string is expected", v.kind)
	}
	for _, known := range Versions() {
		if normalVersion(v.text) == known.String() {
			return known, nil
		}
	}
	return fail(ErrUnknownVersion, v, "version %q of the spec is not supported; supported are %s", v.text, versionList())
}

// foldMember is member without regard to case, as the decoder forgives it.
func foldMember(n *node, name string) *node {
	for i := len(n.members) - 1; i >= 0; i-- {
		if strings.EqualFold(n.members[i].name, name) {
			return n.members[i].value
		}
	}
	return nil
}

// normalVersion drops what the reference tolerates: leading zeros of the three
// numbers, and an empty pre-release or build part.
func normalVersion(text string) string {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "+"), "-")
	core, pre, hasPre := strings.Cut(text, "-")
	parts := strings.Split(core, ".")
	for i, p := range parts {
		if trimmed := strings.TrimLeft(p, "0"); trimmed != p {
			parts[i] = trimmed
			if trimmed == "" || trimmed[0] < '0' || trimmed[0] > '9' {
				parts[i] = "0" + trimmed
			}
		}
	}
	core = strings.Join(parts, ".")
	if hasPre {
		return core + "-" + pre
	}
	return core
}

func versionList() string {
	var names []string
	for _, v := range Versions() {
		names = append(names, v.String())
	}
	return strings.Join(names, ", ")
}

// Empty is the config that asks for nothing.
func Empty() *Config {
	root := &node{kind: objectNode}
	ignition := &node{kind: objectNode, parent: root, key: "ignition"}
	ignition.set("version", &node{kind: stringNode, text: Newest.String(), parent: ignition, key: "version"})
	root.set("ignition", ignition)
	return fromTree(root)
}
