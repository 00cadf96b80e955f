package config

import (
	"errors"
	"strings"
	"testing"
)

// The traps of the spec: small inputs whose outcome is easily got wrong. They
// are numbered so that none gets lost. Where an outcome of the reference is
// different on purpose, docs/compatibility.md says so, and the row has ours.
//
// What they say about later stages is tested where it happens:
//
//	35      storage: TestFilesystemsAreMadeOnceAndThenKept, "no format"
//	54      fetch: TestVerificationIsOverDecompressedBytes
//	56      fetch: TestHeadersAreSentOnceAndNotAfterARedirect
//	70      stages: TestKernelArgumentsGoToTheHelper
//	75      stages: TestReferencedConfigsAreMergedDepthFirst
//	78      stages: TestConfigsThatCannotBeUsedStopTheBoot, "empty child"
//	81-83   cmd/firstlightctl: TestIgnitionValidate

func TestTrapsOfReading(t *testing.T) {
	version := func(v, rest string) string { return `{"ignition":{"version":"` + v + `"}` + rest + `}` }
	unknown := []string{"E ignition.version of the spec is not supported"}
	spec2 := []string{"E ignition.version is of spec 2, another language than spec 3"}
	noJSON := []string{"E  not valid JSON"}
	for _, c := range []struct {
		name, text string
		kind       error // nil if it is accepted
		want       []string
	}{
		{"1 no version", `{}`, ErrNoVersion, []string{"E  there is no ignition.version"}},
		{"2 one newline", "\n", ErrInvalid, []string{"E  ends too early"}},
		{"2 nothing", "", ErrEmpty, nil},
		{"3 cloud-config", "#cloud-config\n", ErrInvalid, []string{"E  this is a cloud-config"}},
		{"3 script", "#!/bin/sh\n", ErrInvalid, []string{"E  this is a script"}},
		{"4 wrong types in a version 2", version("2.2.0", `,"storage":5,"x":{}`), ErrSpec2, spec2},
		{"4 bad syntax in a version 2", version("2.2.0", `,"storage":`), ErrInvalid, noJSON},
		{"5 leading zero", version("03.0.0", ""), nil, nil},
		{"5 empty build part", version("3.0.0+", ""), nil, nil},
		{"5 build part", version("3.0.0+x", ""), ErrUnknownVersion, unknown},
		{"6 not stable yet", version("3.7.0", ""), ErrUnknownVersion, []string{"E ignition.version newer than this program knows"}},
		{"6 not experimental any more", version("3.6.0-experimental", ""), ErrUnknownVersion, unknown},
		{"6 experimental", version("3.7.0-experimental", ""), nil, nil},
		{"7 capitals", `{"Ignition":{"Version":"3.6.0"}}`, nil, []string{`W Ignition should be written "ignition"`, `W ignition.Version should be written "version"`}},
		{"83 percent sign", version("3.6.0", `,"100%":1`), nil, []string{`W 100% "100%" is not a key`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems, err := Parse([]byte(c.text), "test")
			if !errors.Is(err, c.kind) {
				t.Errorf("%v, want %v", err, c.kind)
			}
			expectProblems(t, c.text, problems, c.want)
		})
	}
}

func TestTrapsOfDecoding(t *testing.T) {
	file := func(m string) string { return `"storage":{"files":[{"path":"/a",` + m + `}]}` }
	luks := func(m string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + m + `}]}` }
	const mode = "E storage.files[0].mode "
	testRules(t, []rule{
		{"8 two cases of a key", "all", file(`"Path":"/b"`), []string{`W storage.files[0].Path should be written "path"`, `W storage.files[0].path "path" was given before`}},
		{"9 octal", "all", file(`"mode":0644`), []string{"E  not valid JSON"}},
		{"9 string", "all", file(`"mode":"0644"`), []string{mode + "this is a string"}},
		{"9 fraction", "all", file(`"mode":420.0`), []string{mode + "not a whole number"}},
		{"9 exponent", "all", file(`"mode":4e2`), []string{mode + "not a whole number"}},
		{"10 null object", "all", `"storage":null`, []string{"W storage counts as absent"}},
		{"10 null list", "all", `"storage":{"files":null}`, nil},
		{"11 null item", "all", `"storage":{"files":[null]}`, []string{"W storage.files[0] counts as an empty one", "E storage.files[0].path path is missing"}},
		{"12 null clevis", "3.2+", luks(`"clevis":null`), []string{"W storage.luks[0].clevis counts as absent"}},
		{"12 null custom pin", "3.2+", luks(`"clevis":{"custom":null}`), []string{"W storage.luks[0].clevis.custom counts as absent"}},
		{"13 proxy in 3.0", "3.0", `"ignition":{$V,"proxy":{"httpProxy":"socks5://p"}}`, []string{"W ignition.proxy since version 3.1.0"}},
		{"13 proxy", "3.1+", `"ignition":{$V,"proxy":{"httpProxy":"socks5://p"}}`, []string{"E ignition.proxy.httpProxy http:// or https://"}},
		{"14 list given twice", "all", `"storage":{"files":[{"path":"/a","mode":1}]},"storage":{"files":[{"path":"/b"}]}`, []string{`W storage "storage" was given before`, `W storage.files only this one counts`}},
	})
}

