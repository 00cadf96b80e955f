// Package dataurl checks, decodes and writes data URLs (RFC 2397) for the whole
// module:
//
//	data:[TYPE/SUBTYPE][;NAME=VALUE]...[;base64],CONTENTS
//
// Configs carry files in them, of tens of megabytes, so that checking needs no
// memory for the contents and decoding is a stream. The rules are those of the
// library github.com/vincent-petithory/dataurl, which the reference uses, too. The
// tests compare with it: what it refuses, Check refuses, and both escape the same. In the
// agent it would bring net/http along, 730 kB.
//
// It imports nothing of this module.
package dataurl
