// Package spec2 translates configs of spec 2.0.0 to 2.4.0 to spec 3. It does no
// I/O.
//
// Spec 2 is another language: files name the filesystem that they are on instead
// of being placed below its mount point, partitions count sectors, files replace
// what is at their path unless they say otherwise, and there are units of
// systemd-networkd.
//
// A document is read into a tree and compared with the types of spec 2 (types.go),
// as package config does with those of spec 3. Then the tree is rewritten in place,
// object by object. Its nodes keep their positions and their paths in the document,
// so that all that is reported later, by the rules of spec 3 or by a boot that
// fails, points to the config as it was written.
//
// What spec 3 cannot say is an error, and what means something else there is a
// warning. All of them are reported at once.
//
// Its API is stable in the sense of package config.
package spec2
