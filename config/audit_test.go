package config

import (
	"strings"
	"testing"
)

// Rules of the spec that hold for many values, one by one, the limits of
// those that the other tests look at from one side only, and what of merging and
// translating the examples do not reach.

func TestDuplicatesInAllLists(t *testing.T) {
	s := func(lists string) string { return `"storage":{` + lists + `}` }
	testRules(t, []rule{
		{"configs without source in 3.0", "3.0", `"ignition":{$V,"config":{"merge":[{},{}]}}`, []string{
			"W ignition.config.merge[0] nothing is merged", "W ignition.config.merge[1] nothing is merged"}},
		{"configs without source", "3.1+", `"ignition":{$V,"config":{"merge":[{},{"source":""}]}}`, []string{
			"E ignition.config.merge[0] source is missing", "E ignition.config.merge[1] source is missing"}},
		{"authorities", "all", `"ignition":{$V,"security":{"tls":{"certificateAuthorities":[{"source":"data:,"},{"source":"data:,"}]}}}`, []string{"E ignition.security.tls.certificateAuthorities[1] this source is already"}},
		{"arguments of one list", "3.3+", `"kernelArguments":{"shouldExist":["a","a"],"shouldNotExist":["b","b"]}`, []string{
			`E kernelArguments.shouldExist[1] "a" is already kernelArguments.shouldExist[0]`, `E kernelArguments.shouldNotExist[1] "b" is already kernelArguments.shouldNotExist[0]`}},
		{"nameless groups", "all", `"passwd":{"groups":[{},{"name":""}]}`, []string{`E passwd.groups[1] the name "" is already`, "E passwd.groups[0].name is missing", "E passwd.groups[1].name is missing"}},
		{"directories", "all", s(`"directories":[{"path":"/a"},{"path":"/a"}]`), []string{`E storage.directories[1] the path "/a" is already storage.directories[0]`}},
		{"links", "all", s(`"links":[{"path":"/a","target":"b"},{"path":"/a","target":"c"}]`), []string{"E storage.links[1] already storage.links[0]"}},
		{"a path in all three lists", "all", s(`"links":[{"path":"/a","target":"b"}],"files":[{"path":"/a"}],"directories":[{"path":"/a"}]`), []string{
			"E storage.files[0] already storage.directories[0]", "E storage.links[0] already storage.directories[0]"}},
		{"a path is what it is written as", "all", s(`"files":[{"path":"/a"},{"path":"/A"}]`), nil},
		{"lists of different objects", "all", `"passwd":{"users":[{"name":"a","groups":["g"]},{"name":"b","groups":["g"]}]},"systemd":{"units":[{"name":"a.service","dropins":[{"name":"c.conf"}]},{"name":"b.service","dropins":[{"name":"c.conf"}]}]},` +
			s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"l"}]},{"device":"/b","partitions":[{"number":1,"label":"l"}]}],"raid":[{"name":"a","level":"1","devices":["/a"]},{"name":"b","level":"1","devices":["/a"]}]`), nil},
		{"lists of different volumes", "3.4+", s(`"luks":[{"name":"a","device":"/a","openOptions":["o"],"clevis":{"tang":[{"url":"http://x","thumbprint":"x"}]}},{"name":"b","device":"/b","openOptions":["o"],"clevis":{"tang":[{"url":"http://x","thumbprint":"x"}]}}]`), nil},
	})
}

// Where resources are, and since when with all that they can have.
var resourcePaths = []struct{ path, versions, text string }{
	{"ignition.config.merge[0]", "3.1+", `"ignition":{$V,"config":{"merge":[{#}]}}`},
	{"ignition.config.replace", "3.1+", `"ignition":{$V,"config":{"replace":{#}}}`},
	{"ignition.security.tls.certificateAuthorities[0]", "3.1+", `"ignition":{$V,"security":{"tls":{"certificateAuthorities":[{#}]}}}`},
	{"storage.files[0].contents", "3.1+", `"storage":{"files":[{"path":"/a","contents":{#}}]}`},
	{"storage.files[0].append[0]", "3.1+", `"storage":{"files":[{"path":"/a","append":[{#}]}]}`},
	{"storage.luks[0].keyFile", "3.2+", `"storage":{"luks":[{"name":"a","device":"/d","keyFile":{#}}]}`},
}

func TestResourceRulesHoldEverywhere(t *testing.T) {
	for _, at := range resourcePaths {
		for name, c := range map[string]struct {
			members string
			want    []string // paths begin at the resource
		}{
			"good":                      {`"source":"HTTPS://x","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + sha256 + `"}`, nil},
			"empty compression":         {`"source":"http://x","compression":""`, nil},
			"unknown compression":       {`"source":"http://x","compression":"xz"`, []string{`E .compression "xz" is unknown`}},
			"unknown scheme":            {`"source":"ftp://x"`, []string{`E .source "ftp" of this URL is unknown`}},
			"no hash":                   {`"source":"http://x","verification":{}`, nil},
			"empty hash":                {`"source":"http://x","verification":{"hash":""}`, []string{"E .verification.hash not a hash"}},
			"no headers":                {`"source":"data:,","httpHeaders":[]`, nil},
			"headers of tftp":           {`"source":"tftp://x/y","httpHeaders":[{"name":"h","value":"v"}]`, []string{"E .httpHeaders need a source"}},
			"header with nothing":       {`"source":"http://x","httpHeaders":[{"value":""}]`, []string{"E .httpHeaders[0].name name of the HTTP header is missing", `E .httpHeaders[0].value is empty`}},
			"one header twice":          {`"source":"http://x","httpHeaders":[{"name":"h"},{"name":"h"}]`, []string{`E .httpHeaders[1] the name "h" is already`}},
			"problems are not a choice": {`"source":"foo","compression":"xz","verification":{"hash":"x"}`, []string{"E .compression unknown", "E .source has no scheme", "E .verification.hash not a hash"}},
		} {
			var want []string
			for _, w := range c.want {
				want = append(want, strings.Replace(w, " .", " "+at.path+".", 1))
			}
			testRules(t, []rule{{at.path + " " + name, at.versions, strings.Replace(at.text, "#", c.members, 1), want}})
		}
	}
}

func TestResourcesWithoutSource(t *testing.T) {
	for _, at := range resourcePaths {
		unset, empty := []string{}, []string{} // what is said of a source that is unset, or empty
		switch strings.TrimPrefix(at.path, "ignition.") {
		case "config.merge[0]", "security.tls.certificateAuthorities[0]":
			unset = []string{"E " + at.path + " the source is missing"}
			empty = unset
		case "config.replace":
			empty = []string{"E " + at.path + ".source the source is empty"}
		}
		with := func(missing []string, rest string) []string {
			return append(missing[:len(missing):len(missing)], "E "+at.path+rest)
		}
		in := func(members string) string { return strings.Replace(at.text, "#", members, 1) }
		testRules(t, []rule{
			{at.path + " nothing", at.versions, in(``), unset},
			{at.path + " empty source", at.versions, in(`"source":""`), empty},
			{at.path + " hash", at.versions, in(`"verification":{"hash":"` + sha512 + `"}`), with(unset, ".verification.hash no source")},
			{at.path + " hash of an empty source", at.versions, in(`"source":"","verification":{"hash":"` + sha512 + `"}`), empty},
			{at.path + " headers", at.versions, in(`"httpHeaders":[{"name":"h","value":"v"}]`), with(unset, ".httpHeaders need a source")},
			{at.path + " headers of an empty source", at.versions, in(`"source":"","httpHeaders":[{"name":"h","value":"v"}]`), with(empty, ".httpHeaders need a source")},
		})
	}
	nothing := []string{"W ignition.config.merge[0] nothing is merged"}
	testRules(t, []rule{
		{"config with an empty source in 3.0", "3.0", `"ignition":{$V,"config":{"merge":[{"source":"","verification":{"hash":"` + sha512 + `"}}]}}`, nothing},
		{"config with a hash alone in 3.0", "3.0", `"ignition":{$V,"config":{"merge":[{"verification":{"hash":"` + sha512 + `"}}]}}`, nothing},
		{"authority with an empty source in 3.0", "3.0", `"ignition":{$V,"security":{"tls":{"certificateAuthorities":[{"source":""}]}}}`,
			[]string{"E ignition.security.tls.certificateAuthorities[0] source is missing"}},
	})
}

func TestResourcesIn3_0(t *testing.T) {
	for _, at := range resourcePaths[:5] {
		want := []string{"W " + at.path + ".httpHeaders since version 3.1.0"}
		if strings.HasPrefix(at.path, "ignition") {
			want = append(want, "W "+at.path+".compression since version 3.1.0")
		} else {
			want = append(want, `E `+at.path+`.compression "xz" is unknown`)
		}
		members := `"source":"data:,","compression":"xz","httpHeaders":[{"name":""}]`
		testRules(t, []rule{{at.path, "3.0", strings.Replace(at.text, "#", members, 1), want}})
	}
}

func TestLengthsOfHashes(t *testing.T) {
	hash := func(h string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"data:,","verification":{"hash":"` + h + `"}}}]}`
	}
	bad := func(words string) []string { return []string{"E storage.files[0].contents.verification.hash " + words} }
	testRules(t, []rule{
		{"sha512 with a digit less", "all", hash(sha512[:len(sha512)-1]), bad("has 127 digits; it should have 128")},
		{"sha512 with a digit more", "all", hash(sha512 + "0"), bad("has 129 digits; it should have 128")},
		{"sha512 with the digits of sha256", "all", hash(strings.Replace(sha256, "256", "512", 1)), bad("has 64 digits")},
		{"sha256 with the digits of sha512", "3.1+", hash(strings.Replace(sha512, "512", "256", 1)), bad("has 128 digits; it should have 64")},
		{"no digits", "all", hash("sha512-"), bad("has 0 digits")},
		{"no dash", "all", hash("sha512"), bad("not a hash")},
		{"no function", "all", hash("-00"), bad("function is unknown")},
		{"the first dash counts", "all", hash("sha-512-00"), bad("function is unknown")},
		{"a second dash", "all", hash(sha512[:len(sha512)-1] + "-"), bad("digit 128 of the sha512 hash is not hexadecimal")},
		{"letters that end like a digit", "all", hash(sha512[:len(sha512)-2] + "\u0130"), bad("digit 127 of the sha512 hash is not hexadecimal")},
	})
}

func TestDevicesInAnyFormButTheSimplest(t *testing.T) {
	for _, at := range []struct{ path, versions, text string }{
		{"storage.disks[0].device", "all", `"storage":{"disks":[{"device":"#"}]}`},
		{"storage.raid[0].devices[0]", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":["#"]}]}`},
		{"storage.filesystems[0].device", "all", `"storage":{"filesystems":[{"device":"#","format":"xfs"}]}`},
		{"storage.filesystems[0].path", "all", `"storage":{"filesystems":[{"device":"/d","format":"xfs","path":"#"}]}`},
		{"storage.luks[0].device", "3.2+", `"storage":{"luks":[{"name":"a","device":"#"}]}`},
	} {
		for value, words := range map[string]string{
			"/": "", "/a b/c": "", "/a/...": "", `/a\u0000`: "NUL character",
			"/" + strings.Repeat("a", 255): "", "/" + strings.Repeat("a", 256): "is 256 bytes long, at most 255",
			strings.Repeat("/a", 2047): "", strings.Repeat("/a", 2048): "is 4096 bytes long, at most 4095",
			"a/b": "is not absolute", "./a": "is not absolute", " /a": "is not absolute",
			"/a/": `write "/a"`, "//a": `write "/a"`, "/a/./b": `write "/a/b"`, "/a/../b": `write "/b"`, "/..": `write "/"`,
		} {
			var want []string
			if words != "" {
				want = []string{"E " + at.path + " " + words}
			}
			testRules(t, []rule{{at.path + " is " + value, at.versions, strings.Replace(at.text, "#", value, 1), want}})
		}
	}
}

