// Package secret reads what a machine keeps secret: credentials of systemd, and what is
// encrypted with age to an identity that is one of them.
//
//	credential  places where a credential can be     credential.go, smbios.go
//	identity    the credential firstlight.age        age.go
//	decrypt     a stream of plaintext                age.go
//
// Nothing is kept but the identity, in memory, as long as the process lives. No secret is
// in an error or in a log. The package may import config, internal/report and
// internal/system.
package secret
