package config

import "testing"

func TestUnknownKeysNameWhatIsMeant(t *testing.T) {
	storage := func(text string) string { return `"storage":{` + text + `}` }
	warn := func(path, key, hint string) []string {
		return []string{"W " + path + ` "` + key + `" is not a key of the spec here and has no effect; ` + hint}
	}
	nothing := func(path, key string) []string {
		return []string{"W " + path + ` "` + key + `" is not a key of the spec here and has no effect`}
	}
	testRules(t, []rule{
		{"a letter less", "all", `"systemd":{"units":[{"name":"a.service","enable":true}]}`, warn("systemd.units[0].enable", "enable", `did you mean "enabled"?`)},
		{"a letter more", "all", `"storages":{}`, warn("storages", "storages", `did you mean "storage"?`)},
		{"letters exchanged", "all", storage(`"flies":[]`), warn("storage.flies", "flies", `did you mean "files"?`)},
		{"Butane's spelling", "all", storage(`"disks":[{"device":"/d","wipe_table":true}]`), warn("storage.disks[0].wipe_table", "wipe_table", `did you mean "wipeTable"?`)},
		{"one level too high", "all", `"units":[]`, warn("units", "units", "it belongs under systemd")},
		{"one level too high, inside of a file", "all", storage(`"files":[{"path":"/a","source":"data:,"}]`), warn("storage.files[0].source", "source", "it belongs under storage.files.contents or storage.files.append")},
		{"one level too low", "all", storage(`"passwd":{}`), warn("storage.passwd", "passwd", "it belongs under the top level")},
		{"in another part", "all", storage(`"sshAuthorizedKeys":[]`), warn("storage.sshAuthorizedKeys", "sshAuthorizedKeys", "it belongs under passwd.users")},
		{"in many places", "all", `"passwd":{"users":[{"name":"a","path":"/a"}]}`, nothing("passwd.users[0].path", "path")},
		{"nothing is like it", "all", `"$schema":"x"`, nothing("$schema", "$schema")},
		{"not before the version has it", "≤3.2", `"kernelArgument":{}`, nothing("kernelArgument", "kernelArgument")},
		{"mount of version 2", "all", storage(`"filesystems":[{"device":"/d","format":"xfs","mount":{}}]`), warn("storage.filesystems[0].mount", "mount", "this is a key of version 2 of the spec: what is in it")},
		{"filesystem of version 2", "all", storage(`"files":[{"path":"/a","filesystem":"root"}]`), warn("storage.files[0].filesystem", "filesystem", "this is a key of version 2 of the spec: the path is a whole one")},
		{"append of version 2", "all", `"ignition":{$V,"config":{"append":[]}}`, warn("ignition.config.append", "append", `did you mean "merge"? this is a key of version 2 of the spec`)},
		{"size of version 2", "all", storage(`"disks":[{"device":"/d","partitions":[{"number":1,"size":1}]}]`), warn("storage.disks[0].partitions[0].size", "size", `did you mean "sizeMiB"? this is a key of version 2 of the spec: sizes are in MiB`)},
		{"networkd", "all", `"networkd":{}`, warn("networkd", "networkd", "this is a key of version 2 of the spec: write files into /etc/systemd/network")},
		{"Container Linux", "all", `"locksmith":{}`, warn("locksmith", "locksmith", "this is a key of Container Linux Configs")},
		{"cloud-config", "all", `"write_files":[]`, warn("write_files", "write_files", "this is a key of cloud-config")},
		{"user of cloud-config", "all", `"passwd":{"users":[{"name":"a","lock-passwd":true}]}`, warn("passwd.users[0].lock-passwd", "lock-passwd", "this is a key of cloud-config")},
		{"Butane's own", "all", storage(`"files":[{"path":"/a","contents":{"inline":"x"}}]`), warn("storage.files[0].contents.inline", "inline", "this is a key of Butane: translate")},
	})
}
