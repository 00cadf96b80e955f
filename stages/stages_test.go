package stages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A bench is a machine's /run, image directories and root in a directory.
type bench struct {
	t    *testing.T
	dir  string
	log  bytes.Buffer
	opts Options
}

func newBench(t *testing.T, cfg string) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	for variable, sub := range map[string]string{
		"IGNITION_SYSTEM_RUNTIME_CONFIG_DIR": "image/run", "IGNITION_SYSTEM_LOCAL_CONFIG_DIR": "image/etc",
		"IGNITION_SYSTEM_CONFIG_DIR": "image/usr", "IGNITION_KERNEL_CMDLINE_PATH": "cmdline", "IGNITION_CONFIG_FILE": "user.ign",
	} {
		t.Setenv(variable, b.path(sub))
	}
	b.write("cmdline", "quiet\n")
	b.write("user.ign", cfg)
	b.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	b.write("root/etc/group", "root:x:0:\n")
	platform, err := providers.ByID("file")
	if err != nil {
		t.Fatal(err)
	}
	b.opts = Options{Platform: platform, Root: b.path("root"), ConfigCache: b.path("run/ignition.json"), StateFile: b.path("run/ignition/state"),
		NeedNet: b.path("run/ignition/neednet"), SystemdSocket: b.path("no systemd"), FetchTimeout: 2 * time.Second, Log: report.NewWriterLogger(&b.log)}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bench) run(stage string) error {
	b.t.Helper()
	b.opts.Stage = stage
	return Run(context.Background(), b.opts)
}

// must runs stages that should succeed.
func (b *bench) must(names ...string) {
	b.t.Helper()
	for _, name := range names {
		if err := b.run(name); err != nil {
			b.t.Fatalf("%s: %v\n%s", name, err, &b.log)
		}
	}
}

// fails runs a stage that should fail, and looks for words in its report.
func (b *bench) fails(stage string, words ...string) {
	b.t.Helper()
	if err := b.run(stage); err == nil {
		b.t.Fatalf("%s succeeded", stage)
	}
	text := unboxed(b.read("run/ignition/report.txt"))
	for _, w := range append(words, "stage "+stage) {
		if !strings.Contains(text, w) {
			b.t.Errorf("%q is not in the report:\n%s", w, text)
		}
	}
}

// unboxed is the report in one line.
func unboxed(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("|", " ", "\n", " ").Replace(text)), " ")
}

const version = `"ignition": {"version": "3.4.0"}`

func server(t *testing.T, pages map[string]string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(page))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestLocalConfigNeedsNoNetwork(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hi"}}]}}`)
	b.must("fetch-offline")
	if system.Exists(b.opts.NeedNet) {
		t.Error("the network was asked for")
	}
	if !strings.Contains(b.read("run/ignition.json"), `"version":"3.7.0-experimental"`) {
		t.Errorf("the cache is %s", b.read("run/ignition.json"))
	}
	b.must("kargs", "disks", "mount", "files", "umount")
	if got := b.read("root/etc/motd"); got != "hi" {
		t.Errorf("motd is %q", got)
	}
	var result struct{ UserConfigProvided bool }
	if err := json.Unmarshal([]byte(b.read("root/etc/.ignition-result.json")), &result); err != nil || !result.UserConfigProvided {
		t.Errorf("result file: %+v, %v", result, err)
	}
}

func TestRemoteContentsBringTheNetworkUpButKeepTheCache(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/x", "contents": {"source": "http://h/x"}}]}}`)
	b.must("fetch-offline")
	if !system.Exists(b.opts.NeedNet) || !system.Exists(b.opts.ConfigCache) {
		t.Error("neednet and cache should both be there")
	}
}