func TestLimitsOfModesAndOwners(t *testing.T) {
	file := func(m string) string {
		return `"storage":{"files":[{"path":"/a",` + m + `}],"directories":[{"path":"/b",` + m + `}]}`
	}
	special := []string{"W storage.files[0].mode special bits", "W storage.directories[0].mode special bits"}
	testRules(t, []rule{
		{"all permissions", "all", file(`"mode":511`), nil},
		{"one special bit before 3.6", "≤3.5", file(`"mode":512`), special},
		{"all bits before 3.6", "≤3.5", file(`"mode":4095`), special},
		{"all bits", "3.6+", file(`"mode":4095`), nil},
		{"any id", "all", file(`"user":{"id":4294967294},"group":{"id":0}`), nil},
		{"no id", "all", file(`"user":{"id":-1},"group":{"id":4294967295}`), []string{
			"E storage.files[0].user.id -1 is not the id of a user; ids are from 0 to 4294967294", "E storage.files[0].group.id 4294967295 is not the id of a group",
			"E storage.directories[0].user.id -1 is not", "E storage.directories[0].group.id 4294967295 is not"}},
		{"no id of a link", "all", `"storage":{"links":[{"path":"/l","target":"x","user":{"id":-1}}]}`, []string{"E storage.links[0].user.id -1 is not the id of a user"}},
		{"any name", "all", file(`"user":{"name":"no such user"},"group":{"name":""}`), nil},
		{"no name", "all", file(`"user":{"name":"a:b"}`), []string{"E storage.files[0].user.name no user named", "E storage.directories[0].user.name no user named"}},
		{"nothing", "all", file(`"user":{},"group":{}`), nil},
	})
}

