package spec2

// The types of spec 2, for all its versions: a member that was added later says
// since when in its spec tag. Nothing is decoded to them; they are what documents
// are compared with. Pointers are members of which "unset" is not the same as the
// zero value (see dropZeros).

type document struct {
	Ignition ignition `json:"ignition"`
	Networkd networkd `json:"networkd"`
	Passwd   passwd   `json:"passwd"`
	Storage  storage  `json:"storage"`
	Systemd  systemd  `json:"systemd"`
}

type ignition struct {
	Version  string     `json:"version"`
	Config   references `json:"config"`
	Proxy    proxy      `json:"proxy" spec:"since=2.4.0"`
	Security security   `json:"security" spec:"since=2.2.0"`
	Timeouts timeouts   `json:"timeouts" spec:"since=2.1.0"`
}

type references struct {
	Append  []reference `json:"append"`
	Replace reference   `json:"replace"`
}

type reference struct {
	Source       string       `json:"source"`
	HTTPHeaders  []httpHeader `json:"httpHeaders" spec:"since=2.4.0"`
	Verification verification `json:"verification"`
}

type httpHeader struct {
	Name  string  `json:"name"`
	Value *string `json:"value"`
}

type verification struct {
	Hash *string `json:"hash"`
}

type proxy struct {
	HTTPProxy  string   `json:"httpProxy"`
	HTTPSProxy string   `json:"httpsProxy"`
	NoProxy    []string `json:"noProxy"`
}

type security struct {
	TLS tls `json:"tls"`
}

type tls struct {
	CertificateAuthorities []reference `json:"certificateAuthorities"`
}

type timeouts struct {
	HTTPResponseHeaders *int `json:"httpResponseHeaders"`
	HTTPTotal           *int `json:"httpTotal"`
}

type storage struct {
	Directories []directory  `json:"directories" spec:"since=2.1.0"`
	Disks       []disk       `json:"disks"`
	Files       []file       `json:"files"`
	Filesystems []filesystem `json:"filesystems"`
	Links       []link       `json:"links" spec:"since=2.1.0"`
	Raid        []raid       `json:"raid"`
}

type disk struct {
	Device     string      `json:"device"`
	Partitions []partition `json:"partitions"`
	WipeTable  bool        `json:"wipeTable"`
}

type partition struct {
	GUID               string  `json:"guid" spec:"since=2.1.0"`
	Label              *string `json:"label"`
	Number             int     `json:"number"`
	ShouldExist        *bool   `json:"shouldExist" spec:"since=2.3.0"`
	Size               *int    `json:"size"` // in sectors of 512 bytes
	SizeMiB            *int    `json:"sizeMiB" spec:"since=2.3.0"`
	Start              *int    `json:"start"` // in sectors of 512 bytes
	StartMiB           *int    `json:"startMiB" spec:"since=2.3.0"`
	TypeGUID           string  `json:"typeGuid"`
	WipePartitionEntry bool    `json:"wipePartitionEntry" spec:"since=2.3.0"`
}

type raid struct {
	Devices []string `json:"devices"`
	Level   string   `json:"level"`
	Name    string   `json:"name"`
	Options []string `json:"options" spec:"since=2.2.0"`
	Spares  int      `json:"spares"`
}

type filesystem struct {
	Mount mount   `json:"mount"`
	Name  string  `json:"name"`
	Path  *string `json:"path"`
}

type mount struct {
	Create         create   `json:"create"`
	Device         string   `json:"device"`
	Format         string   `json:"format"`
	Label          *string  `json:"label" spec:"since=2.1.0"`
	Options        []string `json:"options" spec:"since=2.1.0"`
	UUID           *string  `json:"uuid" spec:"since=2.1.0"`
	WipeFilesystem bool     `json:"wipeFilesystem" spec:"since=2.1.0"`
}

type create struct {
	Force   bool     `json:"force"`
	Options []string `json:"options"`
}