func TestRemoteConfigIsLeftToFetch(t *testing.T) {
	url := server(t, map[string]string{"/c.ign": `{` + version + `, "storage": {"files": [{"path": "/etc/from-url"}]}}`})
	b := newBench(t, "")
	b.write("cmdline", "ignition.config.url="+url+"/c.ign\n")
	b.must("fetch-offline")
	if !system.Exists(b.opts.NeedNet) || system.Exists(b.opts.ConfigCache) {
		t.Fatal("there should be neednet and no cache")
	}
	b.must("fetch")
	if !strings.Contains(b.read("run/ignition.json"), "/etc/from-url") {
		t.Errorf("the cache is %s", b.read("run/ignition.json"))
	}
	var state map[string]any
	if err := json.Unmarshal([]byte(b.read("run/ignition/state")), &state); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"fetchedConfigs", "luksPersistKeyFiles", "notatedDirectories", "providerOutputFiles", "luksPersistVolumeKeyFiles"} {
		if _, ok := state[key]; !ok {
			t.Errorf("the state has no %s", key)
		}
	}
	if !strings.Contains(b.log.String(), `fetched user config from "cmdline"`) {
		t.Errorf("the log does not say where the config came from:\n%s", &b.log)
	}
}

func TestReferencedConfigsAreMergedDepthFirst(t *testing.T) {
	file := func(path, text string) string {
		return `{"path": "` + path + `", "contents": {"source": "data:,` + text + `"}}`
	}
	pages := map[string]string{}
	url := server(t, pages)
	pages["/c1"] = `{"ignition": {"version": "3.0.0", "config": {"merge": [{"source": "` + url + `/g"}]}}, "storage": {"files": [` + file("/a", "c1") + `,` + file("/b", "c1") + `]}}`
	pages["/g"] = `{"ignition": {"version": "3.6.0"}, "storage": {"files": [` + file("/b", "g") + `]}}`
	pages["/c2"] = `{"ignition": {"version": "3.2.0"}, "storage": {"files": [` + file("/c", "c2") + `]}}`
	b := newBench(t, "")
	b.write("user.ign", `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "`+url+`/c1"}, {"source": "`+url+`/c2"}]}}, "storage": {"files": [`+file("/a", "root")+`,`+file("/c", "root")+`,`+file("/d", "root")+`]}}`)
	b.must("fetch")
	cfg := b.cachedConfig()
	got := map[string]string{}
	for _, f := range cfg.Storage.Files {
		got[f.Path] = *f.Contents.Source + " from " + f.Origin("contents", "source").Source
	}
	for path, want := range map[string]string{"/a": "data:,c1 from config from " + url + "/c1", "/b": "data:,g from config from " + url + "/g",
		"/c": "data:,c2 from config from " + url + "/c2", "/d": "data:,root from user config (" + b.path("user.ign") + ")"} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
}

// cachedConfig is the config as later stages see it.
func (b *bench) cachedConfig() *config.Config {
	b.t.Helper()
	cfg, err := config.Load([]byte(b.read("run/ignition.json")), []byte(b.read("run/ignition/origins")), "cache")
	if err != nil {
		b.t.Fatal(err)
	}
	return cfg
}

func TestReplaceDropsTheConfigThatNamesIt(t *testing.T) {
	url := server(t, map[string]string{"/r": `{` + version + `, "storage": {"files": [{"path": "/new"}]}}`})
	b := newBench(t, `{"ignition": {"version": "3.4.0", "config": {"replace": {"source": "`+url+`/r"}}}, "storage": {"files": [{"path": "/old"}]}}`)
	b.must("fetch")
	if cfg := b.cachedConfig(); len(cfg.Storage.Files) != 1 || cfg.Storage.Files[0].Path != "/new" {
		t.Errorf("got %+v", cfg.Storage)
	}
}

