package config

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

// A Config is one machine's configuration in the newest form of the spec.
// Parse, Merge and Load make one; its values know where they came from.
type Config struct {
	Object
	Ignition        Ignition        `json:"ignition"`
	KernelArguments KernelArguments `json:"kernelArguments" spec:"since=3.3.0"`
	Passwd          Passwd          `json:"passwd"`
	Storage         Storage         `json:"storage"`
	Systemd         Systemd         `json:"systemd"`
}

// Ignition holds what is about the config itself and about fetching.
type Ignition struct {
	Object
	Version  string   `json:"version"`
	Config   Referred `json:"config"`
	Proxy    Proxy    `json:"proxy" spec:"since=3.1.0"`
	Security Security `json:"security"`
	Timeouts Timeouts `json:"timeouts"`
}

// Referred names the configs that are merged into this one, or replace it.
type Referred struct {
	Object
	Merge   []Resource `json:"merge" spec:"key=source"`
	Replace Resource   `json:"replace"`
}

// A Resource is something to fetch: a config, a certificate, file contents, a key.
type Resource struct {
	Object
	// Source is a URL. Nil means that there is nothing, "" that it is empty.
	Source *string `json:"source"`
	// Compression is nil, "" or "gzip".
	Compression  *string      `json:"compression" spec:"inReferences=3.1.0"`
	HTTPHeaders  []HTTPHeader `json:"httpHeaders" spec:"since=3.1.0,key=name,removal=value"`
	Verification Verification `json:"verification"`
}

// An HTTPHeader is sent with the request. A nil value in a child config
// removes the parent's header of that name.
type HTTPHeader struct {
	Object
	Name  string  `json:"name"`
	Value *string `json:"value"`
}

// Verification is what the fetched, decompressed bytes must match.
type Verification struct {
	Object
	// Hash is "sha512-" or "sha256-" followed by hexadecimal digits.
	Hash *string `json:"hash"`
}

// Proxy is the HTTP proxy of all fetches after this config has been read.
type Proxy struct {
	Object
	HTTPProxy  *string  `json:"httpProxy"`
	HTTPSProxy *string  `json:"httpsProxy"`
	NoProxy    []string `json:"noProxy" spec:"key=."`
}

// Security holds the certificate authorities that are trusted besides the system's.
type Security struct {
	Object
	TLS TLS `json:"tls"`
}

// TLS lists bundles of PEM certificates.
type TLS struct {
	Object
	CertificateAuthorities []Resource `json:"certificateAuthorities" spec:"key=source"`
}

// Timeouts bound each HTTP fetch, in seconds; 0 is without limit.
type Timeouts struct {
	Object
	// HTTPResponseHeaders is 10 if unset.
	HTTPResponseHeaders *int `json:"httpResponseHeaders"`
	// HTTPTotal includes retries and the body; unset is without limit.
	HTTPTotal *int `json:"httpTotal"`
}

// KernelArguments lists what the kernel command line must and must not hold.
type KernelArguments struct {
	Object
	ShouldExist    []string `json:"shouldExist" spec:"key=.,shared"`
	ShouldNotExist []string `json:"shouldNotExist" spec:"key=.,shared"`
}

// Passwd holds users and groups.
type Passwd struct {
	Object
	Groups []Group `json:"groups" spec:"key=name"`
	Users  []User  `json:"users" spec:"key=name"`
}

// A Group of users.
type Group struct {
	Object
	Name         string  `json:"name"`
	GID          *int    `json:"gid"`
	PasswordHash *string `json:"passwordHash"`
	ShouldExist  *bool   `json:"shouldExist" spec:"since=3.2.0"`
	System       *bool   `json:"system"`
}

// A User account; what is unset is left to the system's defaults.
type User struct {
	Object
	Name              string   `json:"name"`
	Gecos             *string  `json:"gecos"`
	Groups            []string `json:"groups" spec:"key=."`
	HomeDir           *string  `json:"homeDir"`
	NoCreateHome      *bool    `json:"noCreateHome"`
	NoLogInit         *bool    `json:"noLogInit"`
	NoUserGroup       *bool    `json:"noUserGroup"`
	PasswordHash      *string  `json:"passwordHash"`
	PrimaryGroup      *string  `json:"primaryGroup"`
	Shell             *string  `json:"shell"`
	ShouldExist       *bool    `json:"shouldExist" spec:"since=3.2.0"`
	SSHAuthorizedKeys []string `json:"sshAuthorizedKeys" spec:"key=."`
	System            *bool    `json:"system"`
	UID               *int     `json:"uid"`
}

// Storage is everything on disks, from partition tables to files.
type Storage struct {
	Object
	Directories []Directory  `json:"directories" spec:"key=path,shared"`
	Disks       []Disk       `json:"disks" spec:"key=device"`
	Files       []File       `json:"files" spec:"key=path,shared"`
	Filesystems []Filesystem `json:"filesystems" spec:"key=device"`
	Links       []Link       `json:"links" spec:"key=path,shared"`
	Luks        []Luks       `json:"luks" spec:"since=3.2.0,key=name"`
	Raid        []Raid       `json:"raid" spec:"key=name"`
}

// A Disk and its partition table.
type Disk struct {
	Object
	Device     string      `json:"device"`
	Partitions []Partition `json:"partitions" spec:"key=number|label"`
	WipeTable  *bool       `json:"wipeTable"`
}

