// Package header says which names and values an HTTP header can have. What a config is
// checked by is what is sent.
//
// The package imports nothing of ours.
package header
