// Package emulator has the metadata services of platforms, as far as a first boot asks
// them: for "firstlightctl try", and for tests, which give other answers than a service
// that is well.
//
// The package imports nothing of ours.
package emulator
