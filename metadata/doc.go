// Package metadata makes of a machine what its platform says about it: a file of
// attributes for units, a hostname, SSH keys; and it tells the platform that the machine
// has booted. It is the program afterburn:
//
//	afterburn multi --cmdline --attributes=/run/metadata/afterburn --ssh-keys=core
//
// What a platform knows, and how it is asked, is the column Instance of the table of
// package providers. This package has what is done with it:
//
//	Actions      the flags of "afterburn multi", in the order in which they are done
//	  attributes   an EnvironmentFile of systemd             attributes.go
//	  hostname     validated, perhaps cut                    hostname.go
//	  keys         parsed, and written as their user would   keys.go, authorize.go
//	  lock         by rules of the kernel's routing          lock.go
//	Run          asks, does the actions, and reports         run.go
//	Render       "afterburn render-ignition", for Azure      render.go, crypt.go
//
// # Adding an action
//
// An action is a row of Actions. Its function gets a *Machine, whose Asker (package
// providers) asks the platform, and the value of its flag. What it asks is asked once in
// a boot, whatever other actions and programs want to know: see providers.Answers. An
// action that the platform has nothing for logs that, and returns nil. A failure is an
// error with what was being done, and a hint.
//
// The package may import providers, internal/report, internal/system,
// internal/fetch, internal/imds and internal/distribution.
package metadata
