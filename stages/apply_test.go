package stages

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// application applies a config to an empty tree.
func application(t *testing.T, text string) (ApplyOptions, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	t.Setenv("container", "")
	return ApplyOptions{Text: []byte(text), Name: "image.bu", Root: t.TempDir(), Log: report.NewWriterLogger(&log)}, &log
}

func TestApplyMakesTheTree(t *testing.T) {
	child := server(t, map[string]string{"/child.ign": "{" + version + `, "storage": {"files": [{"path": "/etc/child", "contents": {"source": "data:,c"}}]}}`, "/remote": "far"})
	a, log := application(t, `variant: fcos
version: 1.6.0
ignition: {config: {merge: [{source: "`+child+`/child.ign"}]}}
storage:
  directories: [{path: /srv/d, mode: 0700}]
  files:
  - {path: /etc/f, mode: 0600, contents: {inline: hello}}
  - {path: /etc/r, contents: {source: "`+child+`/remote"}}
  links: [{path: /etc/l, target: f}]
systemd: {units: [{name: x.service, enabled: true, contents: "[Install]\nWantedBy=a.target\n"}]}
`)
	for range 2 {
		if err := os.RemoveAll(a.Root); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(a.Root, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := Apply(context.Background(), a); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
	}
	var nodes []string
	filepath.WalkDir(a.Root, func(name string, e os.DirEntry, _ error) error {
		if rel, _ := filepath.Rel(a.Root, name); !e.IsDir() {
			nodes = append(nodes, rel)
		}
		return nil
	})
	want := []string{"etc/child", "etc/f", "etc/l", "etc/r", "etc/systemd/system/x.service", "etc/systemd/system-preset/20-ignition.preset"}
	if !slices.Equal(nodes, want) {
		t.Errorf("there are\n%v\nwant\n%v", nodes, want)
	}
	if text, err := os.ReadFile(filepath.Join(a.Root, "etc/r")); err != nil || string(text) != "far" {
		t.Errorf("got %q, %v", text, err)
	}
}

// Archives pass through the real client: its hash, its compression, and a server.
func TestApplyUnpacksArchives(t *testing.T) {
	body := tarball(t, map[string]string{"app-1/bin/app": "app", "app-1/etc/conf": "theirs"})
	packed := testkit.Gzip(body)
	srv := server(t, map[string]string{"/app.tar.gz": packed, "/app.tar": body})
	sum := func(text string) string { return fmt.Sprintf("sha256-%x", sha256.Sum256([]byte(text))) }
	for name, c := range map[string]struct{ contents, format, want string }{
		"compressed":                          {"source: " + srv + "/app.tar.gz, verification: {hash: " + sum(packed) + "}", "tar.gz", ""},
		"a compressed resource":               {"source: " + srv + "/app.tar.gz, compression: gzip, verification: {hash: " + sum(body) + "}", "tar", ""},
		"plain":                               {"source: " + srv + "/app.tar", "tar", ""},
		"in the config":                       {"source: \"data:;base64," + testkit.Base64(packed) + "\"", "tar.gz", ""},
		"another hash":                        {"source: " + srv + "/app.tar.gz, verification: {hash: " + sum("x") + "}", "tar.gz", "the sha256 of what was fetched is not the one in the config"},
		"no archive, but the hash of another": {"source: " + srv + "/app.tar.gz, verification: {hash: " + sum("x") + "}", "tar", "the sha256 of what was fetched is not the one in the config"},
		"another format":                      {"source: " + srv + "/app.tar", "tar.gz", "it is not compressed with gzip"},
		"another format, in the config":       {"source: \"data:;base64," + testkit.Base64(packed) + "\"", "tar", "it is compressed with gzip, which the config does not say"},
		"nothing there":                       {"source: " + srv + "/none", "tar", "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			a, log := application(t, "variant: firstlight\nversion: 1.0.0\nstorage:\n  archives:\n  - {path: /opt/app, strip: 1, format: "+c.format+", contents: {"+c.contents+"}}\n"+
				"  files:\n  - {path: /opt/app/etc/conf, contents: {inline: ours}}\n")
			err := Apply(context.Background(), a)
			if c.want != "" {
				testkit.ErrorContains(t, "applying", err, c.want)
				if _, err := os.Stat(filepath.Join(a.Root, "opt/app/bin")); err == nil {
					t.Error("something was unpacked")
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			testkit.Equal(t, "the program", testkit.ReadFile(t, filepath.Join(a.Root, "opt/app/bin/app")), "app")
			testkit.Equal(t, "the config's file", testkit.ReadFile(t, filepath.Join(a.Root, "opt/app/etc/conf")), "ours")
		})
	}
}

// tarball is an archive of files, which belong to whoever runs this.
func tarball(t *testing.T, files map[string]string) string {
	t.Helper()
	var b strings.Builder
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		testkit.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Uid: os.Getuid(), Gid: os.Getgid()}))
		_, err := io.WriteString(w, files[name])
		testkit.NoError(t, err)
	}
	testkit.NoError(t, w.Close())
	return b.String()
}

