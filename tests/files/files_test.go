package files_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/sandbox"
)

// server answers with the path that it was asked for; /none does not exist. No
// request is answered before there were so many at a time.
func server(t *testing.T, atATime int32) (url string) {
	t.Helper()
	var requests atomic.Int32
	enough := make(chan struct{})
	release := sync.OnceFunc(func() { close(enough) })
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) >= atATime {
			release()
		}
		select {
		case <-enough:
		case <-r.Context().Done():
		}
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
			return
		}
		if path.Ext(r.URL.Path) == ".gz" {
			w.Write(archive())
			return
		}
		fmt.Fprint(w, r.URL.Path)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(release)
	return srv.URL
}

// archive is a tar.gz with nodes of all kinds, for an existing directory etc as well.
func archive() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range []tar.Header{{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "etc/app.conf", Mode: 0o640, Gid: 50}, {Name: "sub/", Typeflag: tar.TypeDir, Mode: 0o2750, Uid: 500, Gid: 500},
		{Name: "sub/a", Mode: 0o755, Uid: 500}, {Name: "sub/b", Typeflag: tar.TypeLink, Linkname: "sub/a"}, {Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"}, {Name: "deep/er/x", Mode: 0o600}} {
		h.ModTime = time.Unix(1_500_000_000, 0)
		if h.Typeflag == 0 {
			h.Size = int64(len(h.Name))
		}
		err := w.WriteHeader(&h)
		if h.Typeflag == 0 && err == nil {
			_, err = io.WriteString(w, h.Name)
		}
		if err != nil {
			panic(err) // the header is a wrong one
		}
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestMachineBecomesWhatWasAskedFor(t *testing.T) {
	m := newMachine(t)
	url := server(t, 4)
	var files []string
	for i := range 100 {
		files = append(files, fmt.Sprintf(`{"path": "/srv/remote/%d", "mode": 416, "contents": {"source": "%s/%d"}}`, i, url, i))
	}
	m.boot(sections(`"passwd": {"groups": [{"name": "staff", "gid": 500}], "users": [{"name": "core", "groups": ["wheel"], "sshAuthorizedKeys": ["ssh-ed25519 AAA"]}]},
		"storage": {"files": [` + strings.Join(files, ",") + `,
			{"path": "/srv/own", "mode": 2541, "user": {"name": "core"}, "group": {"name": "staff"}, "contents": {"source": "data:,x"}},
			{"path": "/etc/motd", "append": [{"source": "data:,%21"}]}],
		"directories": [{"path": "/srv/dir", "mode": 1023}],
		"links": [{"path": "/srv/soft", "target": "../etc/motd"}, {"path": "/srv/hard", "target": "/srv/own", "hard": true}]},
		"systemd": {"units": [{"name": "x.service", "enabled": true, "contents": "[Unit]\n"}, {"name": "y.service", "mask": true}]}`))
	m.must()
	for i := range 100 {
		if got := m.read(fmt.Sprintf("root/srv/remote/%d", i)); got != fmt.Sprintf("/%d", i) {
			t.Errorf("file %d holds %q", i, got)
		}
	}
	tree := m.tree()
	for _, want := range []string{
		"srv/own urwxr-xr-x 1000:500 links 2 \"x\"", "srv/hard urwxr-xr-x 1000:500 links 2", "srv/dir dtrwxrwxrwx 0:0", "srv/soft Lrwxrwxrwx 0:0 links 1 -> ../etc/motd",
		"etc/motd -rw-r--r-- 0:0 links 1 \"welcome!\"", "home/core/.ssh/authorized_keys.d/ignition -rw------- 1000:1000", "home/core/.rc -rw-r--r-- 1000:1000",
		"etc/systemd/system/y.service Lrwxrwxrwx 0:0 links 1 -> /dev/null", `20-ignition.preset -rw-r--r-- 0:0 links 1 "enable x.service\n"`,
	} {
		if !strings.Contains(tree, want) {
			t.Errorf("%q is not in\n%s", want, tree)
		}
	}
	m.nothingLeft()
}

// A file on a filesystem that has no room: a clear error, its own exit status,
// and nothing under the final name.
func TestFilesystemsThatTakeNoData(t *testing.T) {
	url := server(t, 0)
	big := strings.Repeat("x", 200_000)
	for name, c := range map[string]struct {
		options string
		flags   uintptr
		source  string
		words   []string
	}{
		"full":                {"size=64k", 0, "data:," + big, []string{"no space left on device", "0 of 64 KiB free", "a temporary file of ours holds 64 KiB of it", "make the filesystem larger"}},
		"full while fetching": {"size=64k", 0, url + "/" + big[:100_000], []string{"no space left on device", "0 of 64 KiB free", "a temporary file of ours holds 64 KiB of it", "make the filesystem larger"}},
		"no inodes":           {"nr_inodes=1", 0, "data:,x", []string{"no space left on device", "free and 0 of 1 inodes", "out of inodes"}},
		"no inodes, a server": {"nr_inodes=1", 0, url + "/x", []string{"no space left on device", "free and 0 of 1 inodes", "out of inodes"}},
		"read-only":           {"", unix.MS_RDONLY, "data:,x", []string{"read-only file system", "kernel argument rw"}},
		"read-only, a server": {"", unix.MS_RDONLY, url + "/x", []string{"read-only file system", "kernel argument rw"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.mount("data", c.options, c.flags)
			m.boot(sections(`"storage": {"files": [{"path": "/data/file", "contents": {"source": "` + c.source + `"}}]}`))
			m.fails(6, append(c.words, "/data/file", "a filesystem is full, read-only or broken", "storage.files[0]")...)
			if m.exists("root/data/file") {
				t.Error("there is a file under the final name")
			}
		})
	}
}

func TestExitStatusTellsWhatKindOfCauseItWas(t *testing.T) {
	url := server(t, 0)
	for name, c := range map[string]struct {
		config string
		status int
		words  []string
	}{
		"conflict": {`"storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,x"}}]}`, 4,
			[]string{"there already is a file of 7 bytes", "the config has to be fixed"}},
		"not found": {`"storage": {"files": [{"path": "/f", "contents": {"source": "` + url + `/none"}}]}`, 5,
			[]string{"404 Not Found", "it cannot fetch what it needs", "check the URL"}},
		"hash": {`"storage": {"files": [{"path": "/f", "contents": {"source": "` + url + `/x", "verification": {"hash": "sha256-` + strings.Repeat("0", 64) + `"}}}]}`, 5,
			[]string{"hash"}},
		"missing group": {`"passwd": {"users": [{"name": "core", "shell": "/bin/sh", "groups": ["wheel", "nobody-knows-it"]}]}`, 4,
			[]string{`user "core": the group "nobody-knows-it" is none that this system has`, "passwd.users[0].groups[1]", "add it to passwd.groups"}},
		"program": {`"passwd": {"users": [{"name": "core", "homeDir": "/etc/motd/core"}]}`, 7,
			[]string{"useradd", "/etc/motd/core", "a helper program has failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.boot(sections(c.config))
			m.fails(c.status, c.words...)
		})
	}
	t.Run("missing program", func(t *testing.T) {
		m := newMachine(t)
		m.boot(sections(`"passwd": {"users": [{"name": "core"}]}`))
		m.env = append(m.env, "PATH=/nowhere")
		m.fails(7, "the program useradd is not in this initramfs")
	})
}

func TestOverwrittenFileStaysUntilTheNewContentsAreWhole(t *testing.T) {
	m := newMachine(t)
	url := server(t, 0)
	m.boot(sections(`"storage": {"files": [{"path": "/etc/motd", "overwrite": true, "contents": {"source": "` + url + `/none"}}]}`))
	m.fails(5, "writing file /etc/motd")
	if got := m.read("root/etc/motd"); got != "welcome" {
		t.Errorf("it holds %q", got)
	}
}

func TestConsoleHearsWhatASlowServerKeepsWaiting(t *testing.T) {
	m := newMachine(t)
	heard := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-heard:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	m.boot(sections(`"storage": {"files": [{"path": "/f", "contents": {"source": "` + srv.URL + `/f"}}]}`))
	want := "WARNING  : files: fetching files: 0 of 1 are here, 0.0 MB, 0.00 MB/s; waiting for " + srv.URL + "/f ("
	log := &testkit.Output{On: map[string]func(){want: func() { close(heard) }}}
	stage := m.stage("files")
	stage.Stdout, stage.Stderr = log, log
	if err := stage.Run(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if !strings.Contains(log.String(), want) {
		t.Errorf("%q is not in\n%s", want, log)
	}
}

// setfiles gets a list of just what was written.
func TestLabelsAreSetOnlyOnWhatWasWritten(t *testing.T) {
	m := newMachine(t)
	m.write("root/etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=targeted\n")
	m.write("root/opt/there/already", "")
	m.write("bin/setfiles", "#!/bin/sh\necho \"$@\" >"+m.path("arguments")+"\ntr '\\0' '\\n' >>"+m.path("paths")+"\n")
	if err := os.Chmod(m.path("bin/setfiles"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.env = append(m.env, "PATH="+m.path("bin")+":"+os.Getenv("PATH"))
	m.boot(sections(`"storage": {"files": [{"path": "/opt/there/new"}, {"path": "/srv/deep/down/f"}], "links": [{"path": "/etc/l", "target": "x"}]}`))
	m.must()
	root := m.path("root")
	if got, want := m.read("arguments"), fmt.Sprintf("-vF0 -r %s %s/etc/selinux/targeted/contexts/files/file_contexts -f -\n", root, root); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	record, err := filepath.Glob(root + "/" + records + "*")
	if err != nil || len(record) != 1 {
		t.Fatalf("the records are %q: %v", record, err)
	}
	want := strings.Join([]string{root + "/etc/.ignition-result.json", root + "/etc/l", root + "/opt/there/new", root + "/srv", root + "/etc/.provisioning-ledger.json", record[0], ""}, "\n")
	if got := m.read("paths"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Links that an image may hold, by mistake or by malice.
func TestLinksNeverLeadOutside(t *testing.T) {
	for name, links := range map[string]map[string]string{
		"absolute":      {"a": "OUTSIDE"},
		"relative":      {"a": "../../../../../../../../OUTSIDE"},
		"chain":         {"a": "/b", "b": "/OUTSIDE"},
		"chain of two":  {"a": "/b", "b": "c/../d", "c/x": "y", "d": "/OUTSIDE"},
		"through /proc": {"a": "/proc/self/root/OUTSIDE"},
		"loop":          {"a": "/b", "b": "/a"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			outside := m.path("outside")
			if err := os.Mkdir(outside, 0o755); err != nil {
				t.Fatal(err)
			}
			for link, target := range links {
				at := m.path("root/" + link)
				if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
					t.Fatal(err)
				}
				target = strings.ReplaceAll(strings.Replace(target, "/OUTSIDE", outside, 1), "OUTSIDE", outside)
				if err := os.Symlink(target, at); err != nil {
					t.Fatal(err)
				}
			}
			url := server(t, 0)
			m.boot(sections(`"storage": {"files": [{"path": "/a/inline", "contents": {"source": "data:,x"}}, {"path": "/a/remote", "contents": {"source": "` + url + `/x"}}],
				"directories": [{"path": "/a/dir"}], "links": [{"path": "/a/link", "target": "x"}]}`))
			if status, log, report := m.files(); name == "loop" && (status != 4 || !strings.Contains(report, "symbolic links lead in a circle")) || name != "loop" && status != 0 {
				t.Errorf("status %d\n%s", status, log)
			}
			if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
				t.Errorf("outside there are %v, %v", entries, err)
			}
		})
	}
}

// A second process exchanges a directory with a link that leads outside, again
// and again, while the agent writes below it.
func TestSwappedDirectoriesNeverLeadOutside(t *testing.T) {
	for round := range 10 {
		m := newMachine(t)
		outside := m.path("outside")
		if err := os.MkdirAll(outside+"/sub", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(m.path("root/a/sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, m.path("root/evil")); err != nil {
			t.Fatal(err)
		}
		var files []string
		for i := range 200 {
			files = append(files, fmt.Sprintf(`{"path": "/a/sub/%d/f", "contents": {"source": "data:,x"}}`, i))
		}
		m.boot(sections(`"storage": {"files": [` + strings.Join(files, ",") + "]}"))
		stop := make(chan struct{})
		swaps := make(chan int)
		go func() {
			n := 0
			for {
				select {
				case <-stop:
					swaps <- n
					return
				default:
				}
				if unix.Renameat2(unix.AT_FDCWD, m.path("root/a"), unix.AT_FDCWD, m.path("root/evil"), unix.RENAME_EXCHANGE) == nil {
					n++
				}
			}
		}()
		m.files() // it may fail, and must not harm
		close(stop)
		if n := <-swaps; n < 10 {
			t.Errorf("round %d: only %d swaps while the agent wrote", round, n)
		}
		inside, err := os.ReadDir(outside + "/sub")
		if err != nil || len(inside) > 0 {
			t.Fatalf("round %d: outside there are %d nodes, %v", round, len(inside), err)
		}
		if top, err := os.ReadDir(outside); err != nil || len(top) != 1 {
			t.Fatalf("round %d: outside there are %v, %v", round, top, err)
		}
	}
}

func TestImagesForContainers(t *testing.T) {
	m := newMachine(t)
	program := m.path("ignition-apply")
	if err := os.Symlink(sandbox.Agent(), program); err != nil {
		t.Fatal(err)
	}
	m.write("image.ign", sections(`"storage": {"files": [{"path": "/etc/new", "contents": {"source": "data:,x"}}]}`))
	c := m.stage("files")
	c.Path, c.Args = program, []string{"ignition-apply", "--root=" + m.path("root"), "--offline", m.path("image.ign")}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if m.read("root/etc/new") != "x" || m.exists("root/etc/.ignition-result.json") || m.exists("run") {
		t.Error("it did too little, or too much")
	}
}
