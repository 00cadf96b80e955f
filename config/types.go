package config

import "github.com/firstlight-os/firstlight/internal/dataurl"

// The types of the spec. There is one set for all versions: a field that did
// not exist from the beginning says since when in its spec tag, and a document
// of an older version that uses it gets a warning.
//
// The spec tag also says how lists merge (see merge.go):
//
//	key=NAME   items are the same if their member NAME is equal
//	key=.      items are scalars and are the same if they are equal
//	key=number|label  partitions: the number if it is not 0, else the label
//	shared     the keys of all shared lists of this object are one namespace
//	(no key)   child items are appended
//	removal=NAME  a child's item without member NAME removes the parent's
//
// And inReferences says since when a member exists in the resources that are
// configs or certificates; elsewhere it is older.
//
// Pointers are values that can be unset, which is not the same as being empty.

// A Config describes one machine.
//
// New makes one to fill in. Values of one that Parse, Merge or Load has made know where
// they came from.
type Config struct {
	Object
	Ignition        Ignition        `json:"ignition"`
	KernelArguments KernelArguments `json:"kernelArguments" spec:"since=3.3.0"`
	Passwd          Passwd          `json:"passwd"`
	Storage         Storage         `json:"storage"`
	Systemd         Systemd         `json:"systemd"`
	// Firstlight is what the spec does not have: see docs/extensions.md.
	Firstlight Firstlight `json:"firstlight" spec:"since=3.6.0,extension"`
}

// Firstlight holds extensions of the spec. A config with any of them has the version
// 3.6.0+firstlight.1, which programs that do not know them refuse.
type Firstlight struct {
	Object
	// Disks are names for disks that are chosen by what they are: disk NAME is
	// /dev/firstlight/NAME wherever a device is named.
	Disks []ChosenDisk `json:"disks" spec:"key=as"`
	// Facts allows ${fact:NAME} in the texts of this config, and when in its entries.
	Facts *bool `json:"facts"`
}

// When is what a machine has to be like for an entry to be there. All that is set has to
// match, as a pattern of a shell: "eu-*".
type When struct {
	Object
	// Platform is the value of ignition.platform.id.
	Platform *string `json:"platform"`
	// Architecture is amd64, arm64, ppc64le, riscv64 or s390x.
	Architecture *string `json:"architecture"`
	// Hostname that the platform gives the machine.
	Hostname *string `json:"hostname"`
	// InstanceID is by which the platform knows the machine.
	InstanceID *string `json:"instance-id"`
	// Region that the machine is in, as the platform calls it.
	Region *string `json:"region"`
	// Zone that the machine is in, as the platform calls it.
	Zone *string `json:"zone"`
	// PrivateIPv4 is the first private address that the platform knows.
	PrivateIPv4 *string `json:"private-ipv4"`
	// PrivateIPv6 is the first private address of IPv6 that the platform knows.
	PrivateIPv6 *string `json:"private-ipv6"`
	// PublicIPv4 is the first public address that the platform knows.
	PublicIPv4 *string `json:"public-ipv4"`
	// PublicIPv6 is the first public address of IPv6 that the platform knows.
	PublicIPv6 *string `json:"public-ipv6"`
	// Address is that from which the machine speaks over its default route.
	Address *string `json:"address"`
	// MAC is the address of the interface of the default route: 52:54:00:12:34:56.
	MAC *string `json:"mac"`
	// Serial is the serial number of the machine in its firmware.
	Serial *string `json:"serial"`
}

