// Package slab allocates the many small values of a tree a chunk at a time: the readers of
// JSON and YAML make a node for each value of a document.
package slab
