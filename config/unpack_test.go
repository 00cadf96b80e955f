package config

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

const plainConfig = `{"ignition": {"version": "3.4.0"}}`

func TestUnpack(t *testing.T) {
	long := strings.Replace(plainConfig, "}}", `}, "x": "`+strings.Repeat("\xc3\xbf>?", 100)+`"}`, 1)
	const butane = "# a comment\nvariant: fcos\nversion: 1.5.0\n"
	for name, c := range map[string]struct {
		text, want string
		encodings  []string
	}{
		"none":                    {plainConfig, plainConfig, nil},
		"Butane":                  {butane, butane, nil},
		"white space":             {"\r\n\t " + plainConfig + " \n", "\r\n\t " + plainConfig + " \n", nil},
		"byte-order mark":         {"\xef\xbb\xbf" + plainConfig, plainConfig, nil},
		"NULs":                    {"\x00\x00" + plainConfig + "\n\x00\x00\x00", plainConfig + "\n", nil},
		"gzip":                    {testkit.Gzip(plainConfig), plainConfig, []string{"gzip"}},
		"gzip on a device":        {testkit.Gzip(plainConfig) + "\x00\x00\x00", plainConfig, []string{"gzip"}},
		"gzip of two members":     {testkit.Gzip(plainConfig[:9]) + testkit.Gzip(plainConfig[9:]), plainConfig, []string{"gzip"}},
		"gzip after a line":       {"\n" + testkit.Gzip(plainConfig), plainConfig, []string{"gzip"}},
		"base64":                  {testkit.Base64(plainConfig), plainConfig, []string{"base64"}},
		"base64 without padding":  {strings.TrimRight(testkit.Base64(plainConfig), "="), plainConfig, []string{"base64"}},
		"base64 in lines":         {testkit.WrappedBase64(long), long, []string{"base64"}},
		"base64 that is indented": {"  " + strings.ReplaceAll(testkit.WrappedBase64(long), "\n", "\r\n\t "), long, []string{"base64"}},
		"base64 for URLs":         {base64.URLEncoding.EncodeToString([]byte(long)), long, []string{"base64"}},
		"base64 of Butane":        {testkit.Base64(butane), butane, []string{"base64"}},
		"gzip in base64":          {testkit.WrappedBase64(testkit.Gzip(long)), long, []string{"base64", "gzip"}},
		"base64 in base64":        {testkit.Base64(testkit.Base64(plainConfig)), plainConfig, []string{"base64", "base64"}},
		"three":                   {testkit.Gzip(testkit.Base64(testkit.Gzip(long))), long, []string{"gzip", "base64", "gzip"}},
		"a word that is base64":   {"word", "word", nil},
		"nothing":                 {"", "", nil},
		"only padding":            {" \n\x00\x00", "", nil},
		"compressed padding":      {testkit.Gzip("\n"), "", []string{"gzip"}},
	} {
		got, encodings, err := Unpack([]byte(c.text), "c")
		if err != nil || string(got) != c.want || !slices.Equal(encodings, c.encodings) {
			t.Errorf("%s: got %q, %v, %v", name, got, encodings, err)
		}
	}
}

