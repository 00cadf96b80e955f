package system

// UserDatabases and GroupDatabases are where accounts are, in the order of nsswitch.conf
// where there is more than one: "files", then "altfiles" and "usrfiles" (systems whose
// image brings its own users, those of OSTree and Container Linux).
var (
	UserDatabases  = []string{"/etc/passwd", "/usr/lib/passwd", "/usr/share/baselayout/passwd"}
	GroupDatabases = []string{"/etc/group", "/usr/lib/group", "/usr/share/baselayout/group"}
)
