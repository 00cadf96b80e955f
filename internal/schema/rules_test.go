package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// Here the rules of a schema meet those of package config and package butane:
// the same texts are given to both.

// verdicts are what the code and the schema say of a config.
func verdicts(t *testing.T, v config.Version, j judge, rest string) (code, schema bool) {
	t.Helper()
	text := fmt.Sprintf(`{"ignition": {"version": %q}%s}`, v, rest)
	_, _, err := config.Parse([]byte(text), "test")
	return err == nil, j.complaints(t, parseJSON(t, text)) == nil
}

// forms are values of members with rules, in their surroundings. %s is a value
// in JSON.
var forms = []struct {
	name   string
	since  config.Version
	around string
	values []string
}{
	{"compression", config.V3_0, `"storage": {"files": [{"path": "/a", "contents": {"source": "data:,", "compression": %s}}]}`,
		[]string{`"gzip"`, `""`, `null`, `"zstd"`, `"GZIP"`, `1`}},
	{"hash", config.V3_0, `"storage": {"files": [{"path": "/a", "contents": {"source": "data:,", "verification": {"hash": %s}}}]}`,
		[]string{`null`, `""`, `"sha512"`, `"sha512-` + strings.Repeat("a", 128) + `"`, `"sha512-` + strings.Repeat("a", 127) + `"`,
			`"sha256-` + strings.Repeat("a", 64) + `"`, `"SHA512-` + strings.Repeat("a", 128) + `"`, `"md5-` + strings.Repeat("a", 32) + `"`}},
	{"path of a file", config.V3_0, `"storage": {"files": [{"path": %s}]}`, append(paths, `"/"`, `""`)},
	{"path of a directory", config.V3_0, `"storage": {"directories": [{"path": %s}]}`, append(paths, `"/"`, `""`)},
	{"path of a link", config.V3_0, `"storage": {"links": [{"path": %s, "target": "/x"}]}`, append(paths, `"/"`, `""`)},
	{"mode of a file", config.V3_0, `"storage": {"files": [{"path": "/a", "mode": %s}]}`, modes},
	{"mode of a directory", config.V3_0, `"storage": {"directories": [{"path": "/a", "mode": %s}]}`, modes},
	{"disk", config.V3_0, `"storage": {"disks": [{"device": %s}]}`, append(paths, `""`)},
	{"guid", config.V3_0, `"storage": {"disks": [{"device": "/a", "partitions": [{"number": 1, "guid": %s}]}]}`, guids},
	{"type", config.V3_0, `"storage": {"disks": [{"device": "/a", "partitions": [{"number": 1, "typeGuid": %s}]}]}`, guids},
	{"label of a partition", config.V3_0, `"storage": {"disks": [{"device": "/a", "partitions": [{"label": %s}]}]}`,
		[]string{`""`, `"root"`, `"a:b"`, `"` + strings.Repeat("a", 36) + `"`, `"` + strings.Repeat("a", 37) + `"`}},
	{"RAID level", config.V3_0, `"storage": {"raid": [{"name": "a", "level": %s, "devices": ["/a", "/b"]}]}`, quoted(words("linear raid0 0 stripe raid1 1 mirror raid4 4 raid5 5 raid6 6 raid10 10 raid2 2 RAID1", "")...)},
	{"RAID devices", config.V3_0, `"storage": {"raid": [{"name": "a", "level": "raid1", "devices": %s}]}`, []string{`[]`, `["/a"]`, `["a"]`, `["/a/"]`}},
	{"format", config.V3_0, `"storage": {"filesystems": [{"device": "/a", "format": %s}]}`,
		quoted(words("ext4 btrfs xfs vfat swap none virtiofs ext3 EXT4 ntfs", "")...)},
	{"device of a filesystem", config.V3_0, `"storage": {"filesystems": [{"device": %s, "format": "ext4"}]}`, append(paths, `""`, `"tag"`)},
	{"virtiofs", config.V3_7Experimental, `"storage": {"filesystems": [{"device": %s, "format": "virtiofs"}]}`,
		[]string{`"tag"`, `""`, `"/a/../b"`, `"` + strings.Repeat("a", 37) + `"`}},
	{"mount point", config.V3_0, `"storage": {"filesystems": [{"device": "/a", "format": "xfs", "path": %s}]}`, append(paths, `""`, `null`)},
	{"LUKS name", config.V3_2, `"storage": {"luks": [{"name": %s, "device": "/a"}]}`, []string{`"a"`, `"a/b"`, `"a b"`}},
	{"LUKS label", config.V3_2, `"storage": {"luks": [{"name": "a", "device": "/a", "label": %s}]}`,
		[]string{`""`, `"` + strings.Repeat("a", 47) + `"`, `"` + strings.Repeat("a", 48) + `"`}},
	{"LUKS device", config.V3_2, `"storage": {"luks": [{"name": "a", "device": %s}]}`, append(paths, `""`)},
	{"pin", config.V3_2, `"storage": {"luks": [{"name": "a", "device": "/a", "clevis": {"custom": {"config": "{}", "pin": %s}}}]}`,
		[]string{`"tpm2"`, `"tang"`, `"sss"`, `"other"`}},
	{"header", config.V3_1, `"storage": {"files": [{"path": "/a", "contents": {"source": "http://a", "httpHeaders": [{"name": %s, "value": "a"}]}}]}`, []string{`"a"`, `""`}},
	{"thumbprint", config.V3_2, `"storage": {"luks": [{"name": "a", "device": "/a", "clevis": {"tang": [{"url": "http://a", "thumbprint": %s}]}}]}`, []string{`"a"`, `""`}},
	{"unit", config.V3_0, `"systemd": {"units": [{"name": %s}]}`, quoted(words(unitNames)...)},
	{"drop-in", config.V3_0, `"systemd": {"units": [{"name": "a.service", "dropins": [{"name": %s}]}]}`, quoted("a.conf", "a", "a.conf~", "conf", ".conf", "a.Conf")},
}