func TestConfigsThatCannotBeUsedStopTheBoot(t *testing.T) {
	url := server(t, map[string]string{"/empty": "", "/bad.bu": "variant: fcos\nversion: 1.7.0\nstorage: 5\n", "/bad": "{\n \"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": 5}"})
	merge := func(source string) string {
		return `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + source + `"}]}}}`
	}
	for name, tc := range map[string]struct {
		cfg   string
		words []string
	}{
		"not JSON":         {"{\n  \"ignition\": {\n", []string{"the config has to be fixed", "operation reading the user config", "this is not valid JSON", "line 3, column 1"}},
		"cloud-config":     {"#cloud-config\n", []string{"the config has to be fixed", "this is a cloud-config for cloud-init, and no config"}},
		"wrong Butane":     {"variant: fcos\nversion: 1.7.0\nstorage:\n  files:\n  - path: motd\n", []string{"the config has to be fixed", "line 5, column 11 (storage.files[0].path)", `the path "motd" is not absolute`}},
		"Butane's mistake": {"variant: fcos\nversion: 1.7.0\nstorage:\n  filesystems:\n  - {device: /dev/vdb, path: /var, with_mount_unit: true}\n", []string{"line 5, column 5 (storage.filesystems[0].format)", "the format is missing; the mount unit needs it"}},
		"bad YAML":         {"variant: fcos\nversion: 1.7.0\nstorage: {\n", []string{"this is not valid YAML", "line 3, column 10"}},
		"local file":       {"variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /a, contents: {local: a}}]}\n", []string{"A machine that reads this config itself has none", "storage.files[0].contents.local"}},
		"MachineConfig":    {"variant: openshift\nversion: 4.14.0\nmetadata: {name: a, labels: {machineconfiguration.openshift.io/role: b}}\n", []string{"the variant openshift makes a MachineConfig"}},
		"Butane child":     {merge(url + "/bad.bu"), []string{"config from " + url + "/bad.bu, line 3, column 10 (storage)", "this is a number, but a mapping is expected"}},
		"old version":      {`{"ignition": {"version": "2.2.0"}}`, []string{`version "2.2.0" is of spec 2, another language than spec 3`, "line 1, column 26 (ignition.version)", `translate it where it is made, with "firstlightctl translate"`, "SPEC2=translate in /usr/lib/ignition/distribution.conf"}},
		"empty child":      {merge(url + "/empty"), []string{"the config is empty", "put a config there", "(ignition.config.merge[0].source)"}},
		"bad child":        {merge(url + "/bad"), []string{"an object is expected", "config from " + url + "/bad, line 3, column 13"}},
		"missing child":    {merge(url + "/none"), []string{"fetching " + url + "/none", "404 Not Found", "line 1, column 67"}},
		"no certificate": {`{"ignition": {"version": "3.4.0", "security": {"tls": {"certificateAuthorities": [{"source": "data:,hello"}]}}}}`, []string{"the config has to be fixed",
			"there is no certificate in it", "line 1, column 94 (ignition.security.tls.certificateAuthorities[0].source)", "the source must be one or more certificates in PEM form"}},
		"file that was never packed": {`{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:,plain", "compression": "gzip"}}]}}`, []string{"the config has to be fixed",
			"are not compressed with gzip", "remove compression, or compress them", "line 1, column 126 (storage.files[0].contents.compression)"}},
		"child that was never packed": {`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:,x", "compression": "gzip"}]}}}`, []string{"the config has to be fixed",
			"the config says that it is compressed with gzip", "remove compression from the config, or compress the contents with gzip"}},
		"child of bad hash": {`{"ignition": {"version": "3.4.0", "config": {"replace": {"source": "` + url + `/bad", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}}}`, []string{"the sha256 of what was fetched"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.cfg)
			b.fails("fetch", tc.words...)
			if system.Exists(b.opts.ConfigCache) {
				t.Error("there is a cache")
			}
		})
	}
}

func TestButaneIsReadWhereJSONIs(t *testing.T) {
	url := server(t, map[string]string{"/c": "variant: fcos\nversion: 1.7.0\nstorage:\n  files:\n  - {path: /b, contents: {inline: b}}\n"})
	b := newBench(t, "variant: flatcar\nversion: 1.1.0\nignition: {config: {merge: [{source: '"+url+"/c'}]}}\nstorage:\n  files:\n  - {path: /a, contents: {inline: a}}\n")
	b.must("fetch", "files")
	if a, bee := b.read("root/a"), b.read("root/b"); a != "a" || bee != "b" {
		t.Errorf("the files have %q and %q", a, bee)
	}
	if at := b.cachedConfig().Storage.Files[1].Origin("verification", "hash").Path; at != "storage.files[0].verification.hash" {
		t.Errorf("the cache says %s", at)
	}
	if at := b.cachedConfig().Storage.Files[1].Origin("path").String(); at != "config from "+url+"/c, line 5, column 12 (storage.files[0].path)" {
		t.Errorf("the cache says %s", at)
	}
}