// What is left of a config after it was translated.
func TestTrapsInWhatIsRead(t *testing.T) {
	const tang = `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"tang":[{"url":"http://x","thumbprint":"x","advertisement":"{}"}]}}]}`
	modes := func(mode string) string {
		return `"storage":{"directories":[{"path":"/b","mode":` + mode + `}],"files":[{"path":"/a","mode":` + mode + `}]}`
	}
	for _, c := range []struct{ name, versions, text, want string }{
		{"8 the last case of a key", "all", `"storage":{"files":[{"path":"/a","Path":"/b"}]}`, `"storage":{"files":[{"path":"/b"}]}`},
		{"14 nothing leaks", "all", `"storage":{"files":[{"path":"/a","mode":1}]},"storage":{"files":[{"path":"/b"}]}`, `"storage":{"files":[{"path":"/b"}]}`},
		{"15 decimal mode before 3.6", "≤3.5", modes("644"), modes("132")},
		{"15 decimal mode", "3.6+", modes("644"), modes("644")},
		{"16 sticky directory before 3.6", "≤3.5", modes("1023"), modes("511")},
		{"48 advertisement", "3.4+", tang, tang},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range versionsIn(t, c.versions) {
				if got, want := string(parsed(t, v, c.text).print()), string(document(v, c.want)); got != want {
					t.Errorf("%s: %s, want %s", v, got, want)
				}
			}
		})
	}
}

func TestTrapsOfPaths(t *testing.T) {
	file := func(m string) string { return `"storage":{"files":[{"path":"/a",` + m + `}]}` }
	s := func(lists string) string { return `"storage":{` + lists + `}` }
	hard := func(path, target, directory string) string {
		return s(`"directories":[{"path":"` + directory + `"}],"links":[{"path":"` + path + `","target":"` + target + `","hard":true}]`)
	}
	hardRefused := []string{"E storage.links[0] a hard link to"}
	const ignored = "its special bits (setuid, setgid, sticky) are ignored"
	testRules(t, []rule{
		{"15 decimal mode before 3.6", "≤3.5", file(`"mode":644`), []string{"W storage.files[0].mode " + ignored}},
		{"15 decimal mode", "3.6+", file(`"mode":644`), nil},
		{"16 sticky directory", "≤3.5", s(`"directories":[{"path":"/a","mode":1023}]`), []string{"W storage.directories[0].mode " + ignored}},
		{"17 overwrite with append", "all", file(`"overwrite":true,"append":[{"source":"data:,"}]`), []string{"E storage.files[0].overwrite no contents"}},
		{"17 overwrite with nothing", "all", file(`"overwrite":true,"contents":{"source":""}`), nil},
		{"18 below a file", "all", s(`"files":[{"path":"/a"},{"path":"/a/b"}]`), nil},
		{"18 below a link", "all", s(`"links":[{"path":"/a","target":"/t"}],"files":[{"path":"/a/b"}]`), []string{"E storage.files[0] below the link"}},
		{"18 below a hard link", "all", s(`"links":[{"path":"/a","target":"/t","hard":true}],"files":[{"path":"/a/b"}]`), []string{"E storage.files[0] below the link"}},
		{"19 same beginning as a link", "all", s(`"links":[{"path":"/a","target":"/t"}],"files":[{"path":"/ab"}]`), nil},
		{"20 the root as a link", "all", s(`"links":[{"path":"/","target":"/t"}],"files":[{"path":"/x"}]`), nil},
		{"21 file and directory", "all", s(`"files":[{"path":"/a"}],"directories":[{"path":"/a"}]`), []string{"E storage.files[0] already storage.directories[0]"}},
		{"21 file and link", "all", s(`"links":[{"path":"/a","target":"/t"}],"files":[{"path":"/a"}]`), []string{"E storage.links[0] already storage.files[0]"}},
		{"22 target beside the hard link", "all", hard("/x/a", "d", "/x/d"), nil},
		{"22 target below the hard link", "all", hard("/x/a", "d", "/x/a/d"), append([]string{"E storage.directories[0] below the link"}, hardRefused...)},
		{"22 target above the hard link", "all", hard("/x/a", "../d", "/x/d"), hardRefused},
		{"23 empty owner of a hard link", "all", s(`"links":[{"path":"/a","target":"/t","hard":true,"user":{"name":""}}]`), []string{"W storage.links[0].user.name no effect"}},
		{"24 link without target", "all", s(`"links":[{"path":"/a"}]`), []string{"E storage.links[0].target target is missing"}},
	})
}

