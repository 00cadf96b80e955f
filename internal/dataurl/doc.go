// Package dataurl checks, decodes and writes data URLs (RFC 2397) for the whole
// module:
//
//	data:[TYPE/SUBTYPE][;NAME=VALUE]...[;base64],CONTENTS
//
// Configs carry files in them, of tens of megabytes, so that checking needs no
// memory for the contents and decoding is a stream. The rules are those of the
// library github.com/vincent-petithory/dataurl, which the reference uses, too: it
// escapes what is written here, and in the tests it is compared with what is read:
// what it refuses, Check refuses.
//
// It imports nothing of this module.
package dataurl
