// Package providers finds the config of a machine: on the kernel command line, in
// the image, or at the platform that the machine was started on.
//
// # From platform to document
//
// UserConfig returns the user data, which package config then reads as a document:
//
//	data = fetchCmdline()            // ignition.config.url, or .device and .path
//	    or fetchImage()              // user.ign below Env.Dirs
//	    or Env.Platform.Fetch()      // raw bytes, as the platform has them
//	data.decode()                    // base64, gzip, byte-order mark, NULs
//	                                 // "{}" was deleted; "#cloud-config" is an error
//
// The first that has a config decides, even if it cannot be read: a machine that
// was promised a config must not boot without it. No config at all is nil, or a
// text of no bytes. What needs a network that is not up yet wraps
// fetch.ErrNeedNetwork, and is called again by the stage that has one.
//
// BaseConfigs returns the fragments that an image has for all its machines.
//
// # The table
//
// Platforms has a row for each platform. Its columns are what the agent calls
// (Fetch, Credentials, Delete, Status), and what is generated from it: the overviews of
// docs/platforms.md and docs/metadata.md, and the kernel modules in dracut/30ignition/module-setup.sh.
//
// A platform is a row and one short file. Fetch is mostly one of these:
//
//   - service: user data at the URL of a metadata service, perhaps with a token;
//   - configDrive: a file on a filesystem with a label;
//   - race: several of these at once, where the platform may use any of them;
//   - a function that reads a device or a file of the kernel, after loadDriver.
//
// docs/development.md has the steps for a new one.
//
// # The instance
//
// The column Instance is what a platform knows of the machine besides: its attributes,
// hostname, SSH keys and network, and how it is told that the machine has booted. Most
// of it are places in texts and documents of the service, or of files of the config
// drive; see type Instance. An Asker asks for them, each once in a boot: Answers keeps
// what was said for the programs that come later. docs/metadata.md has the overview.
//
// # The race
//
// Each source of a race returns a config, nothing, an error, or that it does not
// exist (errNoSource). The first config wins at once. A source that has nothing
// starts the grace, 10 seconds in which the others may still win; the log says
// so. Then the sources are cancelled, and the best of their results counts:
// an error before nothing, since that source may have a config, and nothing
// before sources that do not exist.
//
// # The read-once cache
//
// Some platforms hand a config over only once: the pairs of Hyper-V, the FIFO of
// BlueField, the reader of z/VM. readOnce caches these bytes in /run/ignition, so
// that a stage that failed after reading can run again. The files stage drops
// the cache (CachedPaths, DropCache) when the machine is provisioned.
//
// # Limits
//
// The package never guesses the platform, does not parse configs, and keeps no
// state but this cache. Every wait has an end and is announced after ten seconds.
// It may import config for origins, internal/fetch and internal/imds for
// requests, internal/report, internal/system, internal/json, and what reads
// devices and hypervisors; not storage, files or stages.
package providers
