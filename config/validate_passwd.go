package config

import (
	"slices"
	"strings"
)

// passwd checks what the programs of the system refuse whatever system it is, and warns
// of what lets nobody log in.
func (v *validator) passwd(p *Passwd) {
	for i := range p.Groups {
		if g := &p.Groups[i]; ValueOr(g.ShouldExist, true) {
			v.accountName("group", g.Name, g.Object)
			v.accountID("group", g.GID, g.Object, "gid")
			v.passwordHash(g.PasswordHash, g.Object)
			v.accountField(g.PasswordHash, g.Object, "passwordHash")
		}
	}
	for i := range p.Users {
		if u := &p.Users[i]; ValueOr(u.ShouldExist, true) {
			v.user(u)
		}
	}
}

func (v *validator) user(u *User) {
	v.accountName("user", u.Name, u.Object)
	v.accountID("user", u.UID, u.Object, "uid")
	v.passwordHash(u.PasswordHash, u.Object)
	for _, field := range []struct {
		name  string
		value *string
	}{{"gecos", u.Gecos}, {"homeDir", u.HomeDir}, {"shell", u.Shell}, {"primaryGroup", u.PrimaryGroup}, {"passwordHash", u.PasswordHash}} {
		v.accountField(field.value, u.Object, field.name)
	}
	for i, group := range u.Groups {
		v.accountField(&group, u.Object, "groups", i)
	}
	v.instead(&u.PasswordHashFrom, u.PasswordHash != nil, "passwordHash", u.Object)
	for i := range u.SSHAuthorizedKeysFrom {
		v.requiredResource(&u.SSHAuthorizedKeysFrom[i], "the public keys")
	}
	for i, key := range u.SSHAuthorizedKeys {
		if rule, why := noPublicKey(key); why != "" {
			v.warn(rule, u.Origin("sshAuthorizedKeys", i), "%s", why)
		}
	}
}

// accountField checks a field of a line of passwd(5), shadow(5) or group(5).
func (v *validator) accountField(value *string, o Object, at ...any) {
	if strings.ContainsAny(ValueOr(value, ""), ":\n") {
		v.error(RuleAccountField, o.Origin(at...), "there is a colon or a line end in this, which cannot be in a line of /etc/passwd")
	}
}

// maxAccountName is the longest name of a user or group that any system has, in bytes;
// most have 32.
const maxAccountName = 255

// accountName checks a name that is to be made: it becomes an argument of programs, a
// field of a line, and a directory below /home.
func (v *validator) accountName(kind, name string, o Object) {
	if !v.fileName(kind, name, maxAccountName, o) {
		return
	}
	switch {
	case strings.ContainsAny(name[:1], "-+~"):
		v.error(RuleAccountName, o.Origin("name"), "the name %s of the %s begins with one of -+~, which has a meaning of its own", quote(name), kind)
	case strings.ContainsAny(name, ":/, \t") || name == "." || name == "..":
		v.error(RuleAccountName, o.Origin("name"), "%s cannot be the name of a %s: a name has no colon, slash, comma or blank and is not . or ..", quote(name), kind)
	}
}

// maxID is the largest number of a user or group: chown(2) takes the next one for
// "leave it".
const maxID int64 = 1<<32 - 2

func isID(id int) bool { return id >= 0 && int64(id) <= maxID }

func (v *validator) accountID(kind string, id *int, o Object, member string) {
	if !isID(ValueOr(id, 0)) {
		v.error(RuleIDRange, o.Origin(member), "%d is not the id of a %s; ids are from 0 to %d", *id, kind, maxID)
	}
}

// passwordHash warns of what crypt(3) cannot have made. Neither the value nor a part of
// it is shown.
func (v *validator) passwordHash(text *string, o Object) {
	const form = "; it should be what \"mkpasswd --method=yescrypt\" prints, like $y$...$...$..."
	hash := strings.TrimLeft(ValueOr(text, ""), "!*")
	at := o.Origin("passwordHash")
	kind, rest, _ := strings.Cut(strings.TrimPrefix(hash, "$"), "$")
	switch {
	case hash == "" || hash == "x" || isDES(hash):
	case hash[0] != '$':
		v.warn(RulePasswordHash, at, "this is not the hash of a password, so nobody can log in with one%s; a shell replaces $y or $6 in double quotes by nothing", form)
	case !slices.Contains(hashKinds, kind):
		v.warn(RulePasswordHash, at, "crypt has no hash of this kind, so nobody can log in with a password%s", form)
	case !isWholeHash(kind, rest):
		v.warn(RulePasswordHash, at, "this hash of a password is cut off, so nobody can log in with a password%s", form)
	}
}

// hashKinds are what stands between the first two $ of a hash, see crypt(5).
var hashKinds = []string{"1", "2a", "2b", "2x", "2y", "3", "5", "6", "7", "y", "gy", "md5", "sha1", "sm3", "sm3y"}

// isWholeHash reports whether something follows after the salt of a hash.
func isWholeHash(kind, rest string) bool {
	between := 1 // of $, the last one before what is compared
	if kind == "y" || kind == "gy" || kind == "sm3y" || kind == "sha1" || strings.HasPrefix(rest, "rounds=") {
		between = 2
	}
	return strings.Count(rest, "$") >= between && !strings.HasSuffix(rest, "$")
}

// isDES reports whether a hash is one of the two kinds that do not begin with $.
func isDES(hash string) bool {
	return len(hash) == 13 || len(hash) == 20 && hash[0] == '_'
}

// noPublicKey says what stands in place of a key of SSH, if that is plain; else why is
// "": authorized_keys may have comments and options, and new kinds of keys.
func noPublicKey(key string) (r Rule, why string) {
	const wanted = "; it should be the line of a file that ends in .pub"
	key = strings.TrimSpace(key)
	word, _, more := strings.Cut(key, " ")
	switch {
	case strings.Contains(key, "PRIVATE KEY") || strings.HasPrefix(key, "PuTTY-User-Key-File"):
		return RuleSSHPrivateKey, "this is a private key, which is a secret and lets nobody log in" + wanted + ". Whoever has read this config has the key: replace it"
	case strings.HasPrefix(key, "-----BEGIN") || strings.HasPrefix(key, "---- BEGIN"):
		return RuleSSHKeyForm, "this is a key in a form that sshd does not read here" + wanted + "; ssh-keygen -i converts it"
	case !more && strings.Contains(word, "://"):
		return RuleSSHKeyForm, "this is a URL and not a public key" + wanted
	case !more && (strings.HasSuffix(word, ".pub") || strings.HasPrefix(word, "/") || strings.HasPrefix(word, "~") || strings.HasPrefix(word, "./")):
		return RuleSSHKeyForm, "this is the path of a file and not a public key" + wanted
	}
	return 0, ""
}
