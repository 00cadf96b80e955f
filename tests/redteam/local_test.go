package redteam_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/canary"
)

// Files of the workstation that a Butane config includes: what is wrong with them is
// said without their contents.
func TestLocalFilesAreNotShown(t *testing.T) {
	dir := t.TempDir()
	program := buildCtl(t, dir)
	b := canary.Birds{}
	for name, text := range map[string]string{
		"files/secret":         b.Word("file"),
		"files/broken.ign":     `{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core", "passwordHash": "` + b.Word("broken config") + `}]}}`,
		"files/no config":      b.Word("no config") + ": [",
		"files/other.ign":      `{"ignition": {"version": "3.4.0"}, "passwd": {"password": "` + b.Word("other key") + `", "users": [{"name": "core", "passwordHash": ["` + b.Word("list") + `"]}]}}`,
		"files/other.bu":       "variant: fcos\nversion: 1.5.0\npasswd:\n  users:\n    - name: core\n      password_hash: {a: " + b.Word("local Butane") + "}\n",
		"files/keys":           "-----BEGIN OPENSSH PRIVATE KEY-----\n" + b.Word("private key") + "\n",
		"files/unit":           "[Service]\nEnvironment=" + b.Word("unit") + "\n[Instal\nWantedBy\n",
		"files/tree/secret":    b.Word("file of a tree"),
		"files/tree/etc/p.pem": "-----BEGIN PRIVATE KEY-----\n" + b.Word("key of a tree") + "\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "files/tree/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{
		"storage:\n  files:\n    - path: /a\n      contents:\n        local: secret\n        compression: xz\n",
		"storage:\n  files:\n    - path: /a\n      contents:\n        local: secret\n        verification: {hash: sha256-00}\n",
		"storage:\n  files:\n    - path: a\n      contents: {local: secret}\n      append: [{local: keys}, {local: none}]\n",
		"storage:\n  trees:\n    - local: tree\n      path: /\n",
		"storage:\n  trees:\n    - local: tree\n    - local: secret\n",
		"storage:\n  luks:\n    - name: a\n      device: b\n      key_file: {local: secret}\n",
		"ignition:\n  config:\n    merge:\n      - local: broken.ign\n      - local: no config\n      - local: other.ign\n      - local: other.bu\n",
		"ignition:\n  config:\n    replace: {local: broken.ign}\n  security:\n    tls:\n      certificate_authorities:\n        - local: secret\n",
		"passwd:\n  users:\n    - name: core\n      ssh_authorized_keys_local: [keys, secret]\n",
		"systemd:\n  units:\n    - name: a.service\n      enabled: true\n      contents_local: unit\n      dropins:\n        - name: x.conf\n          contents_local: unit\n    - name: b\n      contents_local: unit\n",
		"passwd:\n  users:\n    - name: core\n      password_hash_local: secret\n",
	} {
		if i%4 != 0 && everyMistake() != 1 {
			continue
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			file := filepath.Join(dir, fmt.Sprintf("%d.bu", i))
			if err := os.WriteFile(file, []byte("variant: fcos\nversion: 1.5.0\n"+body), 0o600); err != nil {
				t.Fatal(err)
			}
			const local = "--files-dir=files"
			var commands [][]string
			for _, format := range []string{"text", "json", "sarif", "github"} {
				commands = append(commands, []string{program, "validate", "--strict", local, "--format=" + format, file})
			}
			for _, c := range append(commands, []string{program, "plan", file}, []string{program, "translate", local, file}, []string{program, "pack", local, file},
				[]string{filepath.Join(dir, "butane"), "--strict", local, file}, []string{filepath.Join(dir, "butane"), local, "--output=/dev/full", file},
				[]string{filepath.Join(dir, "ignition-validate"), file}, []string{program, "apply", "--root=none", file}) {
				cmd := exec.Command(c[0], c[1:]...)
				cmd.Dir = dir
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, _ := cmd.Output() // it fails as a rule
				text := stderr.String()
				if c[1] == "validate" || c[1] == "plan" || c[1] == "apply" {
					text += string(out) // what is not the config
				}
				if strings.Contains(text, "unknown flag") || strings.Contains(text, "unknown command") {
					t.Errorf("%q: %s", c, text)
				}
				b.None(t, strings.Join(c[1:], " "), []byte(text))
			}
		})
	}
}
