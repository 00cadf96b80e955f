// Package trust verifies who has made a config, before anything else reads it.
//
// An image may have public keys (ReadKeys). Then a config counts only with a signature by
// one of them over its bytes as they were fetched or handed over: packed as they are,
// with nothing undone. Two programs that people have make such signatures:
//
//	minisign -S -m CONFIG                                 minisign.go
//	ssh-keygen -Y sign -n firstlight -f KEY CONFIG        ssh.go
//
// A signature is in a file of its own, or the config begins with it (Cut), for sources
// that have no place for a second file.
//
// The parsers read bytes of strangers: they take one form, know all lengths beforehand,
// and refuse what is left over. Messages have nothing of these bytes but fingerprints.
//
// The package knows nothing of files but the directory of the keys, and nothing of
// boots: which configs have to be signed is up to package stages.
package trust