// A ChosenDisk is a name for the disk, or the disks, of a machine that have certain
// properties.
type ChosenDisk struct {
	Object
	// As is the name: letters, digits, "-" and "_".
	As string `json:"as"`
	// Match is what such a disk is like. All that is set has to be true.
	Match DiskMatch `json:"match"`
	// Pick says which of several that match: "only" (unset: there has to be one),
	// "smallest", "largest" or "all", which are NAME1, NAME2 and so on.
	Pick *string `json:"pick"`
	// When says on which machines the disk is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// DiskMatch is what a disk is like. What is unset does not matter.
type DiskMatch struct {
	Object
	// Serial is the serial number, as udev has it in ID_SERIAL_SHORT.
	Serial *string `json:"serial"`
	// WWN is the World Wide Name, as udev has it in ID_WWN.
	WWN *string `json:"wwn"`
	// Model is a pattern as of a shell, for the model.
	Model *string `json:"model"`
	// Transport is nvme, virtio, scsi, sas, sata, usb, mmc or another bus.
	Transport *string `json:"transport"`
	// Path is a pattern for the names below /dev/disk/by-path.
	Path *string `json:"path"`
	// Size is a comparison (">= 400GiB") or a range ("100GB-2TB").
	Size *string `json:"size"`
	// Rotational is true for disks that turn.
	Rotational *bool `json:"rotational"`
	// Removable is true for media that can be taken out.
	Removable *bool `json:"removable"`
	// Empty is true for disks without partitions, filesystems and other signatures.
	Empty *bool `json:"empty"`
	// Holds is the label or the UUID of a filesystem or a partition on the disk.
	Holds *string `json:"holds"`
	// Root is true if the disk with the running root may match, too.
	Root *bool `json:"root"`
}

// Ignition holds what is about the config itself and about fetching.
type Ignition struct {
	Object
	// Version of the spec, which decides on members and rules.
	Version  string           `json:"version"`
	Config   ConfigReferences `json:"config"`
	Proxy    Proxy            `json:"proxy" spec:"since=3.1.0"`
	Security Security         `json:"security"`
	Timeouts Timeouts         `json:"timeouts"`
}

// ConfigReferences names the configs that are merged into this one, or replace it.
type ConfigReferences struct {
	Object
	// Merge lists configs that are merged into this one, in their order. Where
	// they differ, later ones count more, and all count more than this one.
	// Each needs a source and may be of any version.
	Merge []Resource `json:"merge" spec:"key=source"`
	// Replace is a config that takes the place of this one, of which nothing is
	// kept then; Merge has no effect beside it.
	Replace Resource `json:"replace"`
}

// A Resource is to be fetched: a config, a certificate, file contents, a key.
type Resource struct {
	Object
	// Source is a URL: http, https, tftp, s3, data; gs since 3.2.0, arn since
	// 3.4.0. Unset, there is nothing to fetch; "" is an empty document. With
	// "data:," the contents are in the URL itself. Configs with extensions can have
	// secrets at age:URL, credential:NAME, aws-sm, azure-kv, gcp-sm and vault.
	Source *string `json:"source"`
	// Compression of what is at the source; unset or "" is none. In configs and
	// certificates since 3.1.0.
	Compression *string `json:"compression" spec:"inReferences=3.1.0"`
	// HTTPHeaders are sent with the request, if the source is http or https.
	HTTPHeaders  []HTTPHeader `json:"httpHeaders" spec:"since=3.1.0,key=name,removal=value"`
	Verification Verification `json:"verification"`
	// When says on which machines this is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// An HTTPHeader is sent with the request.
type HTTPHeader struct {
	Object
	// Name of the header.
	Name string `json:"name"`
	// Value of the header. Unset in a config that is merged, it removes the
	// header of that name; else it has to be set.
	Value *string `json:"value"`
}

// Verification is what the fetched, decompressed bytes must match.
type Verification struct {
	Object
	// Hash is "sha512-" or, since 3.1.0, "sha256-", followed by hexadecimal
	// digits. It is that of the decompressed bytes. Unset, nothing is checked.
	Hash *string `json:"hash"`
}

// Proxy is the HTTP proxy of all fetches after this config has been read.
type Proxy struct {
	Object
	// HTTPProxy is the URL of the proxy for http sources; unset is none.
	HTTPProxy *string `json:"httpProxy"`
	// HTTPSProxy is the URL of the proxy for https sources; unset is none.
	HTTPSProxy *string `json:"httpsProxy"`
	// NoProxy lists hosts, domains, addresses and networks (10.0.0.0/8) that
	// are reached without a proxy; "*" is all.
	NoProxy []string `json:"noProxy" spec:"key=."`
}

// Security holds whom to trust besides those whom the system trusts.
type Security struct {
	Object
	TLS TLS `json:"tls"`
}

// TLS lists bundles of PEM certificates.
type TLS struct {
	Object
	// CertificateAuthorities are bundles of PEM certificates that are trusted
	// beside the system's, when something is fetched after this config. Each
	// needs a source.
	CertificateAuthorities []Resource `json:"certificateAuthorities" spec:"key=source"`
}

// Timeouts bound each HTTP fetch, in seconds; 0 is without limit.
type Timeouts struct {
	Object
	// HTTPResponseHeaders bounds the wait for the headers of one answer, in
	// seconds; 10 if unset, 0 is without limit.
	HTTPResponseHeaders *int `json:"httpResponseHeaders"`
	// HTTPTotal bounds a whole fetch with all its retries and the body, in
	// seconds; unset or 0 is without limit: it is tried until it works.
	HTTPTotal *int `json:"httpTotal"`
}

// KernelArguments lists what the kernel command line must and must not hold. If
// it has to be changed, the machine boots again.
type KernelArguments struct {
	Object
	// ShouldExist lists arguments that are added if they are not there.
	ShouldExist []string `json:"shouldExist" spec:"key=.,shared"`
	// ShouldNotExist lists arguments that are removed if they are there.
	ShouldNotExist []string `json:"shouldNotExist" spec:"key=.,shared"`
}

// Passwd holds users and groups.
type Passwd struct {
	Object
	// Groups are made before users, so that users can be in them.
	Groups []Group `json:"groups" spec:"key=name"`
	// Users are made, changed or deleted.
	Users []User `json:"users" spec:"key=name"`
}

// A Group of users.
type Group struct {
	Object
	// Name of the group. One that exists is changed.
	Name string `json:"name"`
	// GID is the number of the group; unset, the system chooses one.
	GID *int `json:"gid"`
	// PasswordHash of the group, as crypt(3) makes it; unset, it has none.
	PasswordHash *string `json:"passwordHash"`
	// ShouldExist is true if unset; false deletes the group.
	ShouldExist *bool `json:"shouldExist" spec:"since=3.2.0"`
	// System groups get a number from the system's range.
	System *bool `json:"system"`
	// When says on which machines the group is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A User account; what is unset is left to the system's defaults.
type User struct {
	Object
	// Name of the user. One that exists is changed.
	Name string `json:"name"`
	// Gecos is the comment of the account, customarily the full name.
	Gecos *string `json:"gecos"`
	// Groups that the user is in besides PrimaryGroup.
	Groups []string `json:"groups" spec:"key=."`
	// HomeDir is the home directory; unset, the system's default.
	HomeDir *string `json:"homeDir"`
	// NoCreateHome leaves the home directory to be made by others.
	NoCreateHome *bool `json:"noCreateHome"`
	// NoLogInit keeps a new user out of the databases of last logins.
	NoLogInit *bool `json:"noLogInit"`
	// NoUserGroup makes no group of the user's name for a new user.
	NoUserGroup *bool `json:"noUserGroup"`
	// PasswordHash of the user, as crypt(3) makes it ("mkpasswd
	// --method=yescrypt"). Unset, a new user has no password that works.
	PasswordHash *string `json:"passwordHash"`
	// PasswordHashFrom is where PasswordHash is, in place of it: one line.
	PasswordHashFrom Resource `json:"passwordHashFrom" spec:"since=3.6.0,extension"`
	// PrimaryGroup is a name or number; unset, one of the user's name is made.
	PrimaryGroup *string `json:"primaryGroup"`
	// Shell is the path of the login shell; unset, the system's default.
	Shell *string `json:"shell"`
	// ShouldExist is true if unset; false deletes the user and the home.
	ShouldExist *bool `json:"shouldExist" spec:"since=3.2.0"`
	// SSHAuthorizedKeys are public keys that can log in as this user, each a
	// line as in authorized_keys.
	SSHAuthorizedKeys []string `json:"sshAuthorizedKeys" spec:"key=."`
	// SSHAuthorizedKeysFrom are sources of public keys, one on each line, beside those of
	// SSHAuthorizedKeys. Each needs a source.
	SSHAuthorizedKeysFrom []Resource `json:"sshAuthorizedKeysFrom" spec:"since=3.6.0,extension,key=source"`
	// System users get a number from the system's range.
	System *bool `json:"system"`
	// UID is the number of the user; unset, the system chooses one.
	UID *int `json:"uid"`
	// When says on which machines the user is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// Storage is everything on disks, from partition tables to files.
type Storage struct {
	Object
	// Absent are paths at which nothing is to be: a file or a link that is there is
	// removed, before others are made. A directory fails the boot.
	Absent []string `json:"absent" spec:"since=3.6.0,extension,key=.,shared"`
	// Archives are unpacked into directories, in this order.
	Archives []Archive `json:"archives" spec:"since=3.6.0,extension"`
	// Directories to make. A path is in one of Directories, Files and Links.
	Directories []Directory `json:"directories" spec:"key=path,shared"`
	// Disks whose partition tables are changed.
	Disks []Disk `json:"disks" spec:"key=device"`
	// Files to write. Parents that are missing are made, 0755 and root's.
	Files []File `json:"files" spec:"key=path,shared"`
	// Filesystems to make, to reuse and to mount.
	Filesystems []Filesystem `json:"filesystems" spec:"key=device"`
	// Links to make. Nothing else in the config can have a path below one.
	Links []Link `json:"links" spec:"key=path,shared"`
	// Luks volumes to make or to open.
	Luks []Luks `json:"luks" spec:"since=3.2.0,key=name"`
	// Raid arrays to make, before what is on them.
	Raid []Raid `json:"raid" spec:"key=name"`
}

// A Disk and its partition table, which is GPT.
type Disk struct {
	Object
	// Device is the path of the whole disk, best one in /dev/disk/by-id.
	Device string `json:"device"`
	// Partitions that should, or should not, be on the disk. Others stay as
	// they are, unless WipeTable is true.
	Partitions []Partition `json:"partitions" spec:"key=number|label"`
	// WipeTable makes a new, empty table first: all on the disk is lost.
	WipeTable *bool `json:"wipeTable"`
	// When says on which machines this entry is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Partition entry, with a number or a label. A MiB is 1048576 bytes.
type Partition struct {
	Object
	// Number in the table, from 1 on; 0, or left out, is the next free one.
	// Give a label to find the partition again.
	Number int `json:"number"`
	// Label of at most 36 bytes, without colons. The partition is then
	// /dev/disk/by-partlabel/LABEL.
	Label *string `json:"label"`
	// GUID of this one partition; unset or "", one is generated.
	GUID *string `json:"guid"`
	// TypeGUID says what the partition is for; unset or "", Linux data
	// (0FC63DAF-8483-4772-8E79-3D69D8477DE4).
	TypeGUID *string `json:"typeGuid"`
	// StartMiB is where the partition starts, in MiB; 0 is the start of the
	// largest free block. Unset is that of the partition that exists, or else
	// 0.
	StartMiB *int `json:"startMiB"`
	// SizeMiB is its size, in MiB; 0 takes the rest of the free block. Unset is
	// that of the partition that exists, or else 0.
	SizeMiB *int `json:"sizeMiB"`
	// ShouldExist is true if unset. False asks that there is no partition of
	// this number, of which nothing but Number may be given; one that exists is
	// deleted only if WipePartitionEntry is true.
	ShouldExist *bool `json:"shouldExist"`
	// WipePartitionEntry allows an existing partition that differs to be made
	// anew. Else one that differs fails the boot.
	WipePartitionEntry *bool `json:"wipePartitionEntry"`
	// Resize allows an existing partition that differs only in size to be
	// resized; what is in it stays.
	Resize *bool `json:"resize" spec:"since=3.2.0"`
}

// A Raid array, made by mdadm.
type Raid struct {
	Object
	// Name of the array, which is then /dev/md/NAME.
	Name string `json:"name"`
	// Level of redundancy; 0, 1 and so on are the same as raid0 and raid1,
	// stripe is raid0 and mirror is raid1.
	Level *string `json:"level"`
	// Devices of the array with its spares, as absolute paths.
	Devices []string `json:"devices" spec:"key=."`
	// Spares is how many of Devices are spare; 0 if unset. Levels linear and
	// raid0 have none.
	Spares *int `json:"spares"`
	// Options are further arguments of "mdadm --create".
	Options []string `json:"options"`
	// When says on which machines the array is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Luks volume, made by cryptsetup, unlocked by a key, clevis or a card.
type Luks struct {
	Object
	// Name of the volume, which is then /dev/mapper/NAME.
	Name string `json:"name"`
	// Device that is encrypted, an absolute path.
	Device *string `json:"device"`
	// Label of the volume, at most 47 bytes.
	Label *string `json:"label"`
	// UUID of the volume; unset, one is generated.
	UUID *string `json:"uuid"`
	// KeyFile is the key; without a source one is generated. It is kept on the
	// root filesystem, unless clevis unlocks the volume.
	KeyFile Resource `json:"keyFile"`
	Clevis  Clevis   `json:"clevis"`
	// Cex excludes Clevis and KeyFile.
	Cex Cex `json:"cex" spec:"since=3.5.0"`
	// Discard passes TRIM on to the device, which shows what is in use.
	Discard *bool `json:"discard" spec:"since=3.4.0"`
	// OpenOptions are further arguments of "cryptsetup luksOpen" and
	// persistent.
	OpenOptions []string `json:"openOptions" spec:"since=3.4.0,key=."`
	// Options are further arguments of "cryptsetup luksFormat".
	Options []string `json:"options"`
	// WipeVolume makes the volume anew, whatever is on the device. Else a
	// volume that KeyFile opens and that is not bound by Clevis is reused, and
	// other contents fail the boot.
	WipeVolume *bool `json:"wipeVolume"`
	// When says on which machines the volume is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// Clevis says what may unlock a volume without a person.
type Clevis struct {
	Object
	// Custom gives a pin as it stands, instead of Tang, TPM2 and Threshold.
	Custom ClevisCustom `json:"custom"`
	// Tang lists servers that can unlock it, from their network.
	Tang []Tang `json:"tang" spec:"key=url"`
	// Threshold is how many of the TPM and the Tang servers are needed; 1 if
	// unset.
	Threshold *int `json:"threshold"`
	// TPM2 has the machine's TPM unlock it.
	TPM2 *bool `json:"tpm2"`
}

// ClevisCustom is passed to clevis as it stands.
type ClevisCustom struct {
	Object
	// Pin of clevis; before 3.6.0 one of tpm2, tang and sss.
	Pin *string `json:"pin"`
	// Config of the pin: JSON, in a string.
	Config *string `json:"config"`
	// NeedsNetwork says that unlocking needs the network.
	NeedsNetwork *bool `json:"needsNetwork"`
}

// A Tang server. With an advertisement it need not be reachable now.
type Tang struct {
	Object
	// URL of the server, http or https.
	URL string `json:"url"`
	// Thumbprint of the server's signing key, which tang-show-keys prints.
	Thumbprint *string `json:"thumbprint"`
	// Advertisement is what it answers for /adv: JSON, in a string. Unset or
	// "", the server is asked.
	Advertisement *string `json:"advertisement" spec:"since=3.4.0"`
}

// Cex binds a volume to an IBM Crypto Express card (s390x).
type Cex struct {
	Object
	// Enabled turns this on.
	Enabled *bool `json:"enabled"`
}

// A Filesystem to make, or to find, and to mount below the root of the new
// system while its files are written. For later boots it needs a mount unit,
// too.
type Filesystem struct {
	Object
	// Device is an absolute path; for virtiofs the tag that the host gives the
	// directory.
	Device string `json:"device"`
	// Format of the filesystem. With none, which exists since 3.3.0, there is
	// to be none; virtiofs exists since 3.7.0. It has to be set if anything but
	// Device is.
	Format *string `json:"format"`
	// Path is where it is mounted while files are written; unset, it is not.
	Path *string `json:"path"`
	// Label of the filesystem: at most 16 bytes for ext4, 256 for btrfs, 12 for
	// xfs, 11 for vfat and 15 for swap.
	Label *string `json:"label"`
	// UUID of the filesystem; unset, one is generated. That of vfat is short.
	UUID *string `json:"uuid"`
	// Options are further arguments of the mkfs program of the format.
	Options []string `json:"options"`
	// MountOptions are those with which it is mounted while files are written.
	MountOptions []string `json:"mountOptions" spec:"since=3.1.0"`
	// WipeFilesystem makes it anew, whatever is on the device. Else one with
	// the same format, label and UUID is reused, and other contents fail the
	// boot.
	WipeFilesystem *bool `json:"wipeFilesystem"`
	// Subvolumes of a btrfs. Those that are missing are made, and those that
	// exist are kept.
	Subvolumes []Subvolume `json:"subvolumes" spec:"since=3.6.0,key=name,extension"`
	// When says on which machines the filesystem is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Subvolume of a btrfs.
type Subvolume struct {
	Object
	// Name is its path from the top of the filesystem, such as "@/var".
	// Directories on the way that are missing are made.
	Name string `json:"name"`
	// Path is where it is mounted while files are written; unset, it is not.
	Path *string `json:"path"`
	// MountOptions are added to those of the filesystem.
	MountOptions []string `json:"mountOptions"`
	// NoCOW has new files in it overwritten in place, without copies and
	// checksums: for databases and images of disks.
	NoCOW *bool `json:"nocow"`
	// Default makes it what is mounted where no subvolume is named.
	Default *bool `json:"default"`
}

// An Owner is given by number or by name, resolved in the new system. Unset, it
// is root, or whoever owns what already exists there.
type Owner struct {
	Object
	// ID is the number of the user or group.
	ID *int `json:"id"`
	// Name of the user or group, if ID is not set; "" is as if unset.
	Name *string `json:"name"`
}

// A File of the new system.
type File struct {
	Object
	// Path is absolute and in its simplest form, without a slash at its end.
	Path string `json:"path"`
	// Contents of the file. Without a source a file that exists keeps its
	// contents, and a new one is empty.
	Contents Resource `json:"contents"`
	// Append is added at the end of Contents, or of the file that exists.
	Append []Resource `json:"append"`
	// Mode has the permissions. JSON has no octal numbers, so 0644 is written
	// 420; YAML has. Unset is 0644, or what an existing file has whose contents
	// are kept. Setuid, setgid and sticky bits count since 3.6.0.
	Mode  *int  `json:"mode"`
	User  Owner `json:"user"`
	Group Owner `json:"group"`
	// Overwrite replaces what is at the path, for which Contents needs a
	// source. Else what is there fails the boot, if Contents has a source.
	Overwrite *bool `json:"overwrite"`
	// When says on which machines the file is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// An Archive is unpacked into a directory of the new system, whole or not at all. What the
// config makes itself at a path is not taken from the archive.
type Archive struct {
	Object
	// Path is the directory, absolute and in its simplest form. It is made if it does
	// not exist; one that exists keeps what is in it.
	Path string `json:"path"`
	// Contents is the archive. It needs a source.
	Contents Resource `json:"contents"`
	// Format is "tar" or "tar.gz", of what Contents has when it is decompressed.
	Format string `json:"format"`
	// Strip leaves out so many directories at the beginning of each name, and what
	// has no more names than that; 0 if unset.
	Strip *int `json:"strip"`
	// User owns all that is in the archive. Unset, each node has the number from the
	// archive.
	User Owner `json:"user"`
	// Group owns all that is in the archive. Unset, each node has the number from the
	// archive.
	Group Owner `json:"group"`
	// Overwrite replaces files and links that exist by those of the archive. Else what
	// exists fails the boot, except for directories, which stay as they are.
	Overwrite *bool `json:"overwrite"`
	// AllowSetuid allows files with the setuid or setgid bit, or with capabilities. Else
	// they fail the boot.
	AllowSetuid *bool `json:"allowSetuid"`
	// When says on which machines the archive is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Directory of the new system.
type Directory struct {
	Object
	// Path is absolute and in its simplest form, without a slash at its end.
	Path string `json:"path"`
	// Mode has the permissions. JSON has no octal numbers, so 0755 is written
	// 493; YAML has. Unset is 0755, or what an existing directory has. Setuid,
	// setgid and sticky bits count since 3.6.0.
	Mode  *int  `json:"mode"`
	User  Owner `json:"user"`
	Group Owner `json:"group"`
	// Overwrite removes what is at the path, with all that is in it. Else a
	// directory that exists is used, and anything else there fails the boot.
	Overwrite *bool `json:"overwrite"`
	// When says on which machines the directory is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Link of the new system, symbolic or hard.
type Link struct {
	Object
	// Path is absolute and in its simplest form, without a slash at its end.
	Path string `json:"path"`
	// Target is where the link leads to: a path of the new system, which need
	// not exist if the link is symbolic.
	Target *string `json:"target"`
	// Hard makes it another name of the target, which has to be a file.
	Hard *bool `json:"hard"`
	// User who owns it; a hard link has the owner of its target.
	User Owner `json:"user"`
	// Group that owns it; a hard link has the one of its target.
	Group Owner `json:"group"`
	// Overwrite replaces what is at the path. Else what is there fails the
	// boot, unless it is the same link.
	Overwrite *bool `json:"overwrite"`
	// When says on which machines the link is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// Systemd holds the units.
type Systemd struct {
	Object
	// Units to write, to enable, to disable and to mask.
	Units []Unit `json:"units" spec:"key=name"`
}

// A Unit of systemd. What is unset stays as it is.
type Unit struct {
	Object
	// Name of the unit with its extension, such as .service or .timer.
	Name string `json:"name"`
	// Contents of the unit. Unset or "", none is written: it is one that the
	// system has.
	Contents *string `json:"contents"`
	// ContentsFrom is where Contents are, in place of them. The file is root's alone, 0600.
	ContentsFrom Resource `json:"contentsFrom" spec:"since=3.6.0,extension"`
	// Dropins change parts of the unit.
	Dropins []Dropin `json:"dropins" spec:"key=name"`
	// Enabled has the unit started at boot, or not. That needs an [Install]
	// section, in Contents or in the system's unit. Unset, nothing changes.
	Enabled *bool `json:"enabled"`
	// Mask makes it impossible to start the unit; false removes a mask. Unset,
	// nothing changes.
	Mask *bool `json:"mask"`
	// When says on which machines the unit is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// A Dropin extends a unit: NAME.d/*.conf.
type Dropin struct {
	Object
	// Name of the drop-in, which ends in .conf. Alphabetical order counts.
	Name string `json:"name"`
	// Contents of the drop-in, with sections. Unset, none is written.
	Contents *string `json:"contents"`
	// ContentsFrom is where Contents are, in place of them. The file is root's alone, 0600.
	ContentsFrom Resource `json:"contentsFrom" spec:"since=3.6.0,extension"`
	// When says on which machines the drop-in is wanted; unset, on all.
	When *When `json:"when" spec:"since=3.6.0,extension"`
}

// DataURL returns a URL with contents in it, the source of a Resource, as text or in
// base64, whichever is shorter. Contents can be of any length; many platforms have little
// room for a config, though.
func DataURL(contents []byte) string {
	text, base64 := dataurl.Escape(contents), dataurl.Encode("", contents)
	if len(base64) < len(text) {
		return base64
	}
	return text
}

// ValueOr is *p, or def if p is nil.
func ValueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// NonZero reports whether p points to a value that is not the zero value.
func NonZero[T comparable](p *T) bool {
	var zero T
	return p != nil && *p != zero
}
