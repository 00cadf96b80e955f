package system

// Version of this program, set when it is built. It is part of the User-Agent.
var Version = "unknown"

// Reference is the release of Ignition whose behaviour this program has. Whoever looks
// at a version for what a program can do finds this one.
const Reference = "2.28.0"

// UserAgent is what servers are told, in the form of RFC 9110.
func UserAgent() string { return "Ignition/" + Reference + " Firstlight/" + Version }