func TestTrapsOfPartitions(t *testing.T) {
	parts := func(p ...string) string {
		return `"storage":{"disks":[{"device":"/d","partitions":[{` + strings.Join(p, "},{") + `}]}]}`
	}
	at := func(numbers, sizes string) string { return `"number":` + numbers + `,"startMiB":` + sizes }
	const first, second = "E storage.disks[0].partitions[0]", "E storage.disks[0].partitions[1]"
	testRules(t, []rule{
		{"25 unwanted with size 0", "all", parts(`"number":1,"shouldExist":false,"sizeMiB":0`), []string{first + " sizeMiB has no meaning"}},
		{"25 unwanted with empty GUID", "all", parts(`"number":1,"shouldExist":false,"guid":""`), nil},
		{"26 two empty labels", "all", parts(`"number":1,"label":""`, `"number":2,"label":""`), []string{second + ` label "" is already`}},
		{"27 empty label alone", "all", parts(`"label":""`), nil},
		{"27 null label alone", "all", parts(`"label":null`), []string{first + " neither a number nor a label"}},
		{"27 negative number", "all", parts(`"number":-1`), []string{"E storage.disks[0].partitions[0].number is negative"}},
		{"28 letters of two bytes", "all", parts(`"label":"` + strings.Repeat("é", 19) + `"`), []string{first + ".label 38 bytes long"}},
		{"29 colon", "all", parts(`"label":"a:b"`), []string{first + ".label has a colon"}},
		{"30 touching", "all", parts(at("1", `1,"sizeMiB":10`), at("2", `11,"sizeMiB":10`)), nil},
		{"30 overlapping", "all", parts(at("1", `1,"sizeMiB":10`), at("2", `10,"sizeMiB":10`)), []string{second + " overlaps"}},
		{"30 start 0", "all", parts(at("1", `0,"sizeMiB":10`), at("2", `1,"sizeMiB":10`)), nil},
		{"30 no size", "all", parts(at("1", `1`), at("2", `1,"sizeMiB":10`)), nil},
		{"31 size 0 inside", "all", parts(at("1", `10,"sizeMiB":0`), at("2", `5,"sizeMiB":10`)), []string{second + " overlaps"}},
		{"31 size 0 before", "all", parts(at("1", `1,"sizeMiB":0`), at("2", `5,"sizeMiB":10`)), nil},
		{"32 number twice is reported once", "all", parts(`"number":1`, `"number":1`), []string{second + " partition 1 is given twice"}},
	})
}