func TestConfigsAreUnpackedWhereverTheyComeFrom(t *testing.T) {
	file := func(path string) string {
		return `{` + version + `, "storage": {"files": [{"path": "` + path + `", "contents": {"source": "data:,x"}}]}}`
	}
	packed := map[string]func(string) string{
		"gzip":            testkit.Gzip,
		"gzip in base64":  func(text string) string { return base64.StdEncoding.EncodeToString([]byte(testkit.Gzip(text))) + "\n" },
		"byte-order mark": func(text string) string { return "\ufeff" + text },
		"NULs":            func(text string) string { return "\x00" + text + "\x00\x00" },
	}
	for name, pack := range packed {
		t.Run(name, func(t *testing.T) {
			child := pack(file("/child"))
			sum := sha256.Sum256([]byte(child)) // of the bytes as they are fetched
			url := server(t, map[string]string{"/child": child, "/user": pack(`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:;base64,` +
				base64.StdEncoding.EncodeToString([]byte(pack(file("/inline")))) + `"}]}}}`)})
			b := newBench(t, "")
			b.write("image/usr/base.d/00.ign", pack(file("/base")))
			b.write("image/usr/user.ign", pack(`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "`+url+`/child", "verification": {"hash": "sha256-`+hex.EncodeToString(sum[:])+`"}}, {"source": "`+url+`/user"}]}}}`))
			b.must("fetch", "files")
			for _, path := range []string{"base", "child", "inline"} {
				if b.read("root/"+path) != "x" {
					t.Errorf("there is no /%s", path)
				}
			}
			b = newBench(t, "")
			b.write("cmdline", "ignition.config.url="+url+"/child\n")
			b.must("fetch", "files")
			if b.read("root/child") != "x" {
				t.Error("the config of the kernel command line was lost")
			}
			a, log := application(t, pack(file("/child")))
			if err := Apply(t.Context(), a); err != nil {
				t.Errorf("%v\n%s", err, log)
			}
		})
	}
}

func TestAnswersThatAreNoConfigAreNamed(t *testing.T) {
	const page = "<!DOCTYPE html>\n<html><body>Log in</body></html>\n"
	url := server(t, map[string]string{"/page": page, "/half": testkit.Gzip(page)[:20]})
	merge := func(path string) string {
		return `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + url + path + `"}]}}}`
	}
	newBench(t, merge("/page")).fails("fetch", "the config has to be fixed", "this is a web page, and no config", "config from "+url+"/page")
	newBench(t, merge("/half")).fails("fetch", "the config has to be fixed", "this is gzip that cannot be unpacked: it ends too early", "config from "+url+"/half")
	b := newBench(t, "")
	b.write("cmdline", "ignition.config.url="+url+"/page\n")
	b.fails("fetch", "this is a web page", url+"/page from the kernel command line")
	b = newBench(t, `{`+version+`}`)
	b.write("image/usr/base.d/00.ign", page)
	b.fails("fetch", "this is a web page", "base config", "the image is broken")
}

func TestConfigsInACircleAreRefused(t *testing.T) {
	b := newBench(t, "")
	var url string
	pages := map[string]string{}
	url = server(t, pages)
	pages["/a"] = `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + url + `/b"}]}}}`
	pages["/b"] = `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "` + url + `/a"}]}}}`
	b.write("user.ign", strings.Replace(pages["/a"], "/b", "/a", 1))
	b.fails("fetch", "the configs refer to each other in a circle", "/a -> "+url+"/b -> "+url+"/a")
}

func TestConfigsWithoutAnEndAreRefused(t *testing.T) {
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 2*config.MaxDepth {
			http.NotFound(w, r) // so that the test has an end
			return
		}
		fmt.Fprintf(w, `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "http://%s/%d"}]}}}`, r.Host, n)
	}))
	defer srv.Close()
	b := newBench(t, `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "`+srv.URL+`/0"}]}}}`)
	b.fails("fetch", "more than 50 deep", srv.URL+"/0 -> "+srv.URL+"/1", "(43 others)", srv.URL+"/50", "remove one of these references")
}

func TestBaseConfigsCannotRefer(t *testing.T) {
	b := newBench(t, `{`+version+`}`)
	b.write("image/usr/base.d/00.ign", `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "http://h/x"}]}}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:,base"}}]}}`)
	b.must("fetch-offline", "files")
	if system.Exists(b.opts.NeedNet) {
		t.Error("the network was asked for")
	}
	if b.read("root/a") != "base" {
		t.Error("the rest of the base config was lost")
	}
}

