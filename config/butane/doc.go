// Package butane translates configs in Butane, a YAML language that is easier to
// write than the spec's JSON and has some keys (sugar) of its own.
//
// Translate serves workstations: it reads local files and prints the config of the
// document's own spec version, or a MachineConfig for OpenShift. Parse serves
// machines: it returns the typed config, as config.Parse does for JSON. ParseAny
// takes either language.
//
// A document is read into the same tree of nodes as the spec's JSON, under the
// spec's names, so that rules, merging and origins are those of package config, and
// every problem is reported at its line in the YAML:
//
//	open        YAML, and what the rest depends on: the dialect, what is included, and
//	            declarations of parameters (decode.go, include.go, params.go)
//	decode      the values, with those of parameters, to the document tree; types, unknown
//	            keys (decode.go)
//	check       Butane's own rules, on the document (check.go)
//	desugar     a copy of the document becomes the result: local files and inline
//	            contents become data URLs, sugar becomes what it stands for; where
//	            sugar and the user set the same value, the user wins (desugar.go)
//	restrict    what the variant's systems cannot do is refused (forbidden.go)
//	advise      warnings about sugar that does nothing (advise.go)
//	spec        the result is checked by the spec's rules and decoded (package config)
//	merge       the configs of documents that include each other become one (include.go)
//
// All steps run, whatever those before have found, so that all errors are told at once;
// of what is wrong already nothing more is said.
//
// The document never changes after it was read; only the result does. Nodes made
// from sugar carry the origin of the sugar.
//
// A dialect is one variant at one version (dialect.go); its table says which spec
// version it is translated to, which keys it adds and what it forbids.
//
// Its API is stable in the sense of package config.
package butane