func TestTrapsOfRAID(t *testing.T) {
	raid := func(m string) string { return `"storage":{"raid":[{"name":"a",` + m + `}]}` }
	luks := func(m string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + m + `}]}` }
	testRules(t, []rule{
		{"33 no level", "all", raid(`"devices":["/a"]`), []string{"E storage.raid[0].level level is missing"}},
		{"33 capitals", "all", raid(`"devices":["/a"],"level":"RAID1"`), []string{`E storage.raid[0].level "RAID1" is unknown`}},
		{"33 negative spares", "all", raid(`"devices":["/a"],"level":"raid0","spares":-1`), []string{"E storage.raid[0].level cannot have any"}},
		{"34 device twice", "all", raid(`"level":"1","devices":["/a","/a"]`), []string{`E storage.raid[0].devices[1] "/a" is already`}},
		{"34 option twice", "all", raid(`"level":"1","devices":["/a"],"options":["a","a"]`), nil},
		{"34 open option twice", "3.4+", luks(`"openOptions":["a","a"]`), []string{`E storage.luks[0].openOptions[1] "a" is already`}},
		{"34 luks option twice", "3.2+", luks(`"options":["a","a"]`), nil},
	})
}

func TestTrapsOfFilesystems(t *testing.T) {
	fs := func(m string) string { return `"storage":{"filesystems":[{"device":"/d"` + m + `}]}` }
	on := func(disk, fs string) string {
		return `"storage":{"disks":[{"device":"/d",` + disk + `}],"filesystems":[{"device":"/d","format":"xfs"` + fs + `}]}`
	}
	const at = "storage.filesystems[0]"
	format := []string{"E " + at + ".format format is missing"}
	testRules(t, []rule{
		{"28 label of two byte letters", "all", fs(`,"format":"xfs","label":"ééééééé"`), []string{"E " + at + ".label 14 bytes long"}},
		{"28 tag of two byte letters", "3.7", `"storage":{"filesystems":[{"format":"virtiofs","device":"` + strings.Repeat("é", 19) + `"}]}`, []string{"E " + at + ".device 38 bytes long"}},
		{"35 device alone", "all", fs(``), nil},
		{"35 path", "all", fs(`,"path":"/x"`), format},
		{"35 no wiping", "all", fs(`,"wipeFilesystem":false`), nil},
		{"35 no options", "all", fs(`,"options":[]`), nil},
		{"36 mount options in 3.0", "3.0", fs(`,"mountOptions":["a"]`), []string{"W " + at + ".mountOptions since version 3.1.0"}},
		{"36 mount options", "3.1+", fs(`,"mountOptions":["a"]`), format},
		{"37 label without format is reported once", "all", fs(`,"label":"x"`), format},
		{"38 one path twice", "all", `"storage":{"filesystems":[{"device":"/d","format":"xfs","path":"/x"},{"device":"/e","format":"xfs","path":"/x"}]}`, nil},
		{"38 one device twice", "all", `"storage":{"filesystems":[{"device":"/d"},{"device":"/d"}]}`, []string{`E storage.filesystems[1] the device "/d" is already`}},
		{"39 on a disk with partitions", "all", on(`"partitions":[{"number":1}]`, `,"wipeFilesystem":true`), []string{"W " + at + ".device has partitions"}},
		{"40 virtiofs, all wrong", "3.7", `"storage":{"filesystems":[{"format":"virtiofs","device":"","uuid":"x","wipeFilesystem":true,"options":["a"],"label":"x"}]}`, []string{
			"E " + at + ".device missing", "E " + at + ".uuid not possible", "E " + at + ".wipeFilesystem not possible", "E " + at + ".options not possible", "E " + at + ".label not possible"}},
		{"40 virtiofs", "3.7", `"storage":{"filesystems":[{"format":"virtiofs","device":"tag","wipeFilesystem":false,"label":"","mountOptions":["a"]}]}`, nil},
	})
}

