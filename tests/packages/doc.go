// Package packages has the blackbox tests of what packagers and users of packages
// get: the Makefile's targets, the archives of "make dist", the packages.
//
// What takes minutes has the build tag soak: "make soak" runs it.
package packages
