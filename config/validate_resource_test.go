package config

import (
	"strings"
	"testing"
)

var (
	sha512 = "sha512-" + strings.Repeat("0a", 64)
	sha256 = "sha256-" + strings.Repeat("0a", 32)
)

func TestConfigReferenceRules(t *testing.T) {
	merge := func(r string) string { return `"ignition":{$V,"config":{"merge":[` + r + `]}}` }
	replace := func(r string) string { return `"ignition":{$V,"config":{"replace":` + r + `}}` }
	const element = "ignition.config.merge[0]"
	testRules(t, []rule{
		{"merge without source", "3.1+", merge(`{}`), []string{"E " + element + " the source is missing"}},
		{"merge with empty source", "3.1+", merge(`{"source":""}`), []string{"E " + element + " the source is missing"}},
		{"merge without source in 3.0", "3.0", merge(`{}`), []string{"W " + element + " the source is missing, so nothing is merged"}},
		{"merge with a bad URL is reported once", "all", merge(`{"source":"foo"}`), []string{"E " + element + ".source has no scheme"}},
		{"replace without source", "all", replace(`{}`), nil},
		{"replace with empty source", "all", replace(`{"source":""}`), []string{"E ignition.config.replace.source the source is empty: it should be the URL of the config that replaces this one"}},
		{"replace with a bad URL", "all", replace(`{"source":"ftp://x"}`), []string{`E ignition.config.replace.source "ftp" of this URL is unknown`}},
		{"hash without source", "3.1+", replace(`{"verification":{"hash":"` + sha512 + `"}}`), []string{"E ignition.config.replace.verification.hash no source"}},
		{"hash without source in 3.0", "3.0", replace(`{"verification":{"hash":"` + sha512 + `"}}`), nil},
		{"hash that is not hexadecimal", "all", replace(`{"source":"http://x","verification":{"hash":"sha512-` + strings.Repeat("0", 127) + `é` + `"}}`), []string{"E ignition.config.replace.verification.hash has 129 digits"}},
		{"hash with one bad digit", "all", replace(`{"source":"http://x","verification":{"hash":"sha512-` + strings.Repeat("0", 127) + `g"}}`), []string{"E ignition.config.replace.verification.hash digit 128 of the sha512 hash is not hexadecimal"}},
		{"hash form in 3.0", "3.0", replace(`{"source":"http://x","verification":{"hash":"x"}}`), []string{"E ignition.config.replace.verification.hash not a hash"}},
		{"compression", "3.1+", replace(`{"source":"http://x","compression":"xz"}`), []string{`E ignition.config.replace.compression "xz" is unknown`}},
		{"compression is not known in 3.0", "3.0", replace(`{"source":"http://x","compression":"xz"}`), []string{"W ignition.config.replace.compression since version 3.1.0"}},
		{"merge and replace together", "all", `"ignition":{$V,"config":{"merge":[{"source":"http://a"}],"replace":{"source":"http://b"}}}`, nil},
		{"two merges of one source", "all", merge(`{"source":"http://a"},{"source":"http://a"}`), []string{"E ignition.config.merge[1] this source is already ignition.config.merge[0]"}},
	})
}

func TestAuthorityRules(t *testing.T) {
	ca := func(r string) string {
		return `"ignition":{$V,"security":{"tls":{"certificateAuthorities":[` + r + `]}}}`
	}
	const element = "ignition.security.tls.certificateAuthorities[0]"
	testRules(t, []rule{
		{"good", "all", ca(`{"source":"data:,x"}`), nil},
		{"without source", "all", ca(`{}`), []string{"E " + element + " the source is missing"}},
		{"bad URL", "all", ca(`{"source":"foo"}`), []string{"E " + element + ".source has no scheme"}},
		{"compression is not known in 3.0", "3.0", ca(`{"source":"data:,","compression":"gzip"}`), []string{"W " + element + ".compression since version 3.1.0"}},
		{"compression", "3.1+", ca(`{"source":"data:,","compression":"gzip"}`), nil},
	})
}