func TestConfigsThatCannotBeUnpacked(t *testing.T) {
	deep := plainConfig
	for range maxEncodings + 1 {
		deep = testkit.Gzip(deep)
	}
	half := testkit.Gzip("secret " + plainConfig)
	for name, c := range map[string]struct{ text, want string }{
		"half a gzip":       {half[:len(half)/2], "c: this is gzip that cannot be unpacked: it ends too early; pack it again"},
		"gzip's checksum":   {half[:len(half)-6] + "xxxxxx", "cannot be unpacked: its checksum is wrong"},
		"more after a gzip": {half + "junk, more junk", "cannot be unpacked: it does not begin like gzip"},
		"too deep":          {deep, "it is packed more than 4 times: gzip, gzip, gzip, gzip"},
	} {
		_, _, err := Unpack([]byte(c.text), "c")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestLimitOfUnpacking(t *testing.T) {
	LowerLimit(Limit{1 << 20, "a quarter of the 4 MiB of memory that are available (somebody says so)"})
	t.Cleanup(func() { lowered.Store(nil) })
	const want = "c: this is gzip that cannot be unpacked: it has more than 1 MiB, which is a quarter of the 4 MiB of memory that are available (somebody says so); have the config refer to large contents by their URL"
	if _, _, err := Unpack([]byte(testkit.Gzip(strings.Repeat("a", 1<<20+1))), "c"); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if plain, _, err := Unpack([]byte(testkit.Gzip(strings.Repeat("a", 1<<20))), "c"); err != nil || len(plain) != 1<<20 || cap(plain) > 1<<20+2048 {
		t.Errorf("got %d bytes (%d), %v", len(plain), cap(plain), err)
	}
}

func TestGzipBombDoesNotFillMemory(t *testing.T) {
	if testing.Short() {
		return
	}
	var before, after runtime.MemStats
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeroes := make([]byte, 1<<20)
	for range MaxSize>>20 + 1 {
		w.Write(zeroes)
	}
	w.Close()
	runtime.ReadMemStats(&before)
	if _, _, err := Unpack(b.Bytes(), "c"); err == nil || !strings.Contains(err.Error(), "it has more than 256 MiB") {
		t.Error(err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes of memory", after.TotalAlloc-before.TotalAlloc)
	}
}

// utf16 is the text with a NUL after each character, or before it.
func utf16(text string, big bool) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if big {
			b.WriteByte(0)
		}
		b.WriteByte(c)
		if !big {
			b.WriteByte(0)
		}
	}
	return b.String()
}

func TestWhatIsNoConfigIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfe" + utf16(plainConfig, false):                 "this is UTF-16, and no config; save it as UTF-8",
		"\xfe\xff" + utf16(plainConfig, true):                  "this is UTF-16",
		utf16(plainConfig, false):                              "this is UTF-16",
		utf16(plainConfig, true):                               "this is UTF-16",
		testkit.Base64("\xff\xfe" + utf16(plainConfig, false)): "this is UTF-16",
		"\n<!DOCTYPE html>\n<html><body>Log in</body>":         "this is a web page, and no config; a login, a proxy or an error",
		"<HTML><head>": "this is a web page",
		"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\">\n<html xmlns=\"y\">": "this is a web page",
		"<!-- 1 -->\n<html>": "this is a web page",
		"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code>":   "this is XML, and no config; if it is the answer of a server",
		"<?xml version=\"1.0\"?>\n<!DOCTYPE profile>\n<profile>": "this is a profile for AutoYaST",
		"#cloud-config\nusers: []":                               "this is a cloud-config for cloud-init, and no config; give the machine an Ignition or Butane config",
		"\ufeff#cloud-config\r\nusers: []":                       "this is a cloud-config",
		"#cloud-config\nstorage:\n  x: y\n":                      "this is a cloud-config",
		"write_files:\n- path: /a\n":                             "this is a cloud-config",
		testkit.Base64("#!/bin/sh\nreboot"):                      "this is a script",
		"#!/bin/sh\nreboot":                                      "this is a script, and no config",
		"#!/bin/sh\ncat <<E\nvariant: fcos\nE":                   "this is a script, and no config",
		"#!/bin/bash\n# combustion: network\n":                   "this is a script for combustion",
		"Content-Type: multipart/mixed; boundary=x\n\n--x":       "a multi-part archive for cloud-init",
		"HTTP/1.1 200 OK\r\n\r\n{}":                              "the answer of a web server with its headers",
		"404 page not found\n":                                   "this is the error of a web server, and no config; a login, a proxy or an error",
		"Not Found":                                              "this is the error of a web server",
		"MIME-Version: 1.0\n":                                    "a multi-part archive for cloud-init",
		"#include\nhttps://x\n":                                  "a list of URLs for cloud-init",
		"## template: jinja\n":                                   "a template for cloud-init",
		"<powershell>\n":                                         "a script for Windows",
		testkit.Gzip("#cloud-config\n"):                          "a cloud-config",
		"#version=RHEL9\n%packages\n":                            "a kickstart",
		"-----BEGIN CERTIFICATE-----\nx":                         "a key or certificate in PEM form",
		"-----BEGIN AGE ENCRYPTED FILE-----\nx":                  "encrypted with age",
		"age-encryption.org/v1\n-> X25519 x":                     "encrypted with age",
		"\xfd7zXZ\x00\x00":                                       "this is compressed with xz, and no config; only gzip is unpacked",
		"\x28\xb5\x2f\xfd\x00":                                   "this is compressed with zstd",
		"PK\x03\x04\x14":                                         "a zip archive",
		testkit.Base64(plainConfig)[:20] + "!":                   "base64 that is broken or cut off, and no config; pack it again",
		"https://example.com/a.ign\n":                            "this is a URL, and no config",
		"[Unit]\nDescription=a\n":                                "TOML, or a unit of systemd",
		"apiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfig\nspec:\n  config:\n    ignition: {version: 3.2.0}\n": "this is a MachineConfig, for the Machine Config Operator, and no config; the config in it is at spec.config",
		`{"apiVersion": "machineconfiguration.openshift.io/v1", "kind": "MachineConfig", "spec": {}}`:                               "this is a MachineConfig",
		"apiVersion: v1\nkind: Secret\n":                          "an object of Kubernetes",
		"systemd:\n  units:\n    - name: a\n      enable: true\n": "this is a Container Linux Config, and no config; translate it with ct",
		"etcd:\n  name: a\n":                                      "this is a Container Linux Config",
	} {
		checkNamed(t, text, want, Origin{Source: "c"})
	}
}