var (
	paths = []string{`"/a"`, `"/a/b.c/d"`, `"/.a/..b/..."`, `"/a b"`, `"/a:b"`, `"a"`, `"./a"`, `"/a/"`, `"//a"`, `"/a//b"`, `"/a/./b"`,
		`"/a/../b"`, `"/."`, `"/.."`, `"/a/.."`, `"/a\nb"`, `1`, `[]`}
	modes = []string{`0`, `420`, `4095`, `4096`, `-1`, `null`, `"0644"`, `true`}
	guids = []string{`null`, `""`, `"0FC63DAF-8483-4772-8E79-3D69D8477DE4"`, `"0fc63daf-8483-4772-8e79-3d69d8477de4"`, `"0FC63DAF84834772-8E79-3D69D8477DE4"`,
		`"{0FC63DAF-8483-4772-8E79-3D69D8477DE4}"`, `"0FC63DAF-8483-4772-8E79-3D69D8477DE"`, `"0FC63DAF-8483-4772-8E79-3D69D8477DEG"`}
)

func quoted(words ...string) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = `"` + w + `"`
	}
	return all
}

// words are those of a text, and more.
func words(text string, more ...string) []string { return append(strings.Fields(text), more...) }

const unitNames = "a.service a.socket a.device a.mount a.automount a.swap a.target a.path a.timer a.snapshot a.slice a.scope " +
	"a a.conf a.Service .service a@b.service a.service.d service a.nspawn"

func TestValuesAreJudgedAsByTheCode(t *testing.T) {
	for _, v := range config.Versions() {
		j := judgeOf(t, v)
		for _, f := range forms {
			if f.since > v {
				continue
			}
			right, wrong := 0, 0
			for _, value := range f.values {
				code, schema := verdicts(t, v, j, ", "+fmt.Sprintf(f.around, value))
				if code != schema {
					t.Errorf("%s: %s %s: accepted by the code: %t, by the schema: %t", v, f.name, value, code, schema)
				}
				if code {
					right++
				} else {
					wrong++
				}
			}
			if right == 0 || wrong == 0 && f.name != "pin" {
				t.Errorf("%s: %s: of the values %d are right and %d wrong; there should be both", v, f.name, right, wrong)
			}
		}
	}
}