func TestProxyAndTimeoutRules(t *testing.T) {
	proxy := func(p string) string { return `"ignition":{$V,"proxy":{` + p + `}}` }
	testRules(t, []rule{
		{"good", "3.1+", proxy(`"httpProxy":"http://p:3128","httpsProxy":"HTTPS://p","noProxy":["a","b"]`), nil},
		{"is not known in 3.0", "3.0", proxy(`"httpProxy":"socks5://p"`), []string{"W ignition.proxy since version 3.1.0"}},
		{"other schemes", "3.1+", proxy(`"httpProxy":"socks5://p"`), []string{"E ignition.proxy.httpProxy http:// or https://"}},
		{"empty", "3.1+", proxy(`"httpProxy":"","httpsProxy":""`), []string{"E ignition.proxy.httpProxy should start", "E ignition.proxy.httpsProxy should start"}},
		{"unparsable", "3.1+", proxy(`"httpProxy":"http://u:secret@p:x"`), []string{"E ignition.proxy.httpProxy not a URL: invalid port"}},
		{"plain proxy for HTTPS", "3.1+", proxy(`"httpsProxy":"http://p"`), []string{"W ignition.proxy.httpsProxy not encrypted"}},
		{"noProxy twice", "3.1+", proxy(`"noProxy":["a","a"]`), []string{`E ignition.proxy.noProxy[1] "a" is already ignition.proxy.noProxy[0]`}},
		{"timeouts can be anything", "all", `"ignition":{$V,"timeouts":{"httpTotal":-1,"httpResponseHeaders":-5}}`, nil},
	})
}

func TestResourceRules(t *testing.T) {
	file := func(r string) string { return `"storage":{"files":[{"path":"/a","contents":{` + r + `}}]}` }
	const at = "storage.files[0].contents."
	hash := func(h string) string { return file(`"source":"data:,","verification":{"hash":"` + h + `"}`) }
	testRules(t, []rule{
		{"good", "3.1+", file(`"source":"https://x","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + sha512 + `"}`), nil},
		{"compression empty", "all", file(`"source":"data:,","compression":""`), nil},
		{"compression in capitals", "all", file(`"source":"data:,","compression":"GZIP"`), []string{"E " + at + `compression "GZIP" is unknown; it should be "gzip"`}},
		{"compression with s3", "all", file(`"source":"s3://b/k","compression":"gzip"`), nil},
		{"hash without source", "all", file(`"verification":{"hash":"` + sha512 + `"}`), []string{"E " + at + "verification.hash no source"}},
		{"hash with empty source", "all", file(`"source":"","verification":{"hash":"` + sha512 + `"}`), nil},
		{"empty hash without source", "all", file(`"verification":{"hash":""}`), []string{"E " + at + "verification.hash no source", "E " + at + "verification.hash not a hash"}},
		{"sha512", "all", hash(sha512), nil},
		{"sha512 too short", "all", hash("sha512-00"), []string{"E " + at + "verification.hash has 2 digits; it should have 128"}},
		{"sha256", "3.1+", hash(sha256), nil},
		{"sha256 in 3.0", "3.0", hash(sha256), []string{"E " + at + "verification.hash since version 3.1.0"}},
		{"function in capitals", "all", hash(strings.ToUpper(sha512)), []string{"E " + at + "verification.hash function is unknown"}},
		{"unknown function", "all", hash("md5-00"), []string{"E " + at + "verification.hash function is unknown"}},
		{"headers of data", "3.1+", file(`"source":"data:,","httpHeaders":[{"name":"h","value":"v"}]`), []string{"E " + at + "httpHeaders need a source that starts with http://"}},
		{"no headers of data", "3.1+", file(`"source":"data:,","httpHeaders":[]`), nil},
		{"headers of nothing", "3.1+", file(`"httpHeaders":[{"name":"h","value":"v"}]`), []string{"E " + at + "httpHeaders need a source"}},
		{"headers of something unparsable", "3.1+", file(`"source":"http://[","httpHeaders":[{"name":"h"}]`), []string{"E " + at + "httpHeaders need a source", "E " + at + "source not a URL"}},
		{"header without name", "3.1+", file(`"source":"http://x","httpHeaders":[{"value":"v"}]`), []string{"E " + at + "httpHeaders[0].name name of the HTTP header is missing"}},
		{"header with empty value", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h","value":""}]`), []string{"E " + at + `httpHeaders[0].value "h" is empty`}},
		{"header without value", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h"}]`), nil},
		{"header twice", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h"},{"name":"h"}]`), []string{"E " + at + `httpHeaders[1] the name "h" is already`}},
		{"header names know case", "3.1+", file(`"source":"http://x","httpHeaders":[{"name":"h"},{"name":"H"}]`), nil},
		{"append", "all", `"storage":{"files":[{"path":"/a","append":[{"source":"foo"},{"source":"data:,"},{"source":"data:,"}]}]}`, []string{"E storage.files[0].append[0].source has no scheme"}},
	})
}

func TestSourcesByVersion(t *testing.T) {
	file := func(source string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"` + source + `"}}]}`
	}
	bad := func(words string) []string { return []string{"E storage.files[0].contents.source " + words} }
	testRules(t, []rule{
		{"empty", "all", file(""), nil},
		{"http", "all", file("http://x/y"), nil},
		{"HTTP", "all", file("HTTP://x/y"), nil},
		{"http without host", "all", file("https://"), nil},
		{"tftp", "all", file("tftp://x/y"), nil},
		{"s3", "all", file("s3://b/k?versionId=1"), nil},
		{"s3 without key", "all", file("s3://b"), nil},
		{"s3 with empty version", "all", file("s3://b/k?versionId="), bad("versionId is empty")},
		{"s3 with another parameter", "all", file("s3://b/k?versionid="), nil},
		{"gs", "3.2+", file("GS://b/o"), nil},
		{"gs before 3.2", "≤3.1", file("gs://b/o"), bad("since version 3.2.0")},
		{"arn", "3.4+", file("arn:aws:s3:::b/k"), nil},
		{"Arn", "3.4+", file("Arn:aws:s3:::b/k"), nil},
		{"arn before 3.4", "≤3.3", file("arn:aws:s3:::b/k"), bad("since version 3.4.0")},
		{"arn of an access point", "3.4+", file("arn:aws:s3:r:1:accesspoint/a/object/k"), nil},
		{"arn of an access point alone", "3.4+", file("arn:aws:s3:r:1:accesspoint/a"), bad("does not name an object")},
		{"arn without key", "3.4+", file("arn:aws:s3:::b"), bad("does not name an object")},
		{"arn of another service", "3.4+", file("arn:aws:ec2:::b/k"), bad(`service is not "s3"`)},
		{"arn too short", "3.4+", file("arn:aws:s3:b/k"), bad("six parts")},
		{"arn with empty version", "3.4+", file("arn:aws:s3:::b/k?versionId="), bad("versionId is empty")},
		{"file", "all", file("file:///a"), bad(`"file" of this URL is unknown`)},
		{"oem", "all", file("oem:///a"), bad(`"oem" of this URL is unknown`)},
		{"no scheme", "all", file("/a"), bad("has no scheme")},
		{"blank in front", "all", file(" http://x"), bad("not a URL")},
		{"bad escape", "all", file("http://x/%zz"), bad("% without two hexadecimal digits")},
		{"bad host", "all", file("http://a b/"), bad("character in the host's name")},
		{"bad port", "all", file("http://x:y/"), bad("invalid port")},
		{"control character", "all", file(`http://x/\n`), bad("control character")},
		{"Data", "all", file("Data:,x"), bad("lower case")},
		{"the schemes are listed", "3.0", file("x:y"), bad("should be one of http, https, tftp, s3, data")},
		{"more schemes are listed", "3.4", file("x:y"), bad("should be one of http, https, tftp, s3, gs, arn, data")},
	})
}

