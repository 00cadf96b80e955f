// Package page answers what the page in a browser asks: it is the side of the page that
// is in Go, and runs as WebAssembly in a worker (web/wasm). What it says of a config is
// what package check says.
//
// Offsets count UTF-16 code units, as strings of JavaScript do.
package page