func TestWrongConfigsAreRefused(t *testing.T) {
	j := judgeOf(t, config.V3_6)
	for _, c := range []struct{ name, rest, at string }{
		{"unknown key at the root", `, "files": []`, ""},
		{"unknown key inside", `, "storage": {"files": [{"path": "/a", "perm": 420}]}`, "storage.files.0"},
		{"wrong case", `, "storage": {"files": [{"Path": "/a"}]}`, "storage.files.0"},
		{"Butane's spelling", `, "storage": {"disks": [{"device": "/a", "wipe_table": true}]}`, "storage.disks.0"},
		{"string for a list", `, "storage": {"files": "/a"}`, "storage.files"},
		{"list for an object", `, "storage": []`, "storage"},
		{"string for a number", `, "storage": {"files": [{"path": "/a", "mode": "420"}]}`, "storage.files.0.mode"},
		{"fraction", `, "storage": {"files": [{"path": "/a", "mode": 420.5}]}`, "storage.files.0.mode"},
		{"number for a boolean", `, "systemd": {"units": [{"name": "a.service", "enabled": 1}]}`, "systemd.units.0.enabled"},
		{"file without a path", `, "storage": {"files": [{"mode": 420}]}`, "storage.files.0"},
		{"link without a target", `, "storage": {"links": [{"path": "/a"}]}`, "storage.links.0"},
		{"user without a name", `, "passwd": {"users": [{"uid": 1000}]}`, "passwd.users.0"},
		{"partition without number and label", `, "storage": {"disks": [{"device": "/a", "partitions": [{"sizeMiB": 1}]}]}`, "storage.disks.0.partitions.0"},
		{"unknown format", `, "storage": {"filesystems": [{"device": "/a", "format": "zfs"}]}`, "storage.filesystems.0.format"},
		{"merge without a source", `, "ignition": {"version": "3.6.0", "config": {"merge": [{}]}}`, "ignition.config.merge.0"},
		{"certificates without a source", `, "ignition": {"version": "3.6.0", "security": {"tls": {"certificateAuthorities": [{"compression": ""}]}}}`,
			"ignition.security.tls.certificateAuthorities.0"},
		{"another version", `, "ignition": {"version": "3.5.0"}`, "ignition.version"},
		{"no version", `, "ignition": {}`, "ignition"},
	} {
		got := j.complaints(t, parseJSON(t, `{"ignition": {"version": "3.6.0"}`+c.rest+`}`))
		if !slices.Contains(got, c.at) {
			t.Errorf("%s: the schema complains of %q, expected %q", c.name, got, c.at)
		}
	}
}

func TestMembersOfLaterVersionsAreRefused(t *testing.T) {
	judges := map[config.Version]judge{}
	for _, v := range config.Versions() {
		judges[v] = judgeOf(t, v)
	}
	for _, c := range []struct {
		since config.Version
		rest  string
	}{
		{config.V3_1, `"storage": {"filesystems": [{"device": "/a", "format": "xfs", "mountOptions": []}]}`},
		{config.V3_1, `"storage": {"files": [{"path": "/a", "contents": {"source": "http://a", "httpHeaders": []}}]}`},
		{config.V3_2, `"passwd": {"users": [{"name": "a", "shouldExist": false}]}`},
		{config.V3_3, `"kernelArguments": {}`},
		{config.V3_4, `"storage": {"luks": [{"name": "a", "device": "/a", "discard": true}]}`},
		{config.V3_5, `"storage": {"luks": [{"name": "a", "device": "/a", "cex": {}}]}`},
	} {
		for _, v := range config.Versions() {
			if _, got := verdicts(t, v, judges[v], ", "+c.rest); got != (v >= c.since) {
				t.Errorf("%s: %s: accepted by the schema: %t", v, c.rest, got)
			}
		}
	}
}

