// Package table prints what was measured of our programs and of the reference, and sets it
// against goals: for people, as Markdown, and as JSON. A goal that is missed is a word in
// a table, never a failure.
package table