func TestFetchSettingsOfReferencedConfigs(t *testing.T) {
	// The slow page comes after three seconds; whoever has a limit gives up.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
			fallthrough
		case "/plain":
			io.WriteString(w, `{`+version+`}`)
		case "/limited":
			io.WriteString(w, `{"ignition": {"version": "3.4.0", "timeouts": {"httpTotal": 2}}}`)
		}
	}))
	t.Cleanup(srv.Close)
	root := func(refs, more string) string {
		return `{"ignition": {"version": "3.4.0"` + more + `, "config": {` + strings.ReplaceAll(refs, "URL", srv.URL) + `}}}`
	}
	for name, tc := range map[string]struct {
		cfg  string
		fail bool
	}{
		"a limit holds for what is merged": {root(`"merge": [{"source": "URL/slow"}]`, `, "timeouts": {"httpTotal": 2}`), true},
		"a child's holds for its siblings": {root(`"merge": [{"source": "URL/limited"}, {"source": "URL/slow"}]`, ""), true},
		"none is no limit":                 {root(`"merge": [{"source": "URL/plain"}, {"source": "URL/slow"}]`, ""), false},
		"a replacing config sets its own":  {root(`"replace": {"source": "URL/plain"}`, `, "timeouts": {"httpTotal": 2}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tc.cfg)
			if err := b.run("fetch"); (err != nil) != tc.fail {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBaseConfigsLieUnderTheUsersButNotInTheCache(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/etc/b", "contents": {"source": "data:,user"}}]}}`)
	b.write("image/usr/base.d/00.ign", `{`+version+`, "storage": {"files": [{"path": "/etc/a", "contents": {"source": "data:,base"}}, {"path": "/etc/b", "mode": 384, "contents": {"source": "data:,base"}}]}}`)
	b.must("fetch-offline", "files")
	if strings.Contains(b.read("run/ignition.json"), "/etc/a") {
		t.Error("the base config is in the cache")
	}
	if a, bb := b.read("root/etc/a"), b.read("root/etc/b"); a != "base" || bb != "user" {
		t.Errorf("files are %q and %q", a, bb)
	}
	if info, _ := os.Stat(b.path("root/etc/b")); info.Mode() != 0o600 {
		t.Errorf("mode %v: what the user does not set is the base's", info.Mode())
	}
}

func TestBrokenBaseConfigIsTheImagesFault(t *testing.T) {
	b := newBench(t, "")
	b.write("image/usr/base.d/00.ign", "")
	b.fails("fetch-offline", "reading a base config of the image", "00.ign", "the config is empty")
}

func TestNoConfigAtAll(t *testing.T) {
	b := newBench(t, "")
	b.must("fetch-offline", "kargs", "disks", "mount", "files", "umount")
	if !strings.Contains(b.read("root/etc/.ignition-result.json"), `"userConfigProvided": false`) {
		t.Errorf("result: %s", b.read("root/etc/.ignition-result.json"))
	}
}

func TestLaterStagesNeedTheCache(t *testing.T) {
	b := newBench(t, "")
	b.fails("disks", "operation reading the cached config", "fetch-offline and fetch has to run before")
	b.write("run/ignition.json", "{}")
	b.fails("disks", "there is no ignition.version", "the fetch stages write", "anew")
	var damaged *StateError
	if err := b.run("disks"); !errors.As(err, &damaged) || report.KindOf(err) != report.KindOf(io.EOF) {
		t.Errorf("got %v of kind %v, want a damaged state and not a broken config", err, report.KindOf(err))
	}
	b.write("run/ignition.json", `{"ignition":{"version":"3.6.0"}}`)
	b.write("run/ignition/origins", "\xff\xff")
	b.fails("disks", "the stored origins do not belong to the stored config")
}

func TestDamagedStateHasItsOwnError(t *testing.T) {
	b := newBench(t, "")
	b.write("run/ignition/state", "{")
	err := b.run("fetch-offline")
	var state *StateError
	if !errors.As(err, &state) {
		t.Errorf("got %v", err)
	}
}

func TestKernelArgumentsGoToTheHelper(t *testing.T) {
	b := newBench(t, `{`+version+`, "kernelArguments": {"shouldExist": ["a b", "c"], "shouldNotExist": ["d"]}}`)
	b.write("bin/ignition-kargs-helper", "#!/bin/sh\nfor a; do echo \"$a\" >> "+b.path("called")+"; done\n")
	os.Chmod(b.path("bin/ignition-kargs-helper"), 0o755)
	t.Setenv("PATH", b.path("bin")+":"+os.Getenv("PATH"))
	b.must("fetch-offline", "kargs")
	want := []string{"--should-exist", "a b", "--should-exist", "c", "--should-not-exist", "d"}
	if got := strings.Split(strings.TrimSpace(b.read("called")), "\n"); !slices.Equal(got, want) {
		t.Errorf("called with %q", got)
	}
	b.write("bin/ignition-kargs-helper", "#!/bin/sh\necho cannot change them >&2; exit 1\n")
	b.fails("kargs", "operation setting kernel arguments", "cannot change them", "(kernelArguments)")
}

func TestFailureOfAStageNamesLineAndColumnFromTheCache(t *testing.T) {
	url := server(t, nil)
	b := newBench(t, "{"+version+",\n \"storage\": {\n  \"files\": [\n   {\"path\": \"/etc/x\",\n    \"contents\": {\"source\": \""+url+"/none\"}}]}}")
	b.must("fetch-offline")
	b.fails("files", "/etc/x", "404 Not Found", "line 5, column 28 (storage.files[0].contents.source)")
	var last report.Stage
	lines := strings.Split(strings.TrimSpace(b.read("run/ignition/report.json")), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	want := config.Origin{Source: "user config (" + b.path("user.ign") + ")", Line: 5, Column: 28, Path: "storage.files[0].contents.source"}
	if last.Stage != "files" || len(last.Problems) != 1 || last.Problems[0].Origin != want {
		t.Errorf("the report for machines is %s", lines[len(lines)-1])
	}
}

func TestAuthoritiesAreCachedWithTheConfig(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("by TLS")) }))
	defer srv.Close()
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	cas := server(t, map[string]string{"/ca": bundle})
	b := newBench(t, `{"ignition": {"version": "3.4.0", "security": {"tls": {"certificateAuthorities": [{"source": "`+cas+`/ca", "httpHeaders": [{"name": "a", "value": "b"}]}]}}},
		"storage": {"files": [{"path": "/etc/x", "contents": {"source": "`+srv.URL+`"}}]}}`)
	b.must("fetch", "files")
	if b.read("root/etc/x") != "by TLS" {
		t.Error("wrong contents")
	}
	ca := b.cachedConfig().Ignition.Security.TLS.CertificateAuthorities[0]
	if want := "data:text/plain;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(bundle)); *ca.Source != want || len(ca.HTTPHeaders) > 0 {
		t.Errorf("the cache has %s", b.read("run/ignition.json"))
	}
}