// all sections that only machines can have
const forMachines = "{" + version + `, "kernelArguments": {"shouldExist": ["quiet"]},
	"passwd": {"users": [{"name": "core"}]},
	"storage": {"disks": [{"device": "/dev/vda", "wipeTable": true}], "raid": [{"name": "r", "level": "raid1", "devices": ["/dev/a", "/dev/b"]}],
		"luks": [{"name": "l", "device": "/dev/vdb"}], "filesystems": [{"device": "/dev/vdc", "format": "ext4", "path": "/f"}],
		"directories": [{"path": "/f", "overwrite": true}], "files": [{"path": "/f/x", "contents": {"source": "data:,x"}}]}}`

func TestApplyRefusesAllThatATreeCannotHave(t *testing.T) {
	a, _ := application(t, forMachines)
	text := unboxed(report.Box("apply", Apply(context.Background(), a)))
	for _, want := range []string{"problem 6 ", "kernel arguments cannot be applied to a tree", "partitions cannot", "RAID arrays cannot", "LUKS volumes cannot",
		"filesystems cannot", "users and groups cannot", "or set --ignore-unsupported", "storage.disks"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	a.IgnoreUnsupported = true
	if err := Apply(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(a.Root, "f/x")); err != nil {
		t.Error(err)
	}
}

func TestApplyOfflineReportsWhatNeedsTheNetwork(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"contents": {"{" + version + `, "storage": {"files": [{"path": "/a", "contents": {"source": "https://h/a"}}, {"path": "/b", "contents": {"source": "tftp://h/b"}}]}}`,
			"problem 2 "},
		"config": {"{" + `"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "https://h/c"}]}}}`, "fetching https://h/c"},
	} {
		a, _ := application(t, c.config)
		a.Offline = true
		text := unboxed(report.Box("apply", Apply(context.Background(), a)))
		if !strings.Contains(text, c.want) || !strings.Contains(text, "this needs the network") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestApplyRefusesTheRunningSystem(t *testing.T) {
	a, _ := application(t, "{"+version+"}")
	if system.Exists("/run/.containerenv") || system.Exists("/.dockerenv") {
		t.Log("this is a container, so that / may be written")
		return
	}
	link := filepath.Join(a.Root, "slash")
	if err := os.Symlink("/", link); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{"/", "/../", link} {
		a.Root = root
		if err := Apply(context.Background(), a); err == nil || !strings.Contains(err.Error(), "this is not a container") {
			t.Errorf("%s: %v", root, err)
		}
	}
	t.Setenv("container", "oci")
	if err := refuseHost("/"); err != nil {
		t.Errorf("in a container: %v", err)
	}
}

func TestApplyToNoDirectory(t *testing.T) {
	a, _ := application(t, "{"+version+"}")
	a.Root = filepath.Join(a.Root, "missing")
	if err := Apply(context.Background(), a); err == nil || !strings.Contains(err.Error(), "missing: no such file or directory") {
		t.Error(err)
	}
}