func TestLimitsOfPartitions(t *testing.T) {
	parts := func(p string) string { return `"storage":{"disks":[{"device":"/a","partitions":[` + p + `]}]}` }
	const first, second = "E storage.disks[0].partitions[0]", "E storage.disks[0].partitions[1]"
	testRules(t, []rule{
		{"unwanted with type", "all", parts(`{"number":1,"shouldExist":false,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"}`), []string{first + " typeGuid has no meaning"}},
		{"unwanted with resize", "3.2+", parts(`{"number":1,"shouldExist":false,"resize":true}`), nil},
		{"unwanted by label", "all", parts(`{"label":"a","shouldExist":false}`), []string{first + " label has no meaning"}},
		{"unwanted without number", "all", parts(`{"shouldExist":false}`), []string{first + " neither a number nor a label"}},
		{"unwanted twice", "all", parts(`{"number":1,"shouldExist":false},{"number":1,"shouldExist":false}`), []string{second + " given twice"}},
		{"negative number twice", "all", parts(`{"number":-1},{"number":-1}`), []string{second + " partition -1 is given twice", "E storage.disks[0].partitions[0].number is negative", second + ".number is negative"}},
		{"number and label twice", "all", parts(`{"number":1,"label":"a"},{"number":1,"label":"a"}`), []string{second + " given twice", second + ` label "a" is already`}},
		{"number as a label", "all", parts(`{"number":1},{"label":"1"},{"label":"number 1"}`), nil},
		{"labels know case", "all", parts(`{"label":"a"},{"label":"A"}`), nil},
		{"GUID twice", "all", parts(`{"number":1,"guid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"},{"number":2,"guid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"}`), nil},
		{"GUID with a line end", "all", parts(`{"number":1,"guid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"}`), []string{first + ".guid not a GUID"}},
		{"GUID with a digit more", "all", parts(`{"number":1,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE40"}`), []string{first + ".typeGuid not a GUID"}},
		{"beyond all disks", "all", parts(`{"number":1,"startMiB":9223372036854775807,"sizeMiB":5},{"number":2,"startMiB":9223372036854775807,"sizeMiB":5}`), []string{"E storage.disks[0].partitions[0].startMiB cannot be 9223372036854775807", second + ".startMiB cannot be"}},
		{"the largest size", "all", parts(`{"number":1,"startMiB":1,"sizeMiB":8796093022208}`), nil},
		{"negative numbers of what should not exist", "all", parts(`{"number":-1,"shouldExist":false}`), nil},
		{"up to the end of all disks", "all", parts(`{"number":1,"startMiB":5,"sizeMiB":9223372036854775807},{"number":2,"startMiB":30,"sizeMiB":10}`), []string{second + " overlaps", "E storage.disks[0].partitions[0].sizeMiB cannot be"}},
		{"negative size", "all", parts(`{"number":1,"startMiB":5,"sizeMiB":-3},{"number":2,"startMiB":3,"sizeMiB":10}`), []string{"E storage.disks[0].partitions[0].sizeMiB cannot be -3"}},
		{"two of size 0 at one start", "all", parts(`{"number":1,"startMiB":5,"sizeMiB":0},{"number":2,"startMiB":5,"sizeMiB":0}`), []string{second + " overlaps"}},
		{"size 0 and the next", "all", parts(`{"number":1,"startMiB":5,"sizeMiB":0},{"number":2,"startMiB":6,"sizeMiB":0}`), nil},
		{"GUID without dashes", "all", parts(`{"number":1,"guid":"0FC63DAF848347728E793D69D8477DE4"}`), []string{first + ".guid not a GUID"}},
		{"RAID on an empty path", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":[null]}]}`, []string{"E storage.raid[0].devices[0] path is missing"}},
		{"RAID on nothing", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":[]}]}`, []string{"E storage.raid[0].devices no devices"}},
		{"RAID with more spares than devices", "all", `"storage":{"raid":[{"name":"a","level":"1","devices":["/a"],"spares":5}]}`, []string{"W storage.raid[0].spares of 1 devices 5 cannot be spares"}},
		{"RAID with all wrong", "all", `"storage":{"raid":[{"spares":1}]}`, []string{"E storage.raid[0].level missing", "E storage.raid[0].devices no devices", "E storage.raid[0].name is missing", "W storage.raid[0].spares cannot be spares"}},
	})
}

func TestLimitsOfFilesystems(t *testing.T) {
	fs := func(m string) string { return `"storage":{"filesystems":[{` + m + `}]}` }
	label := func(format string, n int) string {
		return fs(`"device":"/d","format":"` + format + `","label":"` + strings.Repeat("a", n) + `"`)
	}
	const at = "storage.filesystems[0]"
	testRules(t, []rule{
		{"ext4", "all", label("ext4", 16), nil},
		{"btrfs", "all", label("btrfs", 256), nil},
		{"xfs", "all", label("xfs", 12), nil},
		{"swap", "all", label("swap", 15), nil},
		{"unknown", "all", label("jfs", 300), []string{"E " + at + ".format unknown"}},
		{"none before 3.3", "≤3.2", label("none", 300), []string{"E " + at + ".format since version 3.3.0"}},
		{"uuid is not looked at", "all", fs(`"device":"/d","format":"xfs","uuid":"whatever"`), nil},
		{"path of none", "3.3+", fs(`"device":"/d","format":"none","path":"/x"`), nil},
		{"nothing", "all", fs(``), []string{"E " + at + ".device path is missing"}},
		{"all wrong", "all", fs(`"path":"x","label":"l"`), []string{"E " + at + ".path not absolute", "E " + at + ".device path is missing", "E " + at + ".format format is missing"}},
		{"longest tag", "3.7", fs(`"device":"` + strings.Repeat("t", 36) + `","format":"virtiofs"`), nil},
		{"tag with slashes", "3.7", fs(`"device":"a//b/","format":"virtiofs"`), nil},
		{"relative path of a tag", "3.7", fs(`"device":"t","format":"virtiofs","path":"x"`), []string{"E " + at + ".path not absolute"}},
		{"long label of a tag", "3.7", fs(`"device":"t","format":"virtiofs","label":"` + strings.Repeat("a", 300) + `"`), []string{"E " + at + ".label not possible"}},
		{"tag twice", "3.7", fs(`"device":"t","format":"virtiofs"},{"device":"t","format":"virtiofs"`), []string{`E storage.filesystems[1] the device "t" is already`}},
	})
}

func TestLimitsOfLUKS(t *testing.T) {
	luks := func(m string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + m + `}]}` }
	tang := func(m string) string { return luks(`"clevis":{"tang":[{"thumbprint":"x",` + m + `}]}`) }
	const at = "storage.luks[0]"
	pin := "E " + at + ".clevis.custom.pin "
	testRules(t, []rule{
		{"config without pin", "3.2+", luks(`"clevis":{"custom":{"config":"x"}}`), []string{pin + "missing"}},
		{"unknown pin without config", "3.2-3.5", luks(`"clevis":{"custom":{"pin":"foo"}}`), []string{pin + "unknown", "E " + at + ".clevis.custom.config missing"}},
		{"config is not looked at", "3.2+", luks(`"clevis":{"custom":{"pin":"sss","config":"{{"}}`), nil},
		{"nothing custom", "3.2+", luks(`"clevis":{"custom":{"pin":"","config":"","needsNetwork":false}}`), nil},
		{"only threshold", "3.2+", luks(`"clevis":{"threshold":9}`), nil},
		{"cex and empty custom", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"custom":{},"tang":[],"tpm2":false}`), nil},
		{"cex and config without pin", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"custom":{"config":"x"}}`), []string{pin + "missing"}},
		{"cex, TPM and key", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"tpm2":true},"keyFile":{"source":"data:,"}`), []string{"E " + at + ".cex remove one of the two", "E " + at + ".cex cannot have a keyFile"}},
		{"two volumes of one device", "3.2+", luks(`"uuid":""},{"name":"b","device":"/d"`), nil},
		{"tang in capitals", "3.2+", tang(`"url":"HTTPS://x"`), nil},
		{"tang without host", "3.2+", tang(`"url":"http:"`), []string{"E " + at + ".clevis.tang[0].url names no host"}},
		{"tang at a port that cannot be", "3.2+", tang(`"url":"http://x:65536"`), []string{"E " + at + ".clevis.tang[0].url port \"65536\""}},
		{"tang without scheme", "3.2+", tang(`"url":"x"`), []string{"E " + at + ".clevis.tang[0].url http:// or https://"}},
		{"empty thumbprint", "3.2+", luks(`"clevis":{"tang":[{"url":"http://x","thumbprint":""}]}`), []string{"E " + at + ".clevis.tang[0].thumbprint missing"}},
		{"advertisement of a blank", "3.4+", tang(`"url":"http://x","advertisement":" "`), []string{"E " + at + ".clevis.tang[0].advertisement not JSON"}},
		{"advertisement of null", "3.4+", tang(`"url":"http://x","advertisement":"null"`), nil},
	})
}

func TestLimitsOfReferencesAndLinks(t *testing.T) {
	proxy := func(p string) string { return `"ignition":{$V,"proxy":{` + p + `}}` }
	links := func(l string) string { return `"storage":{"links":[` + l + `]}` }
	url := func(source string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"` + source + `"}}]}`
	}
	testRules(t, []rule{
		{"proxy for HTTPS of another scheme", "3.1+", proxy(`"httpsProxy":"socks5://p"`), []string{"E ignition.proxy.httpsProxy http:// or https://"}},
		{"unparsable proxy for HTTPS", "3.1+", proxy(`"httpsProxy":"http://p:x"`), []string{"E ignition.proxy.httpsProxy not a URL"}},
		{"proxy without scheme", "3.1+", proxy(`"httpProxy":"p:3128"`), []string{"E ignition.proxy.httpProxy http:// or https://"}},
		{"any item of noProxy", "3.1+", proxy(`"noProxy":["","a b","10.0.0.0/99","A","a"]`), nil},
		{"hard link without target", "all", links(`{"path":"/a","hard":true,"group":{"id":1}}`), []string{"E storage.links[0].target target is missing"}},
		{"any target", "all", links(`{"path":"/a","target":"../a//b/ c/"},{"path":"/b","target":"/b"}`), nil},
		{"all of a link is wrong", "all", links(`{"path":"a","user":{"id":1,"name":"x"}}`), []string{"E storage.links[0].path not absolute", "E storage.links[0].user by id", "E storage.links[0].target missing"}},
		{"hard link to a directory below another one", "all", `"storage":{"directories":[{"path":"/d"}],` + links(`{"path":"/x","target":"/d/e","hard":true}`)[len(`"storage":{`):], nil},
		{"http without anything", "all", url("http:"), []string{"E storage.files[0].contents.source names no host"}},
		{"s3 without anything", "all", url("s3:"), []string{"E storage.files[0].contents.source does not name an object"}},
		{"version without value", "all", url("s3://b/k?versionId"), []string{"E storage.files[0].contents.source versionId is empty"}},
		{"two versions, the first empty", "all", url("s3://b/k?versionId=&versionId=x"), []string{"E storage.files[0].contents.source versionId is empty"}},
		{"two versions, the second empty", "all", url("s3://b/k?versionId=x&versionId="), nil},
		{"arn of no object of an access point", "3.4+", url("arn:aws:s3:r:1:accesspoint/a/b"), []string{"E storage.files[0].contents.source does not name an object"}},
		{"arn of anybody", "3.4+", url("arn:x:s3:y:z:b/k"), nil},
	})
}

func TestLimitsOfUnits(t *testing.T) {
	unit := func(m string) string { return `"systemd":{"units":[{"name":"a.service",` + m + `}]}` }
	pair := func(instance, template string) string {
		return `"systemd":{"units":[{"name":"` + instance + `","enabled":true},{"name":"a@.service"` + template + `}]}`
	}
	const at, barren = "systemd.units[0]", `,"contents":"[Unit]\nA=B\n"`
	template := []string{"W " + at + `.contents its template "a@.service"`}
	testRules(t, []rule{
		{"comments", "all", unit(`"contents":"; x\n# [\n[Unit]\n; [\nA=B\n"`), nil},
		{"blanks after a section", "all", unit(`"contents":"[Unit] \t\nA=B\n"`), nil},
		{"section of two lines", "all", unit(`"contents":"[A\nB]\nC=D\n"`), []string{"W systemd.units[0].contents the name of the section has no closing bracket"}},
		{"option without value enables", "all", unit(`"enabled":true,"contents":"[Install]\nAlias="`), nil},
		{"option before the section", "all", unit(`"enabled":true,"contents":"WantedBy=x\n[Install]\n"`), []string{"W " + at + ".contents no [Install] section"}},
		{"masked and enabled", "all", unit(`"enabled":true,"mask":true` + barren), []string{"W " + at + ".contents no [Install] section"}},
		{"enabled but unreadable", "all", unit(`"enabled":true,"contents":"[Unit"`), []string{"E " + at + ".contents no closing bracket"}},
		{"names of drop-ins", "all", unit(`"dropins":[{"name":".conf"},{"name":"a.CONF"},{"name":"../b.conf"},{}]`), []string{"E " + at + ".dropins[1].name end in .conf", "E " + at + ".dropins[3].name end in .conf", "E " + at + ".dropins[2].name not be in the directory of its unit"}},
		{"the first @ counts", "all", pair("a@b@c.service", barren), template},
		{"template with empty contents", "all", pair("a@b.service", `,"contents":""`), nil},
		{"unreadable template", "all", pair("a@b.service", `,"contents":"[Unit"`), []string{"E systemd.units[1].contents no closing bracket"}},
		{"template with a drop-in", "all", pair("a@b.service", barren+`,"dropins":[{"name":"b.conf","contents":"[Install]\nWantedBy=x\n"}]`), template},
		{"template of another name", "all", pair("b@b.service", barren), nil},
		{"enabled template", "all", `"systemd":{"units":[{"name":"a@.service","enabled":true` + barren + `}]}`, []string{"W " + at + ".contents no [Install] section"}},
		{"link instead of a drop-in", "all", unit(`"dropins":[{"name":"b.conf","contents":"[A]"}]`) + `,"storage":{"links":[{"path":"/etc/systemd/system/a.service.d/b.conf","target":"x"}]}`, []string{"E storage.links[0].path by systemd.units[0].dropins[0]"}},
		{"file beside a unit", "all", unit(`"contents":"[A]"`) + `,"storage":{"files":[{"path":"/etc/systemd/system/b.service"}]}`, nil},
	})
}

// What the spec has no rules for, however odd it is.
func TestWhatIsNotLookedAt(t *testing.T) {
	testRules(t, []rule{
		{"users", "all", `"passwd":{"users":[{"name":"Ab.c","homeDir":"x","shell":"","passwordHash":"!","primaryGroup":"none","groups":["none"],"sshAuthorizedKeys":["no key"]}],"groups":[{"name":"é","passwordHash":""}]}`, nil},
		{"what is deleted", "3.2+", `"passwd":{"users":[{"name":"a b:","uid":-1,"shouldExist":false,"homeDir":":","passwordHash":"x y"}],"groups":[{"name":"","gid":-5,"shouldExist":false}]}`, nil},
		{"timeouts", "all", `"ignition":{$V,"timeouts":{"httpTotal":0,"httpResponseHeaders":9999999999}}`, nil},
		{"files on mounted filesystems", "all", `"storage":{"filesystems":[{"device":"/d","format":"xfs","path":"/x"}],"files":[{"path":"/x"}],"links":[{"path":"/x/y","target":"z"}]}`, nil},
		{"mounts over each other", "all", `"storage":{"filesystems":[{"device":"/d","format":"xfs","path":"/x/y"},{"device":"/e","format":"xfs","path":"/x"}]}`, nil},
		{"mounts below a link", "all", `"storage":{"filesystems":[{"device":"/d","format":"xfs","path":"/l/y"}],"links":[{"path":"/l","target":"z"}]}`, nil},
		{"one device for everything", "3.2+", `"storage":{"raid":[{"name":"a","level":"1","devices":["/d"]}],"luks":[{"name":"a","device":"/d"}],"filesystems":[{"device":"/d","format":"xfs"}]}`, nil},
		{"devices that nothing makes", "all", `"storage":{"filesystems":[{"device":"/dev/md/none","format":"xfs"}]}`, nil},
	})
}

func TestMergingOfFurtherLists(t *testing.T) {
	s := func(lists string) string { return `"storage":{` + lists + `}` }
	for _, c := range []struct{ name, parent, child, want string }{
		{"directories of one path", s(`"directories":[{"path":"/a","mode":493,"user":{"id":1}}]`), s(`"directories":[{"path":"/a","user":{"id":0},"overwrite":true}]`),
			s(`"directories":[{"path":"/a","mode":493,"user":{"id":0},"overwrite":true}]`)},
		{"a link instead of a file", s(`"files":[{"path":"/a","mode":1},{"path":"/b"}]`), s(`"links":[{"path":"/a","target":"x"}]`), s(`"files":[{"path":"/b"}],"links":[{"path":"/a","target":"x"}]`)},
		{"a directory instead of a link", s(`"links":[{"path":"/a","target":"x"},{"path":"/b","target":"y"}]`), s(`"directories":[{"path":"/a"}]`), s(`"directories":[{"path":"/a"}],"links":[{"path":"/b","target":"y"}]`)},
		{"file and directory swap paths", s(`"directories":[{"path":"/a"}],"files":[{"path":"/b"}]`), s(`"directories":[{"path":"/b"}],"files":[{"path":"/a"}]`), s(`"directories":[{"path":"/b"}],"files":[{"path":"/a"}]`)},
		{"an argument of the other list moves", `"kernelArguments":{"shouldNotExist":["a","b"]}`, `"kernelArguments":{"shouldExist":["b","c"]}`, `"kernelArguments":{"shouldExist":["b","c"],"shouldNotExist":["a"]}`},
		{"nameless users are one", `"passwd":{"users":[{"shouldExist":false,"uid":1}]}`, `"passwd":{"users":[{"name":"","gecos":"x","shouldExist":false}]}`, `"passwd":{"users":[{"name":"","gecos":"x","shouldExist":false,"uid":1}]}`},
		{"users and groups are apart", `"passwd":{"groups":[{"name":"a","gid":1}]}`, `"passwd":{"users":[{"name":"a"}]}`, `"passwd":{"groups":[{"name":"a","gid":1}],"users":[{"name":"a"}]}`},
		{"disks", s(`"disks":[{"device":"/a","wipeTable":true}]`), s(`"disks":[{"device":"/b"},{"device":"/a","wipeTable":false}]`), s(`"disks":[{"device":"/a","wipeTable":false},{"device":"/b"}]`)},
		{"partitions of another number", s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"a"}]}]`), s(`"disks":[{"device":"/a","partitions":[{"number":2,"label":"b"}]}]`),
			s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"a"},{"number":2,"label":"b"}]}]`)},
		{"a partition's other label", s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"a","guid":""}]}]`), s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"b","shouldExist":true}]}]`),
			s(`"disks":[{"device":"/a","partitions":[{"number":1,"label":"b","guid":"","shouldExist":true}]}]`)},
		{"a key's new source", s(`"luks":[{"name":"a","device":"/d","keyFile":{"source":"http://x","compression":"gzip"}}]`), s(`"luks":[{"name":"a","device":"/e","keyFile":{"source":"data:,"}}]`),
			s(`"luks":[{"name":"a","device":"/e","keyFile":{"source":"data:,","compression":"gzip"}}]`)},
		{"a pin of the parent", s(`"luks":[{"name":"a","device":"/d","clevis":{"custom":{"pin":"p","config":"c","needsNetwork":true}}}]`), s(`"luks":[{"name":"a","device":"/d","clevis":{"custom":{"needsNetwork":false},"threshold":0}}]`),
			s(`"luks":[{"name":"a","device":"/d","clevis":{"custom":{"pin":"p","config":"c","needsNetwork":false},"threshold":0}}]`)},
		{"empty strings count", `"systemd":{"units":[{"name":"a.service","contents":"x","enabled":true}]}`, `"systemd":{"units":[{"name":"a.service","contents":"","enabled":false}]}`, `"systemd":{"units":[{"name":"a.service","contents":"","enabled":false}]}`},
		{"null objects change nothing", s(`"files":[{"path":"/a","contents":{"source":"data:,"}}]`), s(`"files":[{"path":"/a","contents":null}]`), s(`"files":[{"path":"/a","contents":{"source":"data:,"}}]`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := merged(t, c.parent, c.child); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// The items of the lists in question are found by source, and a header without
// value removes that of the parent, wherever resources are merged.
func TestHeadersAreRemovedEverywhere(t *testing.T) {
	header := func(h string) string {
		return `"source":"http://x","httpHeaders":[{"name":"keep","value":"v"}` + h + `]`
	}
	for _, at := range resourcePaths {
		if strings.Contains(at.path, "append") {
			continue // these are never merged, see TestMergingHeaders
		}
		in := func(members string) string { return strings.Replace(at.text, "#", members, 1) }
		parent := parsedAs(t, "parent", Newest, in(header(`,{"name":"drop","value":"v"}`)))
		child := parsedAs(t, "child", Newest, in(`"source":"http://x","httpHeaders":[{"name":"drop"}]`))
		if got, want := string(Merge(parent, child).print()), string(parsed(t, Newest, in(header(""))).print()); got != want {
			t.Errorf("%s: %s, want %s", at.path, got, want)
		}
	}
}

func TestMergingOfSettings(t *testing.T) {
	ignition := func(m string) string { return `"ignition":{$V,` + m + `}` }
	for _, c := range []struct{ name, parent, child, want string }{
		{"timeouts", `"timeouts":{"httpResponseHeaders":5,"httpTotal":6}`, `"timeouts":{"httpTotal":0}`, `"timeouts":{"httpResponseHeaders":5,"httpTotal":0}`},
		{"proxies", `"proxy":{"httpProxy":"http://a","noProxy":["x","y"]}`, `"proxy":{"httpsProxy":"https://b","noProxy":["y","z"]}`, `"proxy":{"httpProxy":"http://a","httpsProxy":"https://b","noProxy":["x","y","z"]}`},
		{"replacing configs", `"config":{"replace":{"source":"http://a","compression":"gzip"}}`, `"config":{"replace":{"source":"http://b"}}`, `"config":{"replace":{"source":"http://b","compression":"gzip"}}`},
		{"authorities by source", `"security":{"tls":{"certificateAuthorities":[{"source":"http://a"},{"source":"http://b","compression":"gzip"}]}}`, `"security":{"tls":{"certificateAuthorities":[{"source":"http://c"},{"source":"http://b"}]}}`,
			`"security":{"tls":{"certificateAuthorities":[{"source":"http://a"},{"source":"http://b","compression":"gzip"},{"source":"http://c"}]}}`},
	} {
		m := Merge(parsedAs(t, "parent", Newest, ignition(c.parent)), parsedAs(t, "child", Newest, ignition(c.child)))
		if got, want := string(m.print()), string(document(Newest, ignition(c.want))); got != want {
			t.Errorf("%s: got %s\nwant %s", c.name, got, want)
		}
	}
}

// What a config of an old version says that its version does not know is gone
// after translation, and what means nothing; all else stays as it is.
func TestTranslatingByVersion(t *testing.T) {
	luks := func(clevis string) string {
		return `"storage":{"luks":[{"name":"a","device":"/d","clevis":{` + clevis + `}}]}`
	}
	const (
		custom = `"custom":{"pin":"tang","config":"{}","needsNetwork":true}`
		fs     = `"storage":{"filesystems":[{"device":"/d","format":"xfs","mountOptions":["a"]}]}`
		hashes = `"ignition":{$V,"config":{"replace":{"source":"http://x","verification":{"hash":"#"}}}}`
		refs   = `"ignition":{$V,"config":{"merge":[{"source":"http://x"#}]},"security":{"tls":{"certificateAuthorities":[{"source":"http://y"#}]}}}`
		more   = `,"compression":"gzip","httpHeaders":[{"name":"h","value":"v"}]`
		file   = `"storage":{"files":[{"path":"/a","contents":{"source":"http://x","compression":"gzip"#}}]}`
		header = `,"httpHeaders":[{"name":"h","value":"v"}]`
		mixed  = `"ignition":{$V,"config":{"merge":[#{"source":"http://x"}]}}`
	)
	put := func(text, value string) string { return strings.ReplaceAll(text, "#", value) }
	for _, c := range []struct{ name, versions, text, want string }{
		{"references in 3.0", "3.0", put(refs, more), put(refs, "")},
		{"references", "3.1+", put(refs, more), put(refs, more)},
		{"hash of a replacing config", "all", put(hashes, sha512), put(hashes, sha512)},
		{"headers of files in 3.0", "3.0", put(file, header), put(file, "")},
		{"headers of files", "3.1+", put(file, header), put(file, header)},
		{"mount options in 3.0", "3.0", fs, strings.Replace(fs, `,"mountOptions":["a"]`, "", 1)},
		{"mount options", "3.1+", fs, fs},
		{"references that lead nowhere", "3.0", put(mixed, `{"verification":{}},`), put(mixed, "")},
		{"empty custom in 3.2", "3.2", luks(`"custom":{},"threshold":0`), luks(`"threshold":0`)},
		{"empty custom", "3.3+", luks(`"custom":{}`), luks(`"custom":{}`)},
		{"custom", "3.2+", luks(custom), luks(custom)},
		{"nothing custom", "3.2+", luks(`"tpm2":true`), luks(`"tpm2":true`)},
	} {
		for _, v := range versionsIn(t, c.versions) {
			cfg := translated(t, parsed(t, v, c.text), Newest)
			if got, want := string(cfg.print()), string(document(Newest, c.want)); got != want {
				t.Errorf("%s, %s: %s, want %s", c.name, v, got, want)
			}
			expectProblems(t, c.name+", "+v.String(), cfg.ValidateMerged(), nil)
		}
	}
}