// A Partition entry. Sizes and starts are in MiB; 0 means the largest free
// block, nil to keep what an existing partition has.
type Partition struct {
	Object
	// Number is 1-based; 0 takes the next free number.
	Number             int     `json:"number"`
	Label              *string `json:"label"`
	GUID               *string `json:"guid"`
	TypeGUID           *string `json:"typeGuid"`
	StartMiB           *int    `json:"startMiB"`
	SizeMiB            *int    `json:"sizeMiB"`
	ShouldExist        *bool   `json:"shouldExist"`
	WipePartitionEntry *bool   `json:"wipePartitionEntry"`
	Resize             *bool   `json:"resize" spec:"since=3.2.0"`
}

// A Raid array, made by mdadm.
type Raid struct {
	Object
	Name    string   `json:"name"`
	Level   *string  `json:"level"`
	Devices []string `json:"devices" spec:"key=."`
	Spares  *int     `json:"spares"`
	Options []string `json:"options"`
}

// A Luks volume, made by cryptsetup, bound by clevis.
type Luks struct {
	Object
	Name        string   `json:"name"`
	Device      *string  `json:"device"`
	Label       *string  `json:"label"`
	UUID        *string  `json:"uuid"`
	KeyFile     Resource `json:"keyFile"`
	Clevis      Clevis   `json:"clevis"`
	Cex         Cex      `json:"cex" spec:"since=3.5.0"`
	Discard     *bool    `json:"discard" spec:"since=3.4.0"`
	OpenOptions []string `json:"openOptions" spec:"since=3.4.0,key=."`
	Options     []string `json:"options"`
	WipeVolume  *bool    `json:"wipeVolume"`
}

// Clevis says what may unlock a volume without a person.
type Clevis struct {
	Object
	Custom    ClevisCustom `json:"custom"`
	Tang      []Tang       `json:"tang" spec:"key=url"`
	Threshold *int         `json:"threshold"`
	TPM2      *bool        `json:"tpm2"`
}

// ClevisCustom is passed to clevis as it stands.
type ClevisCustom struct {
	Object
	Pin          *string `json:"pin"`
	Config       *string `json:"config"`
	NeedsNetwork *bool   `json:"needsNetwork"`
}

// A Tang server. With an advertisement it need not be reachable now.
type Tang struct {
	Object
	URL           string  `json:"url"`
	Thumbprint    *string `json:"thumbprint"`
	Advertisement *string `json:"advertisement" spec:"since=3.4.0"`
}

// Cex binds a volume to an IBM Crypto Express card (s390x).
type Cex struct {
	Object
	Enabled *bool `json:"enabled"`
}

// A Filesystem to make, or to find, and to mount below the sysroot.
type Filesystem struct {
	Object
	// Device is an absolute path; for virtiofs a tag.
	Device         string   `json:"device"`
	Format         *string  `json:"format"`
	Path           *string  `json:"path"`
	Label          *string  `json:"label"`
	UUID           *string  `json:"uuid"`
	Options        []string `json:"options"`
	MountOptions   []string `json:"mountOptions" spec:"since=3.1.0"`
	WipeFilesystem *bool    `json:"wipeFilesystem"`
}

// An Owner is given by id or by name, resolved inside the sysroot.
type Owner struct {
	Object
	ID   *int    `json:"id"`
	Name *string `json:"name"`
}

// A File below the sysroot. Mode is in octal as a number: 0644 is 420.
type File struct {
	Object
	Path      string     `json:"path"`
	Contents  Resource   `json:"contents"`
	Append    []Resource `json:"append"`
	Mode      *int       `json:"mode"`
	User      Owner      `json:"user"`
	Group     Owner      `json:"group"`
	Overwrite *bool      `json:"overwrite"`
}

// A Directory below the sysroot.
type Directory struct {
	Object
	Path      string `json:"path"`
	Mode      *int   `json:"mode"`
	User      Owner  `json:"user"`
	Group     Owner  `json:"group"`
	Overwrite *bool  `json:"overwrite"`
}

// A Link below the sysroot, symbolic unless Hard.
type Link struct {
	Object
	Path      string  `json:"path"`
	Target    *string `json:"target"`
	Hard      *bool   `json:"hard"`
	User      Owner   `json:"user"`
	Group     Owner   `json:"group"`
	Overwrite *bool   `json:"overwrite"`
}

// Systemd holds the units.
type Systemd struct {
	Object
	Units []Unit `json:"units" spec:"key=name"`
}

// A Unit of systemd. Nil leaves it as it is.
type Unit struct {
	Object
	Name     string   `json:"name"`
	Contents *string  `json:"contents"`
	Dropins  []Dropin `json:"dropins" spec:"key=name"`
	Enabled  *bool    `json:"enabled"`
	Mask     *bool    `json:"mask"`
}

// A Dropin extends a unit: NAME.d/*.conf.
type Dropin struct {
	Object
	Name     string  `json:"name"`
	Contents *string `json:"contents"`
}

// Or is *p, or def if p is nil.
func Or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// IsSet tells whether p points to something else than the zero value.
func IsSet[T comparable](p *T) bool {
	var zero T
	return p != nil && *p != zero
}