func TestCompressionOfReferencesCameLater(t *testing.T) {
	const rest = `{"ignition": {"version": %q, "config": {"replace": {"source": "data:,", "compression": "gzip"}}}}`
	for _, v := range config.Versions() {
		got := judgeOf(t, v).complaints(t, parseJSON(t, fmt.Sprintf(rest, v))) == nil
		if got != (v >= config.V3_1) {
			t.Errorf("%s: accepted: %t", v, got)
		}
	}
}

// dialect finds one by its name.
func dialect(t *testing.T, name string) butane.Dialect {
	t.Helper()
	for _, d := range butane.Dialects() {
		if d.String() == name {
			return d
		}
	}
	t.Fatalf("there is no %s", name)
	panic("unreachable")
}

func TestButaneValuesAreJudgedAsByTheCode(t *testing.T) {
	for _, c := range []struct {
		name, dialect, around string
		values                []string
	}{
		{"layout", "fcos 1.5.0", "boot_device: {layout: %s, luks: {tpm2: true}}", words("x86_64 aarch64 ppc64le s390x-virt s390x-zfcp mips X86_64")},
		{"layout", "fcos 1.7.0", "boot_device: {layout: %s, luks: {tpm2: true}}", words("x86_64 aarch64 ppc64le s390x-virt mips")},
		{"kernel type", "openshift 4.18.0", "metadata: {name: a, labels: {machineconfiguration.openshift.io/role: worker}}\nopenshift: {kernel_type: %s}",
			[]string{"default", "realtime", `""`, "fast"}},
		{"RAID level", "fcos 1.6.0", "storage: {raid: [{name: a, level: %s, devices: [/a, /b]}]}", []string{"raid1", "1", `"1"`, "10", "2", "true"}},
		{"quadlet", "fcos 1.8.0-experimental", "systemd: {quadlets: [{name: a.%s}]}", words("container volume network kube image build pod artifact service Pod")},
		{"quadlet without a name", "fcos 1.8.0-experimental", "systemd: {quadlets: [{%s}]}", []string{"name: a.pod", "rootful: true"}},
		{"string", "fcos 1.6.0", "storage: {files: [{path: /a, contents: {inline: %s}}]}", []string{"text", "10", "1.5", "true", "yes", "[]", "{}"}},
		{"boolean", "fcos 1.6.0", "systemd: {units: [{name: a.service, enabled: %s}]}", []string{"true", "yes", "off", "1", `"true"`}},
		{"whole number", "fcos 1.6.0", "storage: {raid: [{name: a, level: raid1, devices: [/a], spares: %s}]}", []string{"1", "1.0", "1e1", "0.5", "-.5"}},
		{"mode", "fcos 1.6.0", "storage: {files: [{path: /a, mode: %s}]}", []string{"0644", "0o644", "420", `"0644"`, "8192", "-1"}},
		{"merge", "fcos 1.6.0", "ignition: {config: {merge: [%s]}}", []string{"{source: 'http://a'}", "{}", `{inline: '{"ignition": {"version": "3.5.0"}}'}`, "{compression: gzip}"}},
		{"user of grub", "fcos 1.6.0", "grub: {users: [%s]}", []string{"{name: a, password_hash: b}", "{name: a}", "{password_hash: b}"}},
		{"disk", "firstlight 1.0.0", "storage: {disks: [{%s}]}", []string{"device: /a", "as: a, match: {serial: S}", "wipe_table: true", "as: a, match: {}", "as: a/b, match: {serial: S}",
			"as: a, match: {serail: S}", "as: a, match: {root: true}"}},
		{"pick", "firstlight 1.0.0", "storage: {disks: [{as: a, match: {serial: S}, pick: %s}]}", []string{"only", "smallest", "largest", "all", "any", `""`}},
		{"size of disks", "firstlight 1.0.0", "storage: {disks: [{as: a, match: {size: '%s'}}]}", sizes},
		{"number from a parameter", "firstlight 1.0.0", "params: {x: {type: int, default: 0644}}\nstorage:\n  files:\n    - path: /a\n      mode: %s", []string{"${param:x}", "'${param:x}'", "${x}", "text"}},
		{"boolean from a parameter", "firstlight 1.0.0", "params: {x: {type: bool, default: true}}\nsystemd: {units: [{name: a.service, enabled: %s}]}", []string{"'${param:x}'", "text"}},
		{"word from a parameter", "firstlight 1.0.0", "params: {x: {default: xfs}}\nstorage: {filesystems: [{device: /dev/a, format: %s}]}", []string{"'${param:x}'", "text"}},
		{"path from a parameter", "firstlight 1.0.0", "params: {x: {default: /dev/a}}\nstorage: {raid: [{name: a, level: raid1, devices: ['%s', /dev/b]}]}", []string{"${param:x}", "${param:x}/b", "text", "${param:}"}},
		{"parameter", "firstlight 1.0.0", "params: {x: %s}", []string{"{default: a}", "{default: a, type: string, description: d}", "{default: 1, type: int}", "{default: a, type: list}", "{default: [a]}", "{default: a, typ: int}", "a"}},
		{"variant from a parameter", "firstlight 1.0.0", "params: {x: {default: firstlight, type: %s}}", []string{"string", "'${param:x}'"}},
		{"include", "firstlight 1.0.0", "include: %s", []string{"[]", "a.bu"}},
		{"parameters elsewhere", "fcos 1.7.0", "storage: {files: [{path: /a, mode: %s}]}", []string{"'${param:x}'"}},
		{"chosen disks elsewhere", "fcos 1.7.0", "storage: {disks: [{%s}]}", []string{"device: /a", "as: a, match: {serial: S}"}},
		{"metadata", "openshift 4.18.0", "metadata: {%s}", []string{"name: a, labels: {machineconfiguration.openshift.io/role: worker}", "name: a, labels: {machineconfiguration.openshift.io/role: worker, b: }", "name: a", "", "name: a, labels: {machineconfiguration.openshift.io/role: worker, b: []}"}},
	} {
		d := dialect(t, c.dialect)
		j := judgeOfButane(t, d)
		for _, value := range c.values {
			text := fmt.Sprintf("variant: %s\nversion: %s\n"+c.around+"\n", d.Variant, d.Version, value)
			_, _, err := butane.Translate([]byte(text), "test", butane.Options{})
			if code, schema := err == nil, j.complaints(t, parseYAML(t, text)) == nil; code != schema {
				t.Errorf("%s: %s %s: accepted by the code: %t (%v), by the schema: %t", c.dialect, c.name, value, code, err, schema)
			}
		}
	}
}

