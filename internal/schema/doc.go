// Package schema generates JSON schemas of configs, with which editors complete
// keys, show what each means, and underline mistakes; and docs/fields.md, the
// reference of all fields.
//
// Both are generated from the Go types of packages config and config/butane: one
// schema for each version of the spec and for each dialect of Butane, with the
// fields of that version. gendocs extracts the descriptions from the comments of
// these types.
//
// A schema knows names, types, patterns and sets of values (rules.go). Rules that
// relate one value to another are left to package config, which checks all of them.
// The spec only warns about unknown keys; these schemas refuse them, because an
// editor that accepts a misspelled key is of no use.
package schema