func TestSecretsStayOutOfMessages(t *testing.T) {
	for _, text := range []string{
		`"storage":{"files":[{"path":"/a","contents":{"source":"http://u:sesame@h:x/"}}]}`,
		`"storage":{"files":[{"path":"/a","contents":{"source":"http://sesame%zz/"}}]}`,
		`"storage":{"files":[{"path":"/a","contents":{"source":"http://h/%zsesame"}}]}`,
		`"storage":{"files":[{"path":"/a","contents":{"source":"data:,ses<ame"}}]}`,
		`"storage":{"files":[{"path":"/a","contents":{"source":"data:,","verification":{"hash":"sesame-1"}}}]}`,
		`"ignition":{$V,"config":{"merge":[{"source":"http://u:sesame@h/"},{"source":"http://u:sesame@h/"}]}}`,
		`"storage":{"luks":[{"name":"a","device":"/a","clevis":{"tang":[{"url":"ftp://sesame","thumbprint":"x"}]}}]}`,
		`"systemd":{"units":[{"name":"a.service","contents":"[A] sesame"}]}`,
	} {
		_, problems, err := Parse(document(V3_6, text), "test")
		if err == nil {
			t.Errorf("%s is accepted", text)
		}
		if strings.Contains(problems.String(), "sesame") {
			t.Errorf("a secret in: %s", problems)
		}
	}
}
