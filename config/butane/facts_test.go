package butane

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func firstlightDocument(keys string) []byte {
	return []byte("variant: firstlight\nversion: 1.0.0\nfacts: true\n" + keys)
}

func TestFactsStayInTheTranslatedConfig(t *testing.T) {
	for keys, want := range map[string]string{
		"": `{"ignition":{"version":"3.6.0+firstlight.1"},"firstlight":{"facts":true}}`,
		// contents
		"storage: {files: [{path: '/a-${fact:region}', when: {platform: aws}, contents: {inline: \"a ${fact:hostname}\\n$${fact:x} ${HOME}\"}}]}": `{"path":"/a-${fact:region}","contents":{"source":"data:,a%20${fact:hostname}%0A%24%7Bfact%3Ax%7D%20%24%7BHOME%7D","compression":""},"when":{"platform":"aws"}}`,
		"storage: {files: [{path: /a, contents: {inline: '$${fact:x}'}}]}":                                                                        `"source":"data:,%24%7Bfact%3Ax%7D"`,
		"storage: {files: [{path: /a, contents: {local: script}}]}":                                                                               `"source":"data:,%24%7Bfact%3Ahostname%7D%0A"`,
		"storage: {files: [{path: /a, contents: {source: 'https://h/${fact:hostname}'}}]}":                                                        `"source":"https://h/${fact:hostname}"`,
		"systemd: {units: [{name: a.service, contents_local: script, when: {zone: z}}]}":                                                          `{"name":"a.service","contents":"$${fact:hostname}\n","when":{"zone":"z"}}`,
		"systemd: {units: [{name: a.service, dropins: [{name: a.conf, when: {zone: z}}]}]}":                                                       `"dropins":[{"name":"a.conf","when":{"zone":"z"}}]`,
		// what entries are made into has their condition
		"storage: {filesystems: [{device: /dev/vdb, format: ext4, path: /var/x, with_mount_unit: true, when: {zone: z}}]}":                                                      `RequiredBy=local-fs.target","enabled":true,"when":{"zone":"z"}}`,
		"storage: {disks: [{as: data, match: {serial: '${fact:serial}'}, when: {zone: z}}], filesystems: [{device: /dev/firstlight/data, format: xfs, wipe_filesystem: true}]}": `"firstlight":{"disks":[{"as":"data","match":{"serial":"${fact:serial}"},"when":{"zone":"z"}}],"facts":true}`,
		"storage: {disks: [{as: data, match: {serial: a}, wipe_table: true, when: {zone: z}}]}":                                                                                 `"disks":[{"device":"/dev/firstlight/data","wipeTable":true,"when":{"zone":"z"}}]`,
	} {
		r, problems, err := Translate(firstlightDocument(keys), "a.bu", Options{Files: fstest.MapFS{"script": {Data: []byte("${fact:hostname}\n")}}})
		if err != nil {
			t.Errorf("%s: %v", keys, problems)
			continue
		}
		testkit.Contains(t, keys, string(r.JSON), want)
	}
}

func TestFactsInWhatABootCannotFillIn(t *testing.T) {
	for keys, want := range map[string]string{
		"storage: {filesystems: [{device: /dev/vdb, format: ext4, path: '/var/${fact:hostname}', with_mount_unit: true}]}": "with_mount_unit makes a unit whose name follows from the path, which is known only when a machine boots",
		"storage: {files: [{path: /a, contents: {inline: \"\\0${fact:hostname}\"}}]}":                                      "a fact cannot be put into contents with a NUL character",
		"storage: {files: [{path: /a, contents: {inline: '${fact:host}'}}]}":                                               `there is no fact "host"; there are`,
		"storage: {files: [{path: /a, when: {hostnam: a}}]}":                                                               `"hostnam" is not a key of firstlight 1.0.0 here and has no effect; did you mean "hostname"?`,
	} {
		_, problems, err := Translate(firstlightDocument(keys), "a.bu", Options{})
		if err == nil || !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%s: got %v, want %s", keys, problems, want)
		}
	}
}

// Only the variant firstlight has them.
func TestOtherVariantsHaveNoFacts(t *testing.T) {
	r, problems, err := Translate([]byte("variant: fcos\nversion: 1.7.0\nfacts: true\nstorage: {files: [{path: /a, when: {zone: z}, contents: {inline: '${fact:hostname}'}}]}"), "a.bu", Options{})
	testkit.NoError(t, err)
	testkit.Contains(t, "problems", fmt.Sprint(problems), `"facts" is a key of firstlight`, `"when" is a key of firstlight`)
	testkit.Equal(t, "config", string(r.JSON), `{"ignition":{"version":"3.6.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,%24%7Bfact%3Ahostname%7D","compression":""}}]}}`)
}
