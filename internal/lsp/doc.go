// Package lsp is a language server for configs: it tells editors what is wrong in a text,
// what could be typed at its cursor, what a key means and where what it names is
// defined, in Ignition's JSON and in Butane's YAML.
//
//	client --readFrame--> messages --\                      /--> completion, hover, ...: outline + schema
//	                                  loop --> documents --<
//	client <--writeFrame-- answers --/                      \--> diagnostics: check, beside the loop
//
// One goroutine reads messages, one answers them and holds all state; a third checks one
// document at a time. A document is replaced by each change of it, so that the result of
// a check is shown only if the document that was checked is still the newest.
//
// A text that is being typed is broken most of the time. An outline is what can be made
// out of it by lines, indentation and brackets: enough to know where the cursor is. What
// can be there is taken from the JSON schemas (package schema), so that completion, hover
// and the documentation cannot differ. What is wrong is said by package check, in the
// words of "firstlightctl validate".
package lsp