type file struct {
	Append     bool     `json:"append" spec:"since=2.2.0"`
	Contents   contents `json:"contents"`
	Filesystem string   `json:"filesystem"`
	Group      owner    `json:"group"`
	Mode       *int     `json:"mode"`
	Overwrite  *bool    `json:"overwrite" spec:"since=2.2.0"`
	Path       string   `json:"path"`
	User       owner    `json:"user"`
}

type contents struct {
	Compression  string       `json:"compression"`
	HTTPHeaders  []httpHeader `json:"httpHeaders" spec:"since=2.4.0"`
	Source       string       `json:"source"`
	Verification verification `json:"verification"`
}

type owner struct {
	ID   *int   `json:"id"`
	Name string `json:"name" spec:"since=2.1.0"`
}

type directory struct {
	Filesystem string `json:"filesystem"`
	Group      owner  `json:"group"`
	Mode       *int   `json:"mode"`
	Overwrite  *bool  `json:"overwrite" spec:"since=2.2.0"`
	Path       string `json:"path"`
	User       owner  `json:"user"`
}

type link struct {
	Filesystem string `json:"filesystem"`
	Group      owner  `json:"group"`
	Hard       bool   `json:"hard"`
	Overwrite  *bool  `json:"overwrite" spec:"since=2.2.0"`
	Path       string `json:"path"`
	Target     string `json:"target"`
	User       owner  `json:"user"`
}

type systemd struct {
	Units []unit `json:"units"`
}

type unit struct {
	Contents string   `json:"contents"`
	Dropins  []dropin `json:"dropins"`
	Enable   bool     `json:"enable"`
	Enabled  *bool    `json:"enabled" spec:"since=2.1.0"`
	Mask     bool     `json:"mask"`
	Name     string   `json:"name"`
}

type dropin struct {
	Contents string `json:"contents"`
	Name     string `json:"name"`
}

type networkd struct {
	Units []networkdUnit `json:"units"`
}

type networkdUnit struct {
	Contents string   `json:"contents"`
	Dropins  []dropin `json:"dropins" spec:"since=2.2.0"`
	Name     string   `json:"name"`
}

type passwd struct {
	Groups []group `json:"groups"`
	Users  []user  `json:"users"`
}

type group struct {
	GID          *int   `json:"gid"`
	Name         string `json:"name"`
	PasswordHash string `json:"passwordHash"`
	System       bool   `json:"system"`
}

type user struct {
	Create            account  `json:"create"`
	Gecos             string   `json:"gecos" spec:"since=2.1.0"`
	Groups            []string `json:"groups" spec:"since=2.1.0"`
	HomeDir           string   `json:"homeDir" spec:"since=2.1.0"`
	Name              string   `json:"name"`
	NoCreateHome      bool     `json:"noCreateHome" spec:"since=2.1.0"`
	NoLogInit         bool     `json:"noLogInit" spec:"since=2.1.0"`
	NoUserGroup       bool     `json:"noUserGroup" spec:"since=2.1.0"`
	PasswordHash      *string  `json:"passwordHash"`
	PrimaryGroup      string   `json:"primaryGroup" spec:"since=2.1.0"`
	SSHAuthorizedKeys []string `json:"sshAuthorizedKeys"`
	Shell             string   `json:"shell" spec:"since=2.1.0"`
	System            bool     `json:"system" spec:"since=2.1.0"`
	UID               *int     `json:"uid" spec:"since=2.1.0"`
}

type account struct {
	Gecos        string   `json:"gecos"`
	Groups       []string `json:"groups"`
	HomeDir      string   `json:"homeDir"`
	NoCreateHome bool     `json:"noCreateHome"`
	NoLogInit    bool     `json:"noLogInit"`
	NoUserGroup  bool     `json:"noUserGroup"`
	PrimaryGroup string   `json:"primaryGroup"`
	Shell        string   `json:"shell"`
	System       bool     `json:"system"`
	UID          *int     `json:"uid"`
}