func TestTrapsOfLUKS(t *testing.T) {
	luks := func(m string) string { return `"storage":{"luks":[{"name":"a","device":"/d",` + m + `}]}` }
	tang := func(advertisement string) string {
		return luks(`"clevis":{"tang":[{"url":"http://x","thumbprint":"x","advertisement":` + advertisement + `}]}`)
	}
	const at, pin, text = "storage.luks[0]", "E storage.luks[0].clevis.custom.pin ", "E storage.luks[0].clevis.custom.config "
	testRules(t, []rule{
		{"41 empty custom and TPM in 3.2", "3.2", luks(`"clevis":{"custom":{},"tpm2":true}`), []string{"E " + at + ".clevis custom excludes"}},
		{"41 empty custom and TPM", "3.3+", luks(`"clevis":{"custom":{},"tpm2":true}`), nil},
		{"42 only needsNetwork in 3.2", "3.2", luks(`"clevis":{"custom":{"needsNetwork":true}}`), nil},
		{"42 only needsNetwork", "3.3+", luks(`"clevis":{"custom":{"needsNetwork":true}}`), []string{pin + "missing", text + "missing"}},
		{"43 config without pin, with TPM", "3.3+", luks(`"clevis":{"custom":{"config":"x"},"tpm2":true}`), []string{pin + "missing"}},
		{"44 any pin before 3.6", "3.2-3.5", luks(`"clevis":{"custom":{"pin":"foo","config":"{}"}}`), []string{pin + `"foo" is unknown`}},
		{"44 any pin", "3.6+", luks(`"clevis":{"custom":{"pin":"foo","config":"{}"}}`), nil},
		{"45 bad key URL is reported once", "3.2+", luks(`"keyFile":{"source":"foo"}`), []string{"E " + at + ".keyFile.source has no scheme"}},
		{"46 cex and threshold", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"threshold":1}`), []string{"E " + at + ".cex remove one of the two"}},
		{"46 cex and threshold 0", "3.5+", luks(`"cex":{"enabled":true},"clevis":{"threshold":0}`), nil},
		{"46 cex and empty key", "3.5+", luks(`"cex":{"enabled":true},"keyFile":{"source":""}`), nil},
		{"47 advertisement of a number", "3.4+", tang(`"5"`), nil},
		{"47 bad advertisement", "3.4+", tang(`"{{"`), []string{"E " + at + ".clevis.tang[0].advertisement not JSON"}},
		{"47 advertisement as an object", "3.4+", tang(`{}`), []string{"E " + at + ".clevis.tang[0].advertisement a string is expected"}},
	})
}

func TestTrapsOfReferences(t *testing.T) {
	merge := func(r string) string { return `"ignition":{$V,"config":{"merge":[` + r + `]}}` }
	replace := func(r string) string { return `"ignition":{$V,"config":{"replace":` + r + `}}` }
	proxy := func(p string) string { return `"ignition":{$V,"proxy":{` + p + `}}` }
	testRules(t, []rule{
		{"49 bad URL is reported once", "all", merge(`{"source":"foo"}`), []string{"E ignition.config.merge[0].source has no scheme"}},
		{"49 no source", "3.1+", merge(`{}`), []string{"E ignition.config.merge[0] source is missing"}},
		{"49 no source in 3.0", "3.0", merge(`{}`), []string{"W ignition.config.merge[0] nothing is merged"}},
		{"50 empty replace", "all", replace(`{}`), nil},
		{"50 replace with nothing", "all", replace(`{"source":""}`), []string{"E ignition.config.replace.source source is empty"}},
		{"54 hash of a config in capitals", "all", merge(`{"source":"http://x","verification":{"hash":"sha512-` + strings.Repeat("A", 128) + `"}}`), nil},
		{"61 plain proxy for HTTPS", "3.1+", proxy(`"httpsProxy":"http://p"`), []string{"W ignition.proxy.httpsProxy not encrypted"}},
		{"61 empty proxy", "3.1+", proxy(`"httpProxy":""`), []string{"E ignition.proxy.httpProxy http:// or https://"}},
	})
}

func TestTrapsOfResources(t *testing.T) {
	file := func(r string) string { return `"storage":{"files":[{"path":"/a","contents":{` + r + `}}]}` }
	url := func(source string) string { return file(`"source":"` + source + `"`) }
	hash := func(h string) string { return file(`"source":"data:,","verification":{"hash":"` + h + `"}`) }
	const at = "E storage.files[0].contents."
	testRules(t, []rule{
		{"51 hash of nothing", "all", file(`"verification":{"hash":"` + sha512 + `"}`), []string{at + "verification.hash no source"}},
		{"51 hash of an empty source", "all", file(`"source":"","verification":{"hash":"` + sha512 + `"}`), nil},
		{"52 empty hash of nothing", "all", file(`"verification":{"hash":""}`), []string{at + "verification.hash no source", at + "verification.hash not a hash"}},
		{"52 other digits", "all", hash("sha512-" + strings.Repeat("z", 128)), []string{at + "verification.hash digit 1 of the sha512 hash is not hexadecimal"}},
		{"53 sha256 in 3.0", "3.0", hash(sha256), []string{at + "verification.hash since version 3.1.0"}},
		{"53 function in capitals", "all", hash("SHA512-" + strings.Repeat("a", 128)), []string{at + "verification.hash function is unknown"}},
		{"54 digits in capitals", "all", strings.Replace(hash("sha512-"+strings.Repeat("A", 128)), "data:,", "http://x", 1), nil},
		{"55 compressed s3", "all", file(`"source":"s3://b/k","compression":"gzip"`), nil},
		{"56 headers of data", "3.1+", file(`"source":"data:,","httpHeaders":[{"name":"h","value":"v"}]`), []string{at + "httpHeaders need a source"}},
		{"56 no headers of data", "3.1+", file(`"source":"data:,","httpHeaders":[]`), nil},
		{"56 header without value", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h"}]`), nil},
		{"57 headers in two cases", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h","value":"v"},{"name":"H","value":"w"}]`), nil},
		{"58 Data", "all", url("Data:,x"), []string{at + "source lower case"}},
		{"58 HTTP", "all", url("HTTP://x"), nil},
		{"58 BASE64", "all", url("data:;BASE64,YQ=="), []string{at + "source in lower case"}},
		{"58 font", "all", url("data:font/woff,x"), []string{at + "source media type is unknown"}},
		{"58 textfoo", "all", url("data:textfoo/bar,x"), nil},
		{"59 empty version", "all", url("s3://b/k?versionId="), []string{at + "source versionId is empty"}},
		{"59 other parameter", "all", url("s3://b/k?versionid="), nil},
		{"60 gs", "≤3.1", url("gs://b/o"), []string{at + "source since version 3.2.0"}},
		{"60 arn", "≤3.3", url("arn:aws:s3:::b/k"), []string{at + "source since version 3.4.0"}},
	})
}

