package butane

import (
	"encoding/base64"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config"
)

func TestArchivesOfTheVariantFirstlight(t *testing.T) {
	const tarball = "\x1f\x8b\xff\xfe\xfd\xfc no real archive"
	files := fstest.MapFS{"app.tar.gz": {Data: []byte(tarball)}}
	for name, c := range map[string]struct{ text, want string }{
		"all keys": {
			"storage: {absent: [/etc/motd], archives: [{path: /opt/app, contents: {source: 'https://host/a', verification: {hash: sha256-" + zeros + "}}, format: tar.gz, strip: 1, user: {name: app}, group: {id: 7}, overwrite: true, allow_setuid: true}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"absent":["/etc/motd"],"archives":[{"path":"/opt/app","contents":{"source":"https://host/a","verification":{"hash":"sha256-` + zeros + `"}},` +
				`"format":"tar.gz","strip":1,"user":{"name":"app"},"group":{"id":7},"overwrite":true,"allowSetuid":true}]}}`},
		"a local file": {
			"storage: {archives: [{path: /opt/app, format: tar.gz, contents: {local: app.tar.gz}}]}",
			`{"ignition":{"version":"3.6.0+firstlight.1"},"storage":{"archives":[{"path":"/opt/app","contents":{"source":"data:;base64,` +
				base64.StdEncoding.EncodeToString([]byte(tarball)) + `","compression":""},"format":"tar.gz"}]}}`},
	} {
		result, problems, err := Translate(document("firstlight 1.0.0", c.text), "test", Options{Files: files})
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %s", name, err, problems)
			continue
		}
		if got := string(result.JSON); !sameJSON(t, got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	_, problems, err := Translate(document("fcos 1.6.0", "storage: {absent: [/etc/motd]}"), "test", Options{})
	if err != nil || len(problems) != 1 || problems[0].Severity != config.Warning {
		t.Errorf("in another variant: %v, %v", problems, err)
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
