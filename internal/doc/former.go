package doc

import (
	"fmt"
	"strings"
)

// The languages that people bring keys from.
const (
	spec2           = "version 2 of the spec"
	containerLinux  = "Container Linux Configs"
	cloudConfig     = "cloud-config"
	butaneLanguage  = "Butane"
	useFiles        = "write what it stands for with storage.files"
	useUnits        = "write what it stands for with systemd.units"
	usePasswd       = "users and their keys are in passwd.users"
	useStorage      = "disks, filesystems and arrays are in storage"
	afterFirstBoot  = "nothing is installed or run here: write a systemd unit that does it"
	insideTheObject = "what is in it stands beside the other keys of this object"
)

// formerKeys lists keys of other languages that have no namesake in ours, by the last
// key of the path of their object, in plain letters (see plainKey). Use names the key
// of the spec that has taken their place.
var formerKeys = []struct {
	language, object, keys string
	instead, use           string
}{
	{language: spec2, keys: "networkd", instead: "write files into /etc/systemd/network with storage.files"},
	{language: spec2, object: "config", keys: "append", use: "merge"},
	{language: spec2, object: "filesystems", keys: "mount", instead: insideTheObject},
	{language: spec2, object: "filesystems", keys: "name", instead: "files have whole paths, and a filesystem is found by its path"},
	{language: spec2, object: "filesystems", keys: "create", instead: insideTheObject + ", and force is wipeFilesystem"},
	{language: spec2, object: "files directories links", keys: "filesystem", instead: "the path is a whole one, and the filesystem is found by its own path"},
	{language: spec2, object: "users", keys: "create", instead: insideTheObject},
	{language: spec2, object: "partitions", keys: "size", instead: "sizes are in MiB, not in sectors", use: "sizeMiB"},
	{language: spec2, object: "partitions", keys: "start", instead: "starts are in MiB, not in sectors", use: "startMiB"},
	{language: containerLinux, keys: "etcd flannel docker update locksmith", instead: useFiles + " and systemd.units"},
	{language: containerLinux, object: "contents", keys: "remote", instead: "its url is the source, and its verification stands beside that"},
	{language: cloudConfig, keys: "hostname fqdn managehosts manageetchosts locale timezone keyboard ntp resolvconf writefiles cacerts", instead: useFiles},
	{language: cloudConfig, keys: "runcmd bootcmd packages packageupdate packageupgrade apt yumrepos snap powerstate finalmessage", instead: afterFirstBoot},
	{language: cloudConfig, keys: "users user chpasswd password sshpwauth sshauthorizedkeys", instead: usePasswd},
	{language: cloudConfig, keys: "groups", instead: "groups are in passwd.groups"},
	{language: cloudConfig, keys: "mounts swap disksetup fssetup growpart resizerootfs", instead: useStorage},
	{language: cloudConfig, keys: "coreos", instead: useUnits},
	{language: cloudConfig, object: "users", keys: "passwd hashedpasswd", use: "passwordHash"},
	{language: cloudConfig, object: "users", keys: "plaintextpasswd password", instead: "a password is given as its hash, see mkpasswd --method=yescrypt", use: "passwordHash"},
	{language: cloudConfig, object: "users", keys: "sudo lockpasswd", instead: "set groups, or write a file into /etc/sudoers.d with storage.files"},
	{language: cloudConfig, object: "files", keys: "content", use: "contents"},
	{language: cloudConfig, object: "files", keys: "permissions", use: "mode"},
	{language: cloudConfig, object: "files", keys: "owner", use: "user"},
	{language: cloudConfig, object: "files", keys: "encoding", instead: "contents in base64 are a data URL: data:;base64,..."},
	{language: butaneLanguage, keys: "variant bootdevice grub metadata openshift", instead: translateIt},
	{language: butaneLanguage, object: "contents append keyfile replace merge certificateauthorities", keys: "inline local", instead: translateIt},
	{language: butaneLanguage, object: "units dropins", keys: "contentslocal", instead: translateIt},
	{language: butaneLanguage, object: "users", keys: "sshauthorizedkeyslocal", instead: translateIt},
	{language: butaneLanguage, object: "filesystems", keys: "withmountunit", instead: translateIt},
	{language: butaneLanguage, object: "storage", keys: "trees", instead: translateIt},
	{language: butaneLanguage, object: "systemd", keys: "quadlets", instead: translateIt},
}

const translateIt = "translate a Butane config with \"firstlightctl translate\""

// formerKey is the hint about a key of another language in the object n at a path.
func formerKey(n *Node, path, key string) string {
	snake := n.Source != nil && n.Source.Snake
	object := plainKey(path[strings.LastIndexByte(path, '.')+1:])
	for _, f := range formerKeys {
		if f.language == butaneLanguage && snake || !isWord(f.keys, plainKey(key)) || object != f.object && !isWord(f.object, object) {
			continue
		}
		text := "; "
		if f.use != "" {
			text += fmt.Sprintf("did you mean %q? ", Origin{Butane: snake}.Key(f.use))
		}
		text += "this is a key of " + f.language
		if f.instead != "" {
			text += ": " + f.instead
		}
		return text
	}
	return ""
}

// isWord reports whether one of the words of a text is this one.
func isWord(text, word string) bool {
	return word != "" && strings.Contains(" "+text+" ", " "+word+" ")
}
