package config

import (
	"fmt"
	"testing"
)

func TestNeedsNetwork(t *testing.T) {
	file := func(source string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"` + source + `"}}]}`
	}
	luks := func(clevis string) string {
		return `"storage":{"luks":[{"name":"a","device":"/d","clevis":{` + clevis + `}}]}`
	}
	for _, c := range []struct{ text, want string }{
		{``, "[]"},
		{file(""), "[]"},
		{file("data:,x"), "[]"},
		{file("http://x"), "[storage.files[0].contents.source]"},
		{file("tftp://x/y"), "[storage.files[0].contents.source]"},
		{file("s3://x/y"), "[storage.files[0].contents.source]"},
		{file("arn:aws:s3:::b/k"), "[storage.files[0].contents.source]"},
		{`"storage":{"files":[{"path":"/a","append":[{"source":"data:,"},{"source":"gs://b/o"}]}]}`, "[storage.files[0].append[1].source]"},
		{`"storage":{"luks":[{"name":"a","device":"/d","keyFile":{"source":"https://x"}}]}`, "[storage.luks[0].keyFile.source]"},
		{`"ignition":{$V,"config":{"merge":[{"source":"http://a"}],"replace":{"source":"http://b"}},"security":{"tls":{"certificateAuthorities":[{"source":"http://c"}]}}}`,
			"[ignition.config.replace.source ignition.config.merge[0].source ignition.security.tls.certificateAuthorities[0].source]"},
		{luks(`"tang":[{"url":"http://t","thumbprint":"x"}]`), "[storage.luks[0].clevis.tang[0].url]"},
		{luks(`"tang":[{"url":"http://t","thumbprint":"x","advertisement":""}]`), "[storage.luks[0].clevis.tang[0].url]"},
		{luks(`"tang":[{"url":"http://t","thumbprint":"x","advertisement":"{}"}]`), "[]"},
		{luks(`"custom":{"pin":"p","config":"{}","needsNetwork":true}`), "[storage.luks[0].clevis.custom.needsNetwork]"},
		{luks(`"custom":{"pin":"tang","config":"{}"}`), "[]"},
		{luks(`"tpm2":true`), "[]"},
		{`"ignition":{$V,"proxy":{"httpProxy":"http://p"}}`, "[]"},
	} {
		var paths []string
		for _, o := range parsed(t, Newest, c.text).NeedsNetwork() {
			paths = append(paths, o.Path)
		}
		if got := fmt.Sprint(paths); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestIsRemote(t *testing.T) {
	for source, want := range map[string]bool{"": false, "data:,": false, "http://x": true, "HTTP:x": true, "data": true, "x/data:": true} {
		if IsRemote(source) != want {
			t.Errorf("%q: %v, want %v", source, !want, want)
		}
	}
}
