// Package dataurl is the one place where data URLs (RFC 2397) are checked, decoded
// and written:
//
//	data:[TYPE/SUBTYPE][;NAME=VALUE]...[;base64],CONTENTS
//
// Configs carry files in them, of tens of megabytes, so that checking needs no
// memory for the contents and decoding is a stream. The rules are those of the
// library github.com/vincent-petithory/dataurl, which the reference decodes with
// and which judges this package in its tests: what it refuses, Check refuses.
//
// It imports nothing of this module.
package dataurl