func TestTemplatesThatWereNotFilledInAreNamed(t *testing.T) {
	const want = "this is a template that was not filled in"
	for text, column := range map[string]int{
		`{"ignition": {"version": "3.4.0"}, "a": {{ .A }}}`:             42,
		`{"ignition": {"version": "3.4.0"}, "a": ${A}}`:                 41,
		`{"ignition": {"version": "3.4.0"}, "a": %{ if b }1%{ endif }}`: 41,
		`{"ignition": {"version": "3.4.0"}, "a": <no value>}`:           41,
		`{"ignition": {"version": "3.4.0"}, {% if b %} "a": 1}`:         36,
		`{"ignition": {"version": "${VERSION}"}}`:                       26,
		`{"ignition": {"version": "{{ version }}"}}`:                    26,
		`{{ template "a" }}`:                             2,
		`{"ignition": {"version": "3.4.0"}}` + "${rest}": 35,
	} {
		checkNamed(t, text, want, Origin{Source: "c", Line: 1, Column: column})
	}
}

func checkNamed(t *testing.T, text, want string, at Origin) {
	t.Helper()
	plain, _, err := Unpack([]byte(text), "c")
	if err != nil {
		t.Errorf("%q: %v", text, err)
		return
	}
	_, problems, err := Parse(plain, "c")
	if err == nil || len(problems) != 1 {
		t.Errorf("%q: got %v, %v", text, problems, err)
		return
	}
	p := problems[0]
	p.Origin.Path = ""
	if !strings.Contains(p.Message, want) || p.Origin != at {
		t.Errorf("%q: got %v, want %s at %v", text, p, want, at)
	}
}

func TestMistakesKeepTheirOwnMessages(t *testing.T) {
	for text, want := range map[string]string{
		`{"ignition": {"version": "3.4.0"}, "systemd": {"units": [{"name": "a", "contents": "x ${A} {{ b }} apiVersion: 1"}] "b"}}`: "a comma or '}' is expected here",
		`{"ignition": {"version": "3.4.0"`: "the text ends too early",
		`{"ignition": {}, "a": "${b}"}`:    "there is no ignition.version",
		"words":                            "this is not valid JSON",
	} {
		if _, _, err := Parse([]byte(text), "c"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestParseSaysThatAConfigIsPacked(t *testing.T) {
	if _, _, err := Parse([]byte(testkit.Gzip(plainConfig)), "c"); err == nil || !strings.Contains(err.Error(), "c: this is a config that is packed with gzip") {
		t.Error(err)
	}
	if _, _, err := Parse([]byte(testkit.Gzip(plainConfig)[:20]), "c"); err == nil || !strings.Contains(err.Error(), "c: this is gzip that cannot be unpacked: it ends too early") {
		t.Error(err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte(plainConfig))
	f.Add([]byte(testkit.WrappedBase64(testkit.Gzip(plainConfig))))
	f.Add([]byte("\xff\xfe" + utf16(plainConfig, false)))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, encodings, err := Unpack(text, "")
		if err == nil && (len(encodings) > maxEncodings || !bytes.Equal(got, clean(got))) {
			t.Errorf("%q, %v", got, encodings)
		}
	})
}