var sizes = []string{">= 400GiB", "<=2TB", "> 1 kB ", " < 1B", "100GB-2TB", "1 MiB - 1 PiB", "400GB", "400", ">= 1.5TB", "== 1GB", "1GB-", "-1GB", ">= 1KB", "", ">= 1GB-2GB"}

func TestSubvolumesAreJudgedAsByTheCode(t *testing.T) {
	text, err := Extended(config.V3_6)
	j := newJudge(t, text, err)
	for around, values := range map[string][]string{
		`{"name": %s}`:              quoted("@", "@/var", ".snapshots", "..a", "a/.b/...", "a b%", "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a,b", `a\"b`, `a\nb`),
		`{"name": "@", "path": %s}`: quoted("/var", "/", "", "var", "/var/"),
		`{%s}`:                      {`"path": "/a"`, `"name": "@", "nocow": true, "default": false, "mountOptions": ["noatime"]`, `"name": "@", "nocow": "yes"`, `"name": "@", "NoCOW": true`},
	} {
		for _, value := range values {
			text := fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"filesystems": [{"device": "/dev/a", "format": "btrfs", "subvolumes": [`+around+`]}]}}`, value)
			_, _, err := config.Parse([]byte(text), "test")
			if code, schema := err == nil, j.complaints(t, parseJSON(t, text)) == nil; code != schema {
				t.Errorf("%s: accepted by the code: %t (%v), by the schema: %t", text, code, err, schema)
			}
		}
	}
}

func TestExtensionsAreJudgedAsByTheCode(t *testing.T) {
	for _, v := range config.Extended() {
		text, err := Extended(v)
		j := newJudge(t, text, err)
		for _, f := range []struct {
			around string
			values []string
		}{
			{`{"disks": [%s]}`, []string{`{"as": "a", "match": {"serial": "S"}}`, `{"as": "a", "match": {"rotational": false}}`, `{"as": "a"}`, `{"match": {"serial": "S"}}`, `{"as": "a", "match": {}}`,
				`{"as": "a", "match": {"root": true}}`, `{"as": "a", "match": {"serail": "S"}}`, `{"as": "a", "match": {"serial": "S"}, "device": "/a"}`, `{"as": "a", "match": {"empty": "yes"}}`}},
			{`{"disks": [{"as": %s, "match": {"serial": "S"}}]}`, quoted("a", "A-b_1", "", "-a", "a.b", "a/b", strings.Repeat("a", 64), strings.Repeat("a", 65))},
			{`{"disks": [{"as": "a", "match": {"serial": "S"}, "pick": %s}]}`, quoted("only", "smallest", "largest", "all", "any", "")},
			{`{"disks": [{"as": "a", "match": {"size": %s}}]}`, quoted(sizes...)},
			{`{"disks": [{"as": "a", "match": {"serial": %s}}]}`, quoted("S", "")},
			{`{"diks": %s}`, []string{`[]`}},
		} {
			for _, value := range f.values {
				text := fmt.Sprintf(`{"ignition": {"version": "%s+firstlight.1"}, "firstlight": `+f.around+`}`, v, value)
				_, _, err := config.Parse([]byte(text), "test")
				if code, schema := err == nil, j.complaints(t, parseJSON(t, text)) == nil; code != schema {
					t.Errorf("%s: accepted by the code: %t (%v), by the schema: %t", text, code, err, schema)
				}
			}
		}
		for _, text := range []string{`{"ignition": {"version": %q}}`, `{"ignition": {"version": %q}, "firstlight": {}}`} {
			if j.complaints(t, parseJSON(t, fmt.Sprintf(text, v))) == nil {
				t.Errorf("the schema with extensions takes a plain version: %s", text)
			}
		}
		if judgeOf(t, v).complaints(t, parseJSON(t, fmt.Sprintf(`{"ignition": {"version": %q}, "firstlight": {}}`, v))) == nil {
			t.Errorf("%s: the plain schema takes extensions", v)
		}
	}
}

// An editor that reads YAML 1.2 takes 04755 for a decimal number, which must
// not be underlined.
func TestModesMayBeReadInDecimal(t *testing.T) {
	j := judgeOfButane(t, dialect(t, "fcos 1.7.0"))
	for _, around := range []string{"files: [{path: /a, mode: %s}]", "directories: [{path: /a, mode: %s}]",
		"trees: [{local: a, file_mode: %s}]", "trees: [{local: a, dir_mode: %s}]"} {
		for mode, right := range map[string]bool{"4755": true, "7777": true, "7778": false, "-1": false} {
			text := fmt.Sprintf("variant: fcos\nversion: 1.7.0\nstorage: {"+around+"}\n", mode)
			if got := j.complaints(t, parseYAML(t, text)) == nil; got != right {
				t.Errorf("accepted: %t:\n%s", got, text)
			}
		}
	}
}

func TestButaneDocumentsOfOthersAreRefused(t *testing.T) {
	j := judgeOfButane(t, dialect(t, "fcos 1.4.0"))
	for text, at := range map[string]string{
		"variant: flatcar\nversion: 1.4.0\n":                            "variant",
		"variant: fcos\nversion: 1.5.0\n":                               "version",
		"version: 1.4.0\n":                                              "",
		"variant: fcos\nversion: 1.4.0\ngrub: {}\n":                     "",
		"variant: fcos\nversion: 1.4.0\nignition: {version: 3.3.0}\n":   "ignition",
		"variant: fcos\nversion: 1.4.0\nkernelArguments: {}\n":          "",
		"variant: fcos\nversion: 1.4.0\nstorage: {trees: [path: /a]}\n": "storage.trees.0",
	} {
		if got := j.complaints(t, parseYAML(t, text)); !slices.Contains(got, at) {
			t.Errorf("the schema complains of %q, expected %q, of:\n%s", got, at, text)
		}
	}
}
