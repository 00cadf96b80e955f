// Package check looks at a config as people write it, in either language: what is
// wrong, where, what it is translated to, and where in its text each value of the
// translation comes from. "firstlightctl validate", the page and the language server
// share it, so that they say the same.
//
// It has no I/O but for the local files of Butane, and builds for js/wasm.
package check