func TestTrapsOfUnits(t *testing.T) {
	unit := func(m string) string { return `"systemd":{"units":[{"name":"a.service",` + m + `}]}` }
	enabled := func(contents string) string { return unit(`"enabled":true,"contents":"` + contents + `"`) }
	instance := func(m string) string {
		return `"systemd":{"units":[{"name":"t@x.` + m + `},{"name":"t@.service","contents":"[Unit]\nA=B\n"}]}`
	}
	same := func(m string) string {
		return unit(m) + `,"storage":{"files":[{"path":"/etc/systemd/system/a.service"}]}`
	}
	const at = "systemd.units[0]"
	install := []string{"W " + at + ".contents no [Install] section"}
	template := []string{"W " + at + `.contents template "t@.service" has no [Install] section`}
	testRules(t, []rule{
		{"62 no unit at all", "all", unit(`"contents":"hello"`), nil},
		{"62 no unit at all, enabled", "all", enabled(`hello`), install},
		{"63 empty Install", "all", enabled(`[Install]\n`), install},
		{"63 Install in lower case", "all", enabled(`[install]\nWantedBy=x\n`), install},
		{"63 Install in a drop-in", "all", unit(`"enabled":true,"contents":"[Unit]\n","dropins":[{"name":"b.conf","contents":"[Install]\nWantedBy=x\n"}]`), install},
		{"64 name without value", "all", unit(`"contents":"[Foo]\nA"`), []string{"E " + at + ".contents not of the form NAME=VALUE"}},
		{"64 no section", "all", unit(`"contents":"A=B"`), nil},
		{"65 enabled with empty contents", "all", enabled(``), nil},
		{"65 enabled without contents", "all", unit(`"enabled":true`), nil},
		{"66 instance", "all", instance(`service","enabled":true`), template},
		{"66 instance with contents", "all", instance(`service","enabled":true,"contents":"[Install]\nWantedBy=x\n"`), template},
		{"66 timer", "all", instance(`timer","enabled":true`), nil},
		{"67 slashes in names", "all", `"systemd":{"units":[{"name":"foo/a.service"},{"name":"../a.service"}]}`, []string{"E systemd.units[0].name no blank, slash or *", "E systemd.units[1].name no blank, slash or *"}},
		{"67 extension in capitals", "all", `"systemd":{"units":[{"name":"a.SERVICE"}]}`, []string{"E " + at + ".name should end in"}},
		{"68 file of a unit", "all", same(`"contents":"[Unit]\n"`), []string{"E storage.files[0].path written already, by " + at}},
		{"68 file of an empty unit", "all", same(`"contents":""`), nil},
		{"68 file of a masked unit", "all", same(`"mask":true`), nil},
	})
}

