// Package config is the spec of Ignition configs: one set of types for all its
// versions, and what can be done with a config. It does no I/O.
//
//	cfg, problems, err := config.Parse(text, "user config")
//	cfg = config.Merge(base, cfg)
//	cfg, err = cfg.TranslateTo(config.V3_2)
//	text, err := json.Marshal(cfg)
//
// # Making
//
// New returns a config that is filled in like any struct:
//
//	cfg := config.New(config.V3_4)
//	cfg.Passwd.Users = []config.User{{Name: "core", SSHAuthorizedKeys: keys}}
//	motd := config.Resource{Source: new(config.DataURL([]byte("hi\n")))}
//	cfg.Storage.Files = []config.File{{Path: "/etc/motd", Mode: new(0o644), Contents: motd}}
//	if problems := cfg.Validate(); problems.HasErrors() { ... }
//	text, err := json.Marshal(cfg)
//
// Ignition.Version says of which version it is. What is unset is left out when it is
// printed: nil pointers and lists, zeros of fields that are no pointers, and objects of
// which everything is unset. There is one set of types for all versions; the
// comments of fields, and docs/fields.md, say since when they exist. A field that the
// version does not have is an error of MarshalJSON and of Validate.
//
// # Reading
//
// Parse reads JSON of any supported version. The document becomes a tree of
// nodes that know their lines (package internal/doc). The normalizer compares the
// tree with the types of the document's version, reports what does not fit, and
// leaves known keys only. Then the tree is decoded to a Config and the rules of the
// version are applied. Package butane does the same for documents in YAML, and package
// spec2 for configs of spec 2.
//
// The config keeps its version, in which it is printed again. What the version allows
// though it means nothing is left out, so that the same values mean the same in all later
// versions: TranslateTo a later one changes only the version, and whoever applies configs
// knows the rules of one version. An earlier version may not be able to say the same,
// which TranslateTo refuses with all places.
//
// What is wrong is a Problem, with its Origin. A config with errors is refused,
// with a ParseError that holds all of them; warnings come with the config.
//
// # Typed values and origins
//
// The typed values are the truth: what is printed, merged, validated and saved is
// what they say, and a Config that was read can be changed like any struct.
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
// # Extensions
//
// Members that are tagged as extensions, and sources of secrets, are what the spec has not;
// see docs/extensions.md. The text of the version has ExtendedSuffix then,
// "3.6.0+firstlight.1", so that other programs refuse the config. Ignition.Version is the
// version of the spec alone: the suffix follows from what is in the config, and only Parse,
// MarshalJSON, Save and Load have to do with it. In a document of a plain version extensions
// are errors. CheckPlain is for programs that cannot have them.
//
// # Merging and referring
//
// Merge lays one config over another by the rules of the spec, which stand in the
// tags of the types; the higher version of the two counts. A Resolver merges the configs
// that a config refers to; the caller fetches. As two valid configs can make an invalid
// one, the result is to be validated: by Validate as another document, or by
// ValidateMerged as all that a machine gets.
//
// # Saving
//
// Save and Load are for programs that hand a config to each other: the text is
// JSON of the newest version, and the origins are beside it. Load does not validate, and
// takes a third of the time of Parse.
//
// # Stability
//
// The module has semantic versions. From 1.0 on, within a major version, exported names
// stay, with their types and what they mean; before that a minor version may change them,
// and CHANGELOG.md says so. That holds for this package and for butane, spec2 and
// rules below it. Their names stand in api.txt, and a test says what has changed.
//
// A minor version may add names, fields among them: write literals with field names.
// A new version of the spec adds fields and a constant, and changes Stable and Newest; an
// experimental one goes when it is final. A config that is accepted stays accepted, as long
// as the reference accepts it. Texts of problems may change, and there may be more of them;
// their rules and paths stay, their severities change only with the reference's.
//
// Parts of package internal/doc are here by other names: Object, Origin and Version. The
// promise holds for these, and for nothing else of it.
//
// Some names are for the programs of this module and may change in any version:
// AllowScheme, CutAge, ForeignUserData, IsAge, Limit and what takes or returns one, Load, MeantLabel,
// NewProblem, ParseCertificates, ParseError.Recognize, Save, Size, SyntaxError, ValueSize,
// WithDevices, and what takes or returns a doc.Node.
package config
