package config

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/dataurl"

	"github.com/firstlight-os/firstlight/internal/testkit"
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
		{"good", "all", ca(`{"source":"https://x"}`), nil},
		{"empty", "all", ca(`{"source":"data:,"}`), nil},
		{"no certificate", "all", ca(`{"source":"data:,hello"}`), []string{"W " + element + ".source not the certificate of an authority, or several, in PEM form: there is no certificate in it"}},
		{"a key", "all", ca(`{"source":"` + dataurl.Encode("", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")) + `"}`), []string{"W " + element + ".source PRIVATE KEY in it, which is no certificate"}},
		{"a broken one", "all", ca(`{"source":"` + dataurl.Encode("", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")) + `"}`), []string{"W " + element + ".source certificate 1: x509"}},
		{"compressed text", "3.1+", ca(`{"compression":"gzip","source":"` + dataurl.Encode("", []byte(testkit.Gzip("hello"))) + `"}`), []string{"W " + element + ".source no certificate in it"}},
		{"without source", "all", ca(`{}`), []string{"E " + element + " the source is missing"}},
		{"bad URL", "all", ca(`{"source":"foo"}`), []string{"E " + element + ".source has no scheme"}},
		{"compression is not known in 3.0", "3.0", ca(`{"source":"data:,","compression":"gzip"}`), []string{"W " + element + ".compression since version 3.1.0"}},
		{"compression", "3.1+", ca(`{"source":"data:,","compression":"gzip"}`), []string{"W " + element + ".compression not compressed with gzip"}},
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
		{"negative timeouts", "all", `"ignition":{$V,"timeouts":{"httpTotal":-1,"httpResponseHeaders":-5}}`, []string{"W ignition.timeouts.httpTotal is negative", "W ignition.timeouts.httpResponseHeaders is negative"}},
	})
}

func TestResourceRules(t *testing.T) {
	file := func(r string) string { return `"storage":{"files":[{"path":"/a","contents":{` + r + `}}]}` }
	const at = "storage.files[0].contents."
	hash := func(h string) string { return file(`"source":"http://x","verification":{"hash":"` + h + `"}`) }
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
		{"http without host", "all", file("https://"), bad("names no host")},
		{"tftp", "all", file("tftp://x/y"), nil},
		{"s3", "all", file("s3://b/k?versionId=1"), nil},
		{"s3 without key", "all", file("s3://b"), bad("does not name an object")},
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

// What stands in the config is looked at before a machine is.
func TestContentsThatStandInTheConfig(t *testing.T) {
	packed := []byte(testkit.Gzip("hello"))
	sum := func(h crypto.Hash, name, text string) string {
		f := h.New()
		f.Write([]byte(text))
		return `"verification":{"hash":"` + name + hex.EncodeToString(f.Sum(nil)) + `"}`
	}
	of := func(contents []byte, more string) string {
		return `"source":"` + dataurl.Encode("", contents) + `",` + more
	}
	const gz, compression = `"compression":"gzip"`, ".compression not compressed with gzip"
	const damaged = ".source damaged or cut off"
	for _, at := range resourcePaths {
		if strings.Contains(at.path, "certificateAuthorities") {
			continue // TestAuthorityRules
		}
		for name, c := range map[string]struct{ members, want string }{
			"never packed":           {`"source":"data:,plain",` + gz, compression},
			"empty":                  {`"source":"data:,",` + gz, compression},
			"cut off":                {of(packed[:len(packed)-6], gz), damaged},
			"damaged":                {of(append(packed[:len(packed)-1:len(packed)-1], 'x'), gz), damaged},
			"packed":                 {of(packed, gz), ""},
			"packed and hashed":      {of(packed, gz+","+sum(crypto.SHA512, "sha512-", "hello")), ""},
			"hash of what is packed": {of(packed, gz+","+sum(crypto.SHA512, "sha512-", string(packed))), ".verification.hash have another hash"},
			"hashed":                 {`"source":"data:,hello",` + sum(crypto.SHA256, "sha256-", "hello"), ""},
			"in capitals":            {`"source":"data:,hello",` + strings.Replace(strings.ToUpper(sum(crypto.SHA256, "", "hello")), `"VERIFICATION":{"HASH":"`, `"verification":{"hash":"sha256-`, 1), ""},
			"another hash":           {`"source":"data:,hello",` + sum(crypto.SHA512, "sha512-", "hello\n"), ".verification.hash have another hash"},
			"elsewhere":              {`"source":"https://x",` + gz + "," + sum(crypto.SHA512, "sha512-", "x"), ""},
		} {
			var want []string
			if c.want != "" {
				want = []string{"W " + at.path + c.want}
			}
			testRules(t, []rule{{at.path + " " + name, at.versions, strings.Replace(at.text, "#", c.members, 1), want}})
		}
	}
}

func TestContentsAreDecompressedUpToALimit(t *testing.T) {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	zeros := make([]byte, 1<<20)
	for range 2 * maxChecked / len(zeros) {
		w.Write(zeros)
	}
	w.Close()
	text := `"storage":{"files":[{"path":"/a","contents":{"source":"` + dataurl.Encode("", b.Bytes()) + `","compression":"gzip","verification":{"hash":"` + sha512 + `"}}}]}`
	testRules(t, []rule{{"bomb", "3.6", text, nil}})
}

func TestScriptsOfWindows(t *testing.T) {
	file := func(source string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"` + source + `"}}]}`
	}
	warning := []string{"W storage.files[0].contents.source first line of this script ends with a carriage return"}
	testRules(t, []rule{
		{"base64", "all", file(dataurl.Encode("", []byte("#!/bin/sh\r\ntrue\r\n"))), warning},
		{"escaped", "all", file(`data:,%23!/bin/sh%0D%0Atrue`), warning},
		{"escaped throughout", "all", file(`data:,%23%21/bin/sh%0d%0atrue`), warning},
		{"Unix", "all", file(dataurl.Encode("", []byte("#!/bin/sh\ntrue\r\n"))), nil},
		{"no script", "all", file(dataurl.Encode("", []byte("#\r\n"))), nil},
		{"text of Windows", "all", file(dataurl.Encode("", []byte("a\r\n"))), nil},
	})
}

// What fails the boot is an error of the whole config, before a machine is changed.
func TestTheWholeConfigIsRefusedForWhatFailsTheBoot(t *testing.T) {
	for _, text := range []string{
		`"storage":{"files":[{"path":"/a","contents":{"source":"data:,plain","compression":"gzip"}}]}`,
		`"storage":{"raid":[{"name":"a","level":"raid1","devices":["/a","/b"],"spares":2}]}`,
		`"ignition":{$V,"security":{"tls":{"certificateAuthorities":[{"source":"data:,hello"}]}}}`,
	} {
		_, problems, err := Parse(document(Newest, text), "test")
		if err != nil || len(problems) != 1 || problems[0].Severity != Warning {
			t.Errorf("%s: got %v, %v, want one warning", text, problems, err)
		}
		if whole := parsed(t, Newest, text).ValidateMerged(); len(whole) != 1 || whole[0].Severity != Error || whole[0].Origin != problems[0].Origin {
			t.Errorf("%s: got %v of the whole config, want one error", text, whole)
		}
	}
}
