package butane_test

import (
	"encoding/json"
	"fmt"
	"testing/fstest"

	"github.com/firstlight-os/firstlight/config/butane"
)

func ExampleTranslate() {
	text := []byte(`variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/motd
      mode: 0644
      contents: {local: motd}
`)
	files := fstest.MapFS{"motd": {Data: []byte("hi")}} // or os.DirFS
	result, problems, err := butane.Translate(text, "web1.bu", butane.Options{Files: files})
	if err != nil {
		fmt.Println(problems)
		return
	}
	fmt.Println(string(result.JSON))
	// Output:
	// {"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/etc/motd","contents":{"source":"data:,hi","compression":""},"mode":420}]}}
}

// A Terraform provider merges a document and its snippets, and prints the version of the
// spec that the documents are translated to.
func ExampleMerge() {
	cfg, problems, err := butane.Merge(butane.Options{},
		butane.Document{Name: "content", Text: []byte("variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: core, groups: [wheel]}]}\n")},
		butane.Document{Name: "snippets[0]", Text: []byte("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/hostname, contents: {inline: web1}}]}\n")},
	)
	if err != nil {
		fmt.Println(problems)
		return
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {"ignition":{"version":"3.4.0"},"passwd":{"users":[{"name":"core","groups":["wheel"]}]},"storage":{"files":[{"path":"/etc/hostname","contents":{"source":"data:,web1","compression":""}}]}}
}