func TestTrapsOfUsersAndArguments(t *testing.T) {
	testRules(t, []rule{
		{"69 nameless user", "all", `"passwd":{"users":[{}]}`, []string{"E passwd.users[0].name is missing"}},
		{"69 two nameless users", "all", `"passwd":{"users":[{},{}]}`, []string{`E passwd.users[1] the name "" is already`, "E passwd.users[0].name is missing", "E passwd.users[1].name is missing"}},
		{"70 in both lists", "3.3+", `"kernelArguments":{"shouldExist":["a"],"shouldNotExist":["a"]}`, []string{`E kernelArguments.shouldNotExist[0] "a" is already`}},
		{"70 blank", "3.3+", `"kernelArguments":{"shouldExist":["a b","a","b"]}`, nil},
	})
}

func TestTrapsOfMerging(t *testing.T) {
	file := func(contents string) string { return `"storage":{"files":[{"path":"/a",` + contents + `}]}` }
	contents := func(source string) string {
		return file(`"contents":{"source":"http://` + source + `","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + sha512 + `"}}`)
	}
	headers := func(h string) string { return file(`"contents":{"source":"http://x","httpHeaders":[` + h + `]}`) }
	raid := func(devices string) string {
		return `"storage":{"raid":[{"name":"a","level":"1","devices":[` + devices + `]}]}`
	}
	for _, c := range []struct{ name, parent, child, want string }{
		{"71 new source", contents("x"), file(`"contents":{"source":"http://y"}`), contents("y")},
		{"72 same fragment", file(`"append":[{"source":"data:,x"}]`), file(`"append":[{"source":"data:,x"}]`), file(`"append":[{"source":"data:,x"},{"source":"data:,x"}]`)},
		{"73 fewer devices", raid(`"/a","/b"`), raid(`"/b"`), raid(`"/a","/b"`)},
		{"73 more devices", raid(`"/a","/b"`), raid(`"/c"`), raid(`"/a","/b","/c"`)},
		{"74 header without value", headers(`{"name":"h","value":"v"}`), headers(`{"name":"h"}`), headers(``)},
		{"74 header without value, alone", headers(``), headers(`{"name":"h"}`), headers(`{"name":"h"}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := merged(t, c.parent, c.child); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTrapsOfTheCheckAfterMerging(t *testing.T) {
	file := func(path, source string) string {
		return `"storage":{"files":[{"path":"` + path + `","contents":{"source":"` + source + `"}}]}`
	}
	for _, c := range []struct {
		name          string
		parent, child Version
		text          string // of the child
	}{
		{"42 only needsNetwork", V3_2, V3_2, `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"custom":{"needsNetwork":true}}}]}`},
		{"49 no source", V3_0, V3_0, `"ignition":{$V,"config":{"merge":[{}]}}`},
		{"60 gs in a newer child", V3_1, V3_2, file("/b", "gs://b/o")},
		{"60 arn in a newer child", V3_3, V3_4, file("/b", "arn:aws:s3:::b/k")},
	} {
		m := Merge(parsedAs(t, "parent", c.parent, file("/a", "data:,")), parsedAs(t, "child", c.child, c.text))
		expectProblems(t, c.name, m.ValidateMerged(), nil)
	}
	const text = `"x":1,"passwd":{"users":[{"name":"a"},{"name":"a"}]},"storage":{"raid":[{"name":"a","level":"1","devices":["/a","/a"]}]}`
	cfg, err := Load(document(Newest, text), nil, "cache")
	if err != nil {
		t.Fatal(err)
	}
	expectProblems(t, "79 duplicates and unknown keys", cfg.ValidateMerged(), nil)
}

func TestTrapOfPositions(t *testing.T) {
	_, problems, _ := Parse(document(V3_6, "\"storage\":{\"files\":[\n {}]}"), "test")
	want := at("test", 2, 2, "storage.files[0].path")
	if len(problems) != 1 || problems[0].Origin != want {
		t.Errorf("82 missing path: %v, want it at %s", problems, want)
	}
}