func TestAllRunsTheStagesInOrder(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,all"}}]}}`)
	b.must(All)
	if b.read("root/etc/motd") != "all" {
		t.Error("no motd")
	}
	var ran []string
	for line := range strings.Lines(b.read("run/ignition/report.json")) {
		var s report.Stage
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		ran = append(ran, s.Stage)
	}
	if want := []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"}; !slices.Equal(ran, want) {
		t.Errorf("ran %v", ran)
	}
}

func TestAllUnmountsAfterAFailure(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/etc/passwd", "contents": {"source": "data:,x"}}]}}`)
	if err := b.run(All); err == nil {
		t.Fatal("it succeeded")
	}
	if log := b.log.String(); !strings.Contains(log, "files: Ignition failed") || !strings.HasSuffix(log, "umount: Ignition finished successfully\n") {
		t.Errorf("the log ends without umount:\n%s", log)
	}
}

func TestSecretsOfTheConfigAreNotInLogOrReport(t *testing.T) {
	b := newBench(t, `{`+version+`, "passwd": {"users": [{"name": "u", "passwordHash": "hunter2"}]},
		"storage": {"files": [{"path": "/etc/key", "contents": {"source": "data:,hunter2"}}, {"path": "/etc/passwd", "contents": {"source": "data:,hunter2"}}]}}`)
	b.must("fetch-offline")
	b.fails("files", "/etc/passwd")
	said := b.log.String() + b.read("run/ignition/report.txt") + b.read("run/ignition/report.json")
	if strings.Contains(said, "hunter2") {
		t.Errorf("a secret is in\n%s", said)
	}
}
