// Package config is the spec of Ignition configs: one set of types for all its
// versions, and what can be done with a config. It does no I/O.
//
//	cfg, problems, err := config.Parse(text, "user config")
//	cfg, err = (&config.Resolver{Fetch: fetch}).Resolve(cfg)
//	cfg = config.Merge(base, cfg)
//	problems = cfg.Validate()
//	text = cfg.Marshal()
//
// # Reading
//
// Parse reads JSON of any supported version. The document becomes a tree of
// nodes that know their lines (package internal/doc). The normalizer compares the
// tree with the types of the document's version, reports what does not fit, and
// leaves known keys only. Then the tree is decoded to a Config, the rules of the
// version are applied, and the config is translated to the newest version: all
// that comes after knows one version only. Package butane does the same for
// documents in YAML.
//
// What is wrong is a Problem, with its Origin. A config with errors is refused,
// with a ParseError that holds all of them; warnings come with the config.
//
// # Typed values and origins
//
// The typed values are the truth: what is printed, merged, validated and saved is
// what they say, and a Config can be filled in or changed like any struct. Unset
// values are left out: nil pointers and lists, zeros of fields that are no
// pointers, and objects of which everything is unset.
//
// Each object of the spec embeds an Object, which says where it came from: source,
// line, column, and path from the root of that document. Its method Origin takes
// keys and indexes for the members, as scalars have no room for an origin of
// their own. Origins survive merging, where each value keeps its own. A value
// that is set by hand has the origin of the value it replaces, or the position of
// the object around it; a Config that was not read from anything has paths only,
// once it has been merged. After lists were changed by hand, indexes that are
// given to Origin are those of the document.
//
// # Merging and referring
//
// Merge lays one config over another by the rules of the spec, which stand in the
// tags of the types. A Resolver merges the configs that a config refers to; the
// caller fetches. As two valid configs can make an invalid one, Validate checks
// the result by the rules of the newest version.
//
// # Saving
//
// Save and Load are for programs that hand a config to each other: the text is
// that of Marshal, and the origins are beside it. Load does not validate, and
// takes a third of the time of Parse.
//
// # Stability
//
// The names of types, fields and functions stay. New versions of the spec add
// fields and change Newest. Texts of problems may change, their severities only
// with the reference's.
package config
