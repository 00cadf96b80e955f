package spec2_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/spec2"
)

// parse parses the members of a config of the given version.
func parse(version, members string) (*config.Config, config.Problems, error) {
	if members != "" {
		members = "," + members
	}
	return spec2.Parse(fmt.Appendf(nil, `{"ignition":{"version":"%s"}%s}`, version, members), "old")
}

// members returns what a config says besides its version.
func members(c *config.Config) []byte {
	version := []byte(`"ignition":{"version":"3.1.0"}`)
	return bytes.Replace(bytes.Replace(marshal(c), append(version, ','), nil, 1), version, nil, 1)
}

func marshal(c *config.Config) []byte {
	text, err := c.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return text
}

// What is not said here has the members of a file, or of another object, that spec 2
// needs.
const (
	onRoot = `"filesystem":"root","path":"/a"`
	hash   = "sha512-" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func file(more string) string      { return `"storage":{"files":[{` + onRoot + more + `}]}` }
func directory(more string) string { return `"storage":{"directories":[{` + onRoot + more + `}]}` }
func link(more string) string      { return `"storage":{"links":[{` + onRoot + more + `}]}` }
func partition(p string) string {
	return `"storage":{"disks":[{"device":"/dev/vda","partitions":[{` + p + `}]}]}`
}
func mounted(more string) string {
	return `"storage":{"filesystems":[{"mount":{"device":"/dev/vda1","format":"ext4"` + more + `}}]}`
}
func systemUnit(more string) string {
	return `"systemd":{"units":[{"name":"a.service"` + more + `}]}`
}
func userOf(more string) string { return `"passwd":{"users":[{"name":"u"` + more + `}]}` }

// simple is a file of spec 3.
func simple(path string) string {
	return `{"path":"` + path + `","contents":{"source":"data:,x"},"mode":420,"overwrite":true}`
}

func TestTranslation(t *testing.T) {
	const x = `,"contents":{"source":"data:,x"},"mode":420`
	for name, c := range map[string]struct{ version, given, want string }{
		"nothing":       {"2.0.0", ``, ``},
		"empty objects": {"2.4.0", `"storage":{},"systemd":{"units":[]},"networkd":{},"passwd":{}`, `"storage":{},"systemd":{"units":[]},"passwd":{}`},

		"file":                  {"2.0.0", file(x), `"storage":{"files":[` + simple("/a") + `]}`},
		"file replaces":         {"2.2.0", file(x + `,"overwrite":true`), `"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":420,"overwrite":true}]}`},
		"file does not replace": {"2.2.0", file(x + `,"overwrite":false`), `"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":420,"overwrite":false}]}`},
		"file without contents": {"2.3.0", file(`,"mode":420`), `"storage":{"files":[{"path":"/a","mode":420,"contents":{"source":""},"overwrite":true}]}`},
		"file without source":   {"2.3.0", file(`,"mode":420,"contents":{"source":"","compression":""}`), `"storage":{"files":[{"path":"/a","mode":420,"contents":{"source":""},"overwrite":true}]}`},
		"file without mode":     {"2.3.0", file(`,"contents":{"source":"data:,x"}`), `"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"overwrite":true,"mode":0}]}`},
		"contents": {"2.4.0", file(`,"mode":0,"contents":{"source":"https://a/","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + hash + `"}}`),
			`"storage":{"files":[{"path":"/a","mode":0,"contents":{"source":"https://a/","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + hash + `"}},"overwrite":true}]}`},
		"owner":                           {"2.1.0", file(x + `,"user":{"id":0,"name":""},"group":{"name":"g"}`), `"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":420,"overwrite":true,"user":{"id":0},"group":{"name":"g"}}]}`},
		"appended":                        {"2.2.0", file(x + `,"append":true`), `"storage":{"files":[{"path":"/a","mode":420,"append":[{"source":"data:,x"}]}]}`},
		"appended no mode":                {"2.2.0", file(`,"contents":{"source":"data:,x"},"append":true`), `"storage":{"files":[{"path":"/a","append":[{"source":"data:,x"}]}]}`},
		"appended to what must not exist": {"2.2.0", file(x + `,"append":true,"overwrite":false`), `"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":420,"overwrite":false}]}`},
		"append is false":                 {"2.2.0", file(x + `,"append":false`), `"storage":{"files":[` + simple("/a") + `]}`},
		"written, then appended twice": {"2.2.0", `"storage":{"files":[{` + onRoot + x + `},{` + onRoot + `,"append":true,"contents":{"source":"data:,y"}},{"filesystem":"root","path":"//a/.","append":true,"mode":384,"contents":{"source":"data:,z"}}]}`,
			`"storage":{"files":[{"path":"/a","contents":{"source":"data:,x"},"mode":384,"overwrite":true,"append":[{"source":"data:,y"},{"source":"data:,z"}]}]}`},
		"path is made simple": {"2.0.0", `"storage":{"files":[{` + onRoot + x + `},{"filesystem":"root","path":"//b/../c/"` + x + `}]}`,
			`"storage":{"files":[` + simple("/a") + `,` + simple("/c") + `]}`},

		"directory":         {"2.1.0", directory(`,"mode":493`), `"storage":{"directories":[{"path":"/a","mode":493,"user":{"id":0},"group":{"id":0}}]}`},
		"directory of user": {"2.2.0", directory(`,"mode":448,"user":{"name":"u"},"group":{"id":5},"overwrite":true`), `"storage":{"directories":[{"path":"/a","mode":448,"user":{"name":"u"},"group":{"id":5},"overwrite":true}]}`},
		"directory no mode": {"2.3.0", directory(``), `"storage":{"directories":[{"path":"/a","user":{"id":0},"group":{"id":0},"mode":0}]}`},

		"link":          {"2.1.0", link(`,"target":"../b","user":{"id":1}`), `"storage":{"links":[{"path":"/a","target":"../b","user":{"id":1}}]}`},
		"link replaces": {"2.2.0", link(`,"target":"/b","overwrite":true,"hard":false`), `"storage":{"links":[{"path":"/a","target":"/b","overwrite":true}]}`},
		"hard link":     {"2.1.0", link(`,"target":"b/c","hard":true`), `"storage":{"links":[{"path":"/a","target":"/b/c","hard":true}]}`},

		"partition in sectors": {"2.0.0", partition(`"label":"l","number":1,"start":2048,"size":4096,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"`),
			`"storage":{"disks":[{"device":"/dev/vda","partitions":[{"label":"l","number":1,"startMiB":1,"sizeMiB":2,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"}]}]}`},
		"partition unset before 2.3.0": {"2.2.0", partition(`"label":"l"`), `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"label":"l","startMiB":0,"sizeMiB":0}]}]}`},
		"partition unset since 2.3.0":  {"2.3.0", partition(`"number":2`), `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"number":2}]}]}`},
		"partition in MiB": {"2.3.0", partition(`"number":2,"startMiB":0,"sizeMiB":5,"guid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4","wipePartitionEntry":true,"shouldExist":true`),
			`"storage":{"disks":[{"device":"/dev/vda","partitions":[{"number":2,"startMiB":0,"sizeMiB":5,"guid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4","wipePartitionEntry":true,"shouldExist":true}]}]}`},
		"partition deleted":      {"2.3.0", partition(`"number":2,"shouldExist":false,"wipePartitionEntry":true`), `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"number":2,"shouldExist":false,"wipePartitionEntry":true}]}]}`},
		"partition of no number": {"2.3.0", partition(`"number":0,"sizeMiB":5`), `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"sizeMiB":5,"label":""}]}]}`},
		"partitions without number or label": {"2.0.0", `"storage":{"disks":[{"device":"/dev/vda","wipeTable":true,"partitions":[{"size":2048},{"number":2,"label":""},{"label":""},{"label":"l"}]}]}`,
			`"storage":{"disks":[{"device":"/dev/vda","wipeTable":true,"partitions":[{"number":1,"sizeMiB":1,"startMiB":0},{"number":2,"sizeMiB":0,"startMiB":0},{"number":3,"sizeMiB":0,"startMiB":0},{"label":"l","sizeMiB":0,"startMiB":0}]}]}`},
		"table wiped": {"2.0.0", `"storage":{"disks":[{"device":"/dev/vda","wipeTable":true}]}`, `"storage":{"disks":[{"device":"/dev/vda","wipeTable":true}]}`},
		"array": {"2.2.0", `"storage":{"raid":[{"name":"r","level":"raid1","devices":["/dev/a","/dev/b","/dev/c"],"spares":1,"options":["--bitmap=none"]}]}`,
			`"storage":{"raid":[{"name":"r","level":"raid1","devices":["/dev/a","/dev/b","/dev/c"],"spares":1,"options":["--bitmap=none"]}]}`},

		"filesystem": {"2.1.0", mounted(`,"label":"l","uuid":"9f1c2d3e-0000-4000-8000-000000000001","options":["-b","1024"],"wipeFilesystem":true`),
			`"storage":{"filesystems":[{"device":"/dev/vda1","format":"ext4","label":"l","uuid":"9f1c2d3e-0000-4000-8000-000000000001","options":["-b","1024"],"wipeFilesystem":true}]}`},
		"filesystem forced":     {"2.0.0", mounted(`,"create":{"force":true,"options":["-L","ROOT"]}`), `"storage":{"filesystems":[{"device":"/dev/vda1","format":"ext4","wipeFilesystem":true,"options":["-L","ROOT"]}]}`},
		"filesystem not forced": {"2.0.0", mounted(`,"create":{}`), `"storage":{"filesystems":[{"device":"/dev/vda1","format":"ext4"}]}`},
		"filesystem reused":     {"2.0.0", mounted(``), `"storage":{"filesystems":[{"device":"/dev/vda1","format":"ext4"}]}`},
		"filesystem that is mounted": {"2.0.0", `"storage":{"filesystems":[{"name":"data","path":"/sysroot/srv/"}],"files":[{"filesystem":"data","path":"/f"` + x + `}]}`,
			`"storage":{"filesystems":[],"files":[` + simple("/srv/f") + `]}`},
		"root by another name": {"2.0.0", `"storage":{"filesystems":[{"name":"r","path":"/sysroot"}],"files":[{"filesystem":"r","path":"/f"` + x + `}]}`,
			`"storage":{"filesystems":[],"files":[` + simple("/f") + `]}`},
		"root made anew": {"2.1.0", `"storage":{"filesystems":[{"name":"root","mount":{"device":"/dev/disk/by-label/ROOT","format":"xfs","wipeFilesystem":true,"label":"ROOT"}}],"files":[{` + onRoot + x + `}]}`,
			`"storage":{"filesystems":[{"device":"/dev/disk/by-label/ROOT","format":"xfs","wipeFilesystem":true,"label":"ROOT"}],"files":[` + simple("/a") + `]}`},
		"OEM": {"2.2.0", `"storage":{"filesystems":[{"name":"OEM","mount":{"device":"/dev/disk/by-label/OEM","format":"btrfs"}}],"files":[{"filesystem":"OEM","path":"/grub.cfg","append":true,"contents":{"source":"data:,x"}}]}`,
			`"storage":{"filesystems":[{"device":"/dev/disk/by-label/OEM","format":"btrfs","path":"/oem"}],"files":[{"path":"/oem/grub.cfg","append":[{"source":"data:,x"}]}]}`},
		"by mount unit": {"2.1.0", `"storage":{"filesystems":[{"name":"data","mount":{"device":"/dev/vdb","format":"ext4","label":"D"}}],"files":[{"filesystem":"data","path":"/f"` + x + `}],"links":[{"filesystem":"data","path":"/l","target":"/f","hard":true}]},"systemd":{"units":[{"name":"srv.mount","contents":"[Mount]\nWhat = /dev/disk/by-label/D\nWhere=/srv/\n"}]}`,
			`"storage":{"filesystems":[{"device":"/dev/vdb","format":"ext4","label":"D","path":"/srv"}],"files":[` + simple("/srv/f") + `],"links":[{"path":"/srv/l","target":"/srv/f","hard":true}]},"systemd":{"units":[{"name":"srv.mount","contents":"[Mount]\nWhat = /dev/disk/by-label/D\nWhere=/srv/\n"}]}`},

		"mount unit of the root": {"2.1.0", `"storage":{"filesystems":[{"name":"data","mount":{"device":"/dev/vdb","format":"ext4"}}],"files":[{"filesystem":"data","path":"/f"` + x + `}]},"systemd":{"units":[{"name":"-.mount","contents":"[Mount]\nWhat=/dev/vdb\nWhere=/\n"}]}`,
			`"storage":{"filesystems":[{"device":"/dev/vdb","format":"ext4"}],"files":[` + simple("/f") + `]},"systemd":{"units":[{"name":"-.mount","contents":"[Mount]\nWhat=/dev/vdb\nWhere=/\n"}]}`},

		"unit": {"2.0.0", systemUnit(`,"enable":true,"contents":"[Service]\n[Install]\nWantedBy=a.target","dropins":[{"name":"d.conf","contents":"[Unit]\n"}]`),
			`"systemd":{"units":[{"name":"a.service","contents":"[Service]\n[Install]\nWantedBy=a.target","dropins":[{"name":"d.conf","contents":"[Unit]\n"}],"enabled":true}]}`},
		"unit masked":          {"2.0.0", systemUnit(`,"mask":true,"enable":false,"contents":""`), `"systemd":{"units":[{"name":"a.service","mask":true}]}`},
		"unit not masked":      {"2.0.0", systemUnit(`,"mask":false`), `"systemd":{"units":[{"name":"a.service"}]}`},
		"unit enabled":         {"2.1.0", systemUnit(`,"enabled":true`), `"systemd":{"units":[{"name":"a.service","enabled":true}]}`},
		"unit disabled":        {"2.1.0", systemUnit(`,"enabled":false,"enable":false`), `"systemd":{"units":[{"name":"a.service","enabled":false}]}`},
		"unit enabled by both": {"2.1.0", systemUnit(`,"enabled":false,"enable":true`), `"systemd":{"units":[{"name":"a.service","enabled":true}]}`},

		"network": {"2.2.0", `"networkd":{"units":[{"name":"a.network","contents":"[Match]\nName=e*","dropins":[{"name":"d.conf","contents":"[DHCP]\n"},{"name":"e.conf"}]},{"name":"b.link","contents":""}]}`,
			`"storage":{"files":[{"path":"/etc/systemd/network/a.network","mode":420,"overwrite":true,"contents":{"source":"data:,%5BMatch%5D%0AName%3De*"}},` +
				`{"path":"/etc/systemd/network/a.network.d/d.conf","mode":420,"overwrite":true,"contents":{"source":"data:,%5BDHCP%5D%0A"}}]}`},

		"user": {"2.1.0", userOf(`,"passwordHash":"$6$x","sshAuthorizedKeys":["ssh-ed25519 AAAA"],"uid":500,"gecos":"g","homeDir":"/h","noCreateHome":true,"primaryGroup":"p","groups":["a"],"noUserGroup":true,"noLogInit":true,"shell":"/bin/sh","system":true`),
			userOf(`,"passwordHash":"$6$x","sshAuthorizedKeys":["ssh-ed25519 AAAA"],"uid":500,"gecos":"g","homeDir":"/h","noCreateHome":true,"primaryGroup":"p","groups":["a"],"noUserGroup":true,"noLogInit":true,"shell":"/bin/sh","system":true`)},
		"user created": {"2.0.0", userOf(`,"create":{"uid":500,"gecos":"g","homeDir":"/h","noCreateHome":true,"primaryGroup":"p","groups":["a"],"noUserGroup":true,"noLogInit":true,"shell":"/bin/sh","system":true}`),
			userOf(`,"uid":500,"gecos":"g","homeDir":"/h","noCreateHome":true,"primaryGroup":"p","groups":["a"],"noUserGroup":true,"noLogInit":true,"shell":"/bin/sh","system":true`)},
		"user of zeros": {"2.1.0", userOf(`,"gecos":"","homeDir":"","noCreateHome":false,"primaryGroup":"","shell":"","system":false`), userOf("")},
		"group":         {"2.0.0", `"passwd":{"groups":[{"name":"g","gid":0,"passwordHash":"$6$x","system":true}]}`, `"passwd":{"groups":[{"name":"g","gid":0,"passwordHash":"$6$x","system":true}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems, err := parse(c.version, c.given)
			if err != nil {
				t.Fatal(problems)
			}
			var say, want any
			if err := errors.Join(json.Unmarshal(members(got), &say), json.Unmarshal([]byte("{"+c.want+"}"), &want)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(say, want) {
				t.Errorf("got  %s\nwant {%s}", members(got), c.want)
			}
		})
	}
}

func TestTranslationOfTheIgnitionObject(t *testing.T) {
	const given = `{"ignition":{"version":"2.4.0",
		"config":{"append":[{"source":"https://a/","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + hash + `"}}],"replace":{"source":"https://b/"}},
		"timeouts":{"httpResponseHeaders":0,"httpTotal":7},
		"security":{"tls":{"certificateAuthorities":[{"source":"https://c/"}]}},
		"proxy":{"httpProxy":"http://p","httpsProxy":"https://q","noProxy":["r"]}}}`
	const want = `{"ignition":{"version":"3.1.0",` +
		`"config":{"merge":[{"source":"https://a/","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + hash + `"}}],"replace":{"source":"https://b/"}},` +
		`"timeouts":{"httpResponseHeaders":0,"httpTotal":7},` +
		`"security":{"tls":{"certificateAuthorities":[{"source":"https://c/"}]}},` +
		`"proxy":{"httpProxy":"http://p","httpsProxy":"https://q","noProxy":["r"]}}}`
	got, problems, err := spec2.Parse([]byte(given), "old")
	if err != nil {
		t.Fatal(problems)
	}
	if string(marshal(got)) != want {
		t.Errorf("got  %s\nwant %s", marshal(got), want)
	}
	if at := got.Ignition.Config.Merge[0].Origin("source"); at.Line != 2 || at.Path != "ignition.config.append[0].source" {
		t.Errorf("the reference is at %s", at)
	}
}

func TestProblems(t *testing.T) {
	const x = `,"contents":{"source":"data:,x"},"mode":420`
	for name, c := range map[string]struct {
		version, given string
		want           []string
	}{
		"sectors":                 {"2.0.0", partition(`"number":1,"size":2049`), []string{"error: old, line 1, column 107 (storage.disks[0].partitions[0].size): 2049 sectors of 512 bytes are not a whole number of MiB"}},
		"both units":              {"2.3.0", partition(`"number":1,"size":2048,"sizeMiB":1`), []string{"storage.disks[0].partitions[0].size): size and sizeMiB are both given"}},
		"no number, no label":     {"2.0.0", `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"size":2048},{"size":4096}]}]}`, []string{"storage.disks[0].partitions[1]): in spec 3 only one partition of a disk can have neither number nor label"}},
		"unknown filesystem":      {"2.0.0", `"storage":{"files":[{"filesystem":"data","path":"/a"` + x + `}]}`, []string{`storage.files[0].filesystem): there is no filesystem "data" in this config`}},
		"no filesystem":           {"2.0.0", `"storage":{"files":[{"path":"/a"` + x + `}]}`, []string{`storage.files[0]): it does not say on which filesystem this is`}},
		"nowhere mounted":         {"2.0.0", `"storage":{"filesystems":[{"name":"d","mount":{"device":"/dev/vdb","format":"ext4"}}],"files":[{"filesystem":"d","path":"/a"` + x + `}]}`, []string{`storage.files[0].filesystem): nothing can be written to filesystem "d" of line 1: spec 3 needs the path where the system has it, and no mount unit of this config has What=/dev/vdb`}},
		"mounted outside":         {"2.0.0", `"storage":{"filesystems":[{"name":"d","path":"/run/x"}],"files":[{"filesystem":"d","path":"/a"` + x + `}]}`, []string{`it is mounted at /run/x, outside of the new system`}},
		"beside the sysroot":      {"2.0.0", `"storage":{"filesystems":[{"name":"d","path":"/sysroots"}],"files":[{"filesystem":"d","path":"/a"` + x + `}]}`, []string{`it is mounted at /sysroots, outside of the new system`}},
		"neither mount nor path":  {"2.0.0", `"storage":{"filesystems":[{"name":"d"}]}`, []string{"storage.filesystems[0]): this filesystem has neither mount nor path"}},
		"mount and path":          {"2.0.0", `"storage":{"filesystems":[{"path":"/d","mount":{"device":"/dev/vdb","format":"ext4"}}]}`, []string{"storage.filesystems[0].path): path and mount are both given"}},
		"create and wipe":         {"2.1.0", mounted(`,"wipeFilesystem":true,"options":["a"],"create":{"force":true}`), []string{"wipeFilesystem): wipeFilesystem and create are both given", "options): options and create are both given"}},
		"append and overwrite":    {"2.2.0", file(x + `,"append":true,"overwrite":true`), []string{"storage.files[0].overwrite): overwrite and append are both true"}},
		"user and create":         {"2.1.0", userOf(`,"create":{"shell":"/a","uid":0},"shell":"/b","uid":0`), []string{"passwd.users[0].shell): shell is given here and in create", "passwd.users[0].uid): uid is given here and in create"}},
		"same path twice":         {"2.0.0", `"storage":{"files":[{` + onRoot + x + `},{` + onRoot + x + `}]}`, []string{"storage.files[1]", "/a"}},
		"same user twice":         {"2.0.0", `"passwd":{"users":[{"name":"u"},{"name":"u"}]}`, []string{"passwd.users[1]"}},
		"OEM source":              {"2.0.0", file(`,"mode":420,"contents":{"source":"oem:///a"}`), []string{`storage.files[0].contents.source): the scheme "oem" of this URL is unknown`}},
		"other hash":              {"2.0.0", file(`,"mode":420,"contents":{"source":"","verification":{"hash":"md5-00"}}`), []string{"storage.files[0].contents.verification.hash"}},
		"type":                    {"2.0.0", file(`,"mode":"0644"`), []string{"storage.files[0].mode): this is a string, but a number is expected"}},
		"format":                  {"2.0.0", mounted(`,"format":"ntfs"`), []string{"storage.filesystems[0].mount.format"}},
		"device missing":          {"2.0.0", `"storage":{"filesystems":[{"mount":{"format":"ext4"}}]}`, []string{"storage.filesystems[0].mount.device): a path is missing here"}},
		"network unit, extension": {"2.0.0", `"networkd":{"units":[{"name":"a.service","contents":"x"}]}`, []string{`networkd.units[0].name): the name "a.service" does not end in .network, .netdev, .link`}},
		"network unit, slash":     {"2.0.0", `"networkd":{"units":[{"name":"../../a.network","contents":"x"}]}`, []string{`networkd.units[0].name): the name "../../a.network" is not that of a file`}},
		"network unit, NUL":       {"2.0.0", `"networkd":{"units":[{"name":"a\u0000.network","contents":"x"}]}`, []string{`there is a NUL character`}},
		"network unit, newline":   {"2.0.0", `"networkd":{"units":[{"name":"a\n.network","contents":"x"}]}`, []string{`is not that of a file`}},
		"network unit, none":      {"2.0.0", `"networkd":{"units":[{"contents":"x"}]}`, []string{`networkd.units[0]): the name is missing`}},
		"network drop-in, slash":  {"2.2.0", `"networkd":{"units":[{"name":"a.network","dropins":[{"name":"../../x.conf","contents":"x"}]}]}`, []string{`networkd.units[0].dropins[0].name): the name "../../x.conf" is not that of a file`}},
		"network drop-in, name":   {"2.2.0", `"networkd":{"units":[{"name":"a.network","dropins":[{"name":"x","contents":"x"}]}]}`, []string{`the name "x" does not end in .conf`}},
		"all at once":             {"2.0.0", `"storage":{"disks":[{"device":"/dev/vda","partitions":[{"number":1,"size":1},{"number":2,"start":3}]}],"files":[{"filesystem":"d","path":"/a","mode":99999}]}`, []string{"1 sectors", "3 sectors", `no filesystem "d"`, "mode 99999"}},
		"version":                 {"2.9.0", ``, []string{`ignition.version): version "2.9.0" of the spec cannot be translated; of spec 2 the versions are 2.0.0, 2.1.0, 2.2.0, 2.3.0, 2.4.0`}},
		"experimental version":    {"2.5.0-experimental", ``, []string{"cannot be translated"}},
		"spec 3":                  {"3.0.0", ``, []string{"cannot be translated"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, problems, err := parse(c.version, c.given)
			refusal := new(config.ParseError)
			if cfg != nil || !errors.As(err, &refusal) || !problems.HasErrors() {
				t.Fatalf("got %v, %v", problems, err)
			}
			for _, want := range c.want {
				if !strings.Contains(problems.String(), want) {
					t.Errorf("%q is missing in\n%s", want, problems)
				}
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	const x = `,"contents":{"source":"data:,x"},"mode":420`
	for name, c := range map[string]struct {
		version, given string
		want           []string
	}{
		"none":               {"2.3.0", file(x), nil},
		"file without mode":  {"2.3.0", file(`,"contents":{"source":"data:,x"}`), []string{"storage.files[0]): it has no mode, for which spec 2 takes 0, and spec 3 would take 0644"}},
		"directory, no mode": {"2.3.0", directory(``), []string{"storage.directories[0]): it has no mode, for which spec 2 takes 0, and spec 3 would take 0755"}},
		"special bits":       {"2.3.0", file(`,"contents":{"source":"data:,x"},"mode":1517`), []string{"storage.files[0].mode)"}},
		"parents":            {"2.1.0", strings.Replace(directory(`,"mode":448`), "/a", "/a/b/c", 1), []string{"storage.directories[0]): if /a/b does not exist, spec 2 makes it with the same mode and owner"}},
		"parents, listed":    {"2.1.0", `"storage":{"directories":[{"filesystem":"root","path":"/a/b/c","mode":448},{"filesystem":"root","path":"/a/b","mode":493}]}`, nil},
		"parents, same":      {"2.1.0", strings.Replace(directory(`,"mode":493`), "/a", "/a/b/c", 1), nil},
		"not forced":         {"2.0.0", mounted(`,"create":{"options":[]}`), []string{"storage.filesystems[0].mount.create): without force, spec 2 fails if there is any filesystem"}},
		"newer key":          {"2.0.0", mounted(`,"wipeFilesystem":true`), []string{`wipeFilesystem): "wipeFilesystem" exists since version 2.1.0 of the spec, this config says 2.0.0`}},
		"unknown key":        {"2.0.0", file(x + `,"contentz":1`), []string{`"contentz" is not a key of the spec here`}},
		"hidden by the mount": {"2.1.0", `"storage":{"filesystems":[{"name":"d","mount":{"device":"/dev/vdb","format":"ext4"}}],"files":[{"filesystem":"d","path":"/f"` + x + `},{"filesystem":"root","path":"/srv/g"` + x + `}]},"systemd":{"units":[{"name":"srv.mount","contents":"[Mount]\nWhat=/dev/vdb\nWhere=/srv"}]}`,
			[]string{"storage.files[1].path): spec 2 writes this to the root filesystem, below /srv"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, err := parse(c.version, c.given)
			if err != nil {
				t.Fatal(problems)
			}
			if len(problems) != len(c.want) {
				t.Errorf("got %d warnings:\n%s", len(problems), problems)
			}
			for _, want := range c.want {
				if !strings.Contains(problems.String(), want) {
					t.Errorf("%q is missing in\n%s", want, problems)
				}
			}
		})
	}
}

// Origins last through the record that one stage leaves to the next.
func TestOriginsAreThoseOfTheGivenText(t *testing.T) {
	cfg, problems, err := parse("2.3.0", "\n"+`"storage":{"filesystems":[{"mount":{"device":"/dev/vda1","format":"ext4"}}],`+"\n"+`"files":[{`+onRoot+`,"mode":420}]},`+
		"\n"+`"networkd":{"units":[{"name":"a.network","contents":"x"}]}`)
	if err != nil {
		t.Fatal(problems)
	}
	text, origins := cfg.Save()
	loaded, err := config.Load(text, origins, "cache")
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]*config.Config{"parsed": cfg, "loaded": loaded} {
		for want, got := range map[string]config.Origin{
			"old, line 2, column 46 (storage.filesystems[0].mount.device)": cfg.Storage.Filesystems[0].Origin("device"),
			"old, line 3, column 10 (storage.files[0])":                    cfg.Storage.Files[0].Origin("overwrite"),
			"old, line 4, column 30 (networkd.units[0].name)":              cfg.Storage.Files[1].Origin("path"),
		} {
			if got.Line == 0 || !strings.HasPrefix(want, got.Source+fmt.Sprintf(", line %d, ", got.Line)) {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
			if name == "parsed" && got.String() != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// The configs are like those that the usual tools made: Cluster API's provider for
// kubeadm, and the config transpiler of Container Linux.
func TestConfigsOfTools(t *testing.T) {
	for name, problemsOf := range map[string][]string{"cluster-api.ign": nil, "container-linux.ign": nil} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		cfg, problems, err := spec2.Parse(text, name)
		if err != nil || len(problems) != len(problemsOf) {
			t.Fatalf("%s:\n%s", name, problems)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, marshal(cfg), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		golden := "testdata/" + strings.TrimSuffix(name, ".ign") + ".golden"
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s: got\n%s", name, &got)
		}
	}
}

// Whatever is given, it is translated to what spec 3 accepts, or refused with a
// reason and a place.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"cluster-api.ign", "container-linux.ign"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"Ignition":{"Version":"2.4.0"},"ignition":{"version":null},"storage":null}`))
	f.Add([]byte(`{"ignition":{"version":"02.2.0+"},"storage":{"files":[null,{"filesystem":"root","path":"/a","append":true},{"filesystem":"root","path":"/a"}]}}`))
	f.Add([]byte(`{"ignition":{"version":"2.0.0"},"storage":{"filesystems":[null,{"name":"root","path":"/"}],"disks":[{"partitions":[null]}]},"passwd":{"users":[null]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, problems, err := spec2.Parse(bytes.Clone(text), "fuzz")
		if err != nil {
			for _, p := range problems {
				if p.Origin.Line == 0 {
					t.Errorf("%s has no place", p)
				}
			}
			if cfg != nil || !problems.HasErrors() && !errors.Is(err, config.ErrEmpty) {
				t.Errorf("got %v, %v", problems, err)
			}
			return
		}
		if _, problems, err := config.Parse(marshal(cfg), "translated"); err != nil {
			t.Errorf("the result is refused: %s\n%s", problems, marshal(cfg))
		}
	})
}
