// Package json reads and writes the small records that the agent keeps: its state,
// its reports, the metadata of a LUKS volume. It uses the JSON reader of configs
// (package doc), which the agent has anyway; encoding/json would add 170 kB to every
// initramfs.
//
// It supports what those records consist of: structs with the tags of encoding/json,
// maps with string keys, slices, strings, booleans, numbers, times, pointers, Raw, and
// any of these behind an interface.
package json
