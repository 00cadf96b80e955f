// Package tar reads archives of tar: those of ustar, pax, GNU tar with its long names and
// sparse files, and of the programs before them. It reads a stream, and keeps no more of it
// than the header of one entry.
//
// It is archive/tar for the agent, with less: that package also writes archives and asks the
// system for the names of users, and would add 41 kB more. A test and FuzzReader hold that the
// two read the same.
//
// The package imports nothing of this module.
package tar
