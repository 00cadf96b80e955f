package files

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// archives is a Fetcher of archives by their names: data:,NAME and https://host/NAME.
type archives map[string][]byte

func (a archives) Fetch(ctx context.Context, r config.Resource, w io.Writer) error {
	_, name, _ := strings.Cut(*r.Source, ",")
	if host, remote := strings.CutPrefix(*r.Source, "https://host/"); remote {
		name = host
	}
	body, known := a[name]
	if !known {
		return dataFetcher{}.Fetch(ctx, r, w)
	}
	// As from a network, a few bytes at a time.
	sum := sha256.New()
	for len(body) > 0 && ctx.Err() == nil {
		n := min(len(body), 1000)
		sum.Write(body[:n])
		if _, err := w.Write(body[:n]); err != nil {
			return fmt.Errorf("fetching: %w", err)
		}
		body = body[n:]
	}
	if want := config.ValueOr(r.Verification.Hash, ""); want != "" && want != fmt.Sprintf("sha256-%x", sum.Sum(nil)) {
		return errors.New("it has another hash")
	}
	return ctx.Err()
}

// tarOf is an archive of headers; those of files have Linkname as contents.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		contents := ""
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			contents, h.Linkname, h.Size = h.Linkname, "", int64(len(h.Linkname))
		}
		if h.Mode == 0 && h.Name != "" {
			h.Mode = 0o755
		}
		if os.Getuid() != 0 && h.Name != "" {
			h.Uid, h.Gid = os.Getuid(), os.Getgid()
		}
		testkit.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, contents)
		testkit.NoError(t, err)
	}
	testkit.NoError(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, body []byte) []byte {
	t.Helper()
	return []byte(testkit.Gzip(string(body)))
}

func tarDir(name string, mode int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode}
}
func tarFile(name, contents string) tar.Header { return tar.Header{Name: name, Linkname: contents} }
func tarLink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
}
func tarHardLink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}
}

// withArchive is a fixture whose Fetcher has one archive, at data:,a and https://host/a.
func withArchive(t *testing.T, headers ...tar.Header) *fixture {
	w := newFixture(t)
	w.Config = "digest"
	w.Fetch = archives{"a": tarOf(t, headers...)}
	return w
}

const (
	inlineArchive = `{"path": "/opt/app", "format": "tar", "contents": {"source": "data:,a"}}`
	remoteArchive = `{"path": "/opt/app", "format": "tar", "contents": {"source": "https://host/a"}}`
)

// unpack is a config with archives and other members of storage.
func unpackConfig(archives string, others ...string) string {
	return `"storage": {` + strings.Join(append(others, `"archives": [`+archives+`]`), ",") + `}`
}

func TestArchiveIsUnpacked(t *testing.T) {
	when := time.Date(2020, 1, 2, 3, 4, 5, 600, time.UTC)
	uid, gid := testOwner()
	h := func(h tar.Header) tar.Header {
		h.ModTime, h.Format = when, tar.FormatPAX
		h.Uid, h.Gid = uid, gid
		return h
	}
	long := strings.Repeat("n", 255)
	body := tarOf(t, h(tarDir("./", 0o750)), h(tarDir("bin/", 0o2755)), h(tarFile("bin/app", "app")), h(tarLink("bin/run", "../../x")), h(tarLink("abs", "/etc/passwd")),
		h(tarHardLink("bin/same", "bin/app")), h(tarFile("no/dir/listed", "x")), h(tarDir("empty", 0o700)), h(tarFile("twice", "first")), h(tarFile("twice", "second")), h(tarFile(long, "long")))
	for name, c := range map[string]struct {
		archive string
		body    []byte
	}{
		"in the config":       {inlineArchive, body},
		"over the network":    {remoteArchive, body},
		"compressed":          {`{"path": "/opt/app", "format": "tar.gz", "contents": {"source": "https://host/a"}}`, gzipped(t, body)},
		"with its hash":       {fmt.Sprintf(`{"path": "/opt/app", "format": "tar", "contents": {"source": "https://host/a", "verification": {"hash": "sha256-%x"}}}`, sha256.Sum256(body)), body},
		"with more after it":  {remoteArchive, append(bytes.Clone(body), make([]byte, 1<<16)...)},
		"without a real end":  {remoteArchive, body[:len(body)-1024]},
		"into a new deep one": {strings.ReplaceAll(remoteArchive, "/opt/app", "/opt/app"), body},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.Fetch = archives{"a": c.body}
			w.mustApply(unpackConfig(c.archive))
			for name, text := range map[string]string{"bin/app": "app", "bin/same": "app", "no/dir/listed": "x", "twice": "second", long: "long"} {
				w.wantText("opt/app/"+name, text)
			}
			w.wantLink("opt/app/bin/run", "../../x")
			w.wantLink("opt/app/abs", "/etc/passwd")
			w.wantMode("opt", 0o755)
			w.wantMode("opt/app", 0o750)
			w.wantMode("opt/app/bin", 0o2755)
			w.wantMode("opt/app/bin/app", 0o755)
			w.wantMode("opt/app/no/dir", 0o755)
			w.wantMode("opt/app/empty", 0o700)
			for _, name := range []string{"", "/bin", "/bin/app", "/bin/run", "/empty"} {
				w.wantOwner("opt/app"+name, uid, gid)
				if st := w.stat("opt/app" + name); time.Unix(st.Mtim.Unix()).UTC() != when {
					t.Errorf("%s was changed at %v, want %v", name, time.Unix(st.Mtim.Unix()).UTC(), when)
				}
			}
			if w.stat("opt/app/bin/app").Ino != w.stat("opt/app/bin/same").Ino {
				t.Error("the hard link is another file")
			}
			w.wantOwner("opt/app/no", os.Getuid(), os.Getgid())
		})
	}
}

func TestArchiveStripOwnerAndTarget(t *testing.T) {
	uid, gid := testOwner()
	w := withArchive(t, tarDir("app-1.2/", 0o711), tarFile("README", "left out"), tarFile("app-1.2/bin/app", "app"), tarHardLink("app-1.2/same", "app-1.2/bin/app"), tarFile("./app-1.2/x", "x"))
	w.mkdir("var/opt")
	w.symlink("var/opt", "opt")
	w.mustApply(unpackConfig(fmt.Sprintf(`{"path": "/opt/app", "format": "tar", "strip": 1, "contents": {"source": "https://host/a"}, "user": {"id": %d}, "group": {"id": %d}}`, uid, gid)))
	w.wantText("var/opt/app/bin/app", "app")
	w.wantText("var/opt/app/same", "app")
	w.wantText("var/opt/app/x", "x")
	w.wantMode("var/opt/app", 0o711)
	w.wantMode("var/opt", 0o755)
	if w.exists("var/opt/app/README") || w.exists("var/opt/app/app-1.2") {
		t.Error("what strip leaves out is there")
	}
	for _, name := range []string{"", "/bin", "/bin/app", "/x"} {
		w.wantOwner("var/opt/app"+name, uid, gid)
	}
}

// A user of the config has its number only when it is made.
func TestArchiveBelongsToAUserOfTheConfig(t *testing.T) {
	if _, err := exec.LookPath("useradd"); err != nil || os.Getuid() != 0 {
		t.Log("there is no useradd here, or no right to use it; TestRealAccounts says more")
		return
	}
	w := withArchive(t, tarFile("x", "x"))
	w.Tree.Run = system.Exec{Log: w.Tree.Log}
	for name, text := range map[string]string{"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/shadow": "root:*:19000:0:99999:7:::\n", "etc/group": "root:x:0:\n", "etc/gshadow": "root:*::\n",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\nCREATE_HOME no\n"} {
		w.write(name, text)
	}
	w.mustApply(`"passwd": {"users": [{"name": "app", "uid": 1777}]},` +
		unpackConfig(`{"path": "/home/app/x", "format": "tar", "contents": {"source": "https://host/a"}, "user": {"name": "app"}, "group": {"name": "app"}}`))
	w.wantOwner("home/app/x", 1777, 1777)
	w.wantOwner("home/app/x/x", 1777, 1777)
}

// What is there already stays, and what the archive has is added.
func TestArchiveIsAddedToADirectory(t *testing.T) {
	w := withArchive(t, tarDir(".", 0o700), tarDir("etc", 0o700), tarFile("etc/new", "new"), tarFile("top", "top"), tarDir("sub", 0o711), tarFile("sub/x", "x"))
	w.write("opt/app/etc/old", "old")
	w.mustApply(unpackConfig(remoteArchive))
	for name, text := range map[string]string{"etc/old": "old", "etc/new": "new", "top": "top", "sub/x": "x"} {
		w.wantText("opt/app/"+name, text)
	}
	w.wantMode("opt/app", 0o755)
	w.wantMode("opt/app/etc", 0o755)
	w.wantMode("opt/app/sub", 0o711)
}

func TestArchiveMayFollowALinkOfTheImageAtItsPath(t *testing.T) {
	w := withArchive(t, tarFile("bin/x", "x"))
	w.mkdir("var/usrlocal/bin")
	w.symlink("../var/usrlocal", "usr/local")
	w.mustApply(unpackConfig(strings.ReplaceAll(remoteArchive, "/opt/app", "/usr/local")))
	w.wantText("var/usrlocal/bin/x", "x")
}

func TestArchiveOfTheWholeRoot(t *testing.T) {
	w := withArchive(t, tarDir("etc/", 0o700), tarFile("etc/app.conf", "conf"), tarFile("opt/app/x", "x"))
	w.write("etc/passwd", "root:x:0:0::/:/bin/sh\n")
	w.mustApply(unpackConfig(strings.ReplaceAll(remoteArchive, "/opt/app", "/")))
	w.wantText("etc/app.conf", "conf")
	w.wantText("opt/app/x", "x")
	w.wantMode("etc", 0o755)
}

// inTheWay are nodes that an archive meets: without overwrite, and with it.
var inTheWay = []struct {
	name      string
	archive   []tar.Header
	prepare   func(*fixture)
	want      string
	overwrite string // "" if it replaces what is there
}{
	{"a file", []tar.Header{tarFile("d/f", "new")}, func(w *fixture) { w.write("opt/app/d/f", "old") }, "/opt/app/d/f: there already is a file of 3 bytes", ""},
	{"a link", []tar.Header{tarFile("d/f", "new")}, func(w *fixture) { w.symlink("/etc", "opt/app/d/f") }, "/opt/app/d/f: there already is a symbolic link to /etc", ""},
	{"a file for a link", []tar.Header{tarLink("l", "x")}, func(w *fixture) { w.write("opt/app/l", "") }, "/opt/app/l: there already is a file of 0 bytes", ""},
	{"a directory for a file", []tar.Header{tarFile("f", "")}, func(w *fixture) { w.mkdir("opt/app/f") },
		"/opt/app/f: there already is a directory, and the archive has a file of 0 bytes", "/opt/app/f: there already is a directory, and the archive has a file of 0 bytes"},
	{"a link for a directory", []tar.Header{tarFile("lib/x", "")}, func(w *fixture) { w.mkdir("opt/app/usr/lib"); w.symlink("usr/lib", "opt/app/lib") },
		"/opt/app/lib: there already is a symbolic link to usr/lib, and the archive has a directory", "/opt/app/lib: there already is a symbolic link to usr/lib, and the archive has a directory"},
	{"a link out of it for a directory", []tar.Header{tarFile("d/x", "")}, func(w *fixture) { w.symlink(w.outside, "opt/app/d") },
		", and the archive has a directory", ", and the archive has a directory"},
}

func TestArchiveDoesNotTouchWhatIsInItsWay(t *testing.T) {
	for _, c := range inTheWay {
		t.Run(c.name, func(t *testing.T) {
			w := withArchive(t, append([]tar.Header{tarFile("first", "1")}, c.archive...)...)
			c.prepare(w)
			before := listing(t, w.path("opt"))
			err := w.apply(unpackConfig(remoteArchive))
			testkit.ErrorContains(t, "unpacking", err, "what is there already is in the way of the archive:\n", c.want)
			if report.KindOf(err) != report.KindConfig {
				t.Errorf("this is not counted as a mistake in the config: %v", err)
			}
			if after := listing(t, w.path("opt")); after != before {
				t.Errorf("the tree was changed:\n%s\nwas:\n%s", after, before)
			}
			// What is in the config is known before anything is changed.
			w.wantConflicts(unpackConfig(inlineArchive), "the archive for /opt/app has /opt/app/")
			err = w.apply(unpackConfig(strings.Replace(remoteArchive, `"format"`, `"overwrite": true, "format"`, 1)))
			if c.overwrite == "" {
				testkit.NoError(t, err)
				w.wantText("opt/app/first", "1")
				return
			}
			testkit.ErrorContains(t, "unpacking with overwrite", err, c.overwrite)
			if after := listing(t, w.path("opt")); after != before {
				t.Errorf("the tree was changed:\n%s\nwas:\n%s", after, before)
			}
		})
	}
}

func TestManyInTheWayAreNotAllListed(t *testing.T) {
	var headers []tar.Header
	for i := range 20 {
		headers = append(headers, tarFile(fmt.Sprintf("f%02d", i), ""))
	}
	w := withArchive(t, headers...)
	for i := range 20 {
		w.write(fmt.Sprintf("opt/app/f%02d", i), "")
	}
	testkit.ErrorContains(t, "unpacking", w.apply(unpackConfig(remoteArchive)), "/opt/app/f04: there already is", "and 15 more")
}

func TestArchiveStaysOnItsFilesystem(t *testing.T) {
	w := withArchive(t, tarFile("x", "x"), tarFile("data/y", "y"))
	if !w.mountBelow("opt/app/data") {
		return
	}
	testkit.ErrorContains(t, "unpacking", w.apply(unpackConfig(remoteArchive)), "/opt/app/data: another filesystem is mounted there")
	if w.exists("opt/app/x") {
		t.Error("a part of the archive is in its place")
	}
	// The mount itself is a directory as any other.
	w.Fetch = archives{"a": tarOf(t, tarFile("y", "y"))}
	w.mustApply(unpackConfig(strings.ReplaceAll(remoteArchive, "/opt/app", "/opt/app/data")))
	w.wantText("opt/app/data/y", "y")
}

func TestFullFilesystemLeavesNothingOfAnArchive(t *testing.T) {
	w := withArchive(t, tarFile("small", "x"), tarFile("large", strings.Repeat("x", 100<<10)))
	if !w.mountBelow("opt/app") {
		return
	}
	err := w.apply(unpackConfig(remoteArchive))
	testkit.ErrorContains(t, "unpacking", err, "opt/app/large", "it has 102400 bytes: no space left on device", "of 64 KiB free")
	if report.KindOf(err) != report.KindDisk {
		t.Errorf("this is not counted as a full disk: %v", err)
	}
	if left := names(t, w.path("opt/app")); len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}

// What the config makes at a path is not taken from the archive.
func TestConfigWinsOverAnArchive(t *testing.T) {
	headers := []tar.Header{tarDir("etc", 0o711), tarFile("etc/app.conf", "archive"), tarFile("etc/other", "other"), tarLink("current", "elsewhere"), tarDir("data", 0o700), tarFile("data/x", "x")}
	const others = `"files": [{"path": "/opt/app/etc/app.conf", "contents": {"source": "data:,config"}}],
		"directories": [{"path": "/opt/app/data", "mode": 504}, {"path": "/opt/app", "mode": 488}],
		"links": [{"path": "/opt/app/current", "target": "here"}, {"path": "/opt/app/hard", "target": "/opt/app/etc/other", "hard": true}]`
	for _, archive := range []string{inlineArchive, remoteArchive} {
		w := withArchive(t, headers...)
		for range 2 {
			w.mustApply(unpackConfig(archive, others))
			w.wantText("opt/app/etc/app.conf", "config")
			w.wantText("opt/app/etc/other", "other")
			w.wantText("opt/app/data/x", "x")
			w.wantText("opt/app/hard", "other")
			w.wantLink("opt/app/current", "here")
			w.wantMode("opt/app", 0o750)
			w.wantMode("opt/app/etc", 0o711)
			w.wantMode("opt/app/data", 0o770)
		}
	}
}

// made are archives with what does not go with the config, or with the machine.
func TestArchiveConflicts(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*fixture)
		others  string
		archive string
		want    string
	}{
		"a file at its path":             {func(w *fixture) { w.write("opt/app", "") }, "", inlineArchive, "the archive for /opt/app cannot be unpacked there: on the way there is /opt/app, which is a file of 0 bytes"},
		"links in a circle":              {func(w *fixture) { w.symlink("/b", "opt"); w.symlink("/opt", "b") }, "", inlineArchive, "the archive for /opt/app cannot be unpacked there: symbolic links lead in a circle"},
		"a file of the config by a link": {func(w *fixture) { w.mkdir("var/opt"); w.symlink("var/opt", "opt") }, `"files": [{"path": "/var/opt/app"}]`, inlineArchive, "the archive for /opt/app is unpacked into /var/opt/app, but file /var/opt/app"},
		"absent by a link":               {func(w *fixture) { w.mkdir("var/opt"); w.symlink("var/opt", "opt") }, `"absent": ["/var/opt/app"]`, inlineArchive, "but /var/opt/app should be absent (test config, line 2"},
		"a user that there is not":       {func(w *fixture) {}, "", strings.Replace(inlineArchive, `"format"`, `"user": {"name": "eve"}, "format"`, 1), `the archive for /opt/app should belong to user "eve", which neither this system has nor the config makes`},
		"a directory that is emptied":    {func(w *fixture) {}, `"directories": [{"path": "/opt/app/d", "overwrite": true}]`, inlineArchive, "directory /opt/app/d has overwrite set, and would be emptied of what the archive for /opt/app"},
		"a directory where a file is":    {func(w *fixture) {}, `"directories": [{"path": "/opt/app/d/f"}]`, inlineArchive, `"d/f" is no directory in the archive, but directory /opt/app/d/f of the config is one`},
		"a file where a directory is":    {func(w *fixture) {}, `"files": [{"path": "/opt/app/d"}]`, inlineArchive, `"d/f" is below file /opt/app/d of the config, which is no directory`},
		"a link above a file":            {func(w *fixture) {}, `"files": [{"path": "/opt/app/d/f/g"}]`, inlineArchive, `"d/f" is no directory in the archive, but file /opt/app/d/f/g of the config is below it`},
		"absent in it":                   {func(w *fixture) {}, `"absent": ["/opt/app/d/f"]`, inlineArchive, `"d/f" is /opt/app/d/f, which should be absent (test config, line 2`},
	} {
		t.Run(name, func(t *testing.T) {
			w := withArchive(t, tarFile("d/f", ""))
			c.prepare(w)
			others := []string{}
			if c.others != "" {
				others = append(others, c.others)
			}
			w.wantConflicts(unpackConfig(c.archive, others...), c.want)
		})
	}
}

func TestArchiveDoesNotReplaceTheLedger(t *testing.T) {
	for _, name := range []string{"etc/.provisioning-ledger.json", "etc/.ignition-result.json"} {
		w := withArchive(t, tarFile(name, "mine"))
		w.wantConflicts(unpackConfig(strings.ReplaceAll(inlineArchive, "/opt/app", "/")), `"`+name+`" is a file in which this program records what it does`)
	}
}

func TestPlanNamesWhatIsInAnArchive(t *testing.T) {
	w := withArchive(t, tarFile("bin/app", ""), tarLink("run", "bin/app"))
	for _, c := range []struct{ archive, want string }{
		{inlineArchive, "unpacking archive into /opt/app (3 nodes: bin, bin/app, run)  [test config, line 2, column"},
		{remoteArchive, "unpacking archive into /opt/app  [test config, line 2, column"},
	} {
		plan, err := w.Plan(t.Context(), parse(t, unpackConfig(c.archive)))
		testkit.NoError(t, err)
		testkit.Contains(t, "the plan", plan.String(), c.want)
		w.Close()
	}
	if w.exists("opt") {
		t.Error("planning has unpacked it")
	}
}

func TestOrderOfArchives(t *testing.T) {
	w := withArchive(t, tarFile("x", ""))
	plan, err := w.Plan(t.Context(), parse(t, unpackConfig(remoteArchive, `"absent": ["/etc/motd"], "files": [{"path": "/a"}, {"path": "/opt/app/y"}],
		"directories": [{"path": "/opt/app/sub"}, {"path": "/opt/app"}, {"path": "/d"}]`)))
	testkit.NoError(t, err)
	defer w.Close()
	var got []string
	for _, o := range plan {
		if strings.HasPrefix(o.Name, "creating") || strings.HasPrefix(o.Name, "writing file") || strings.HasPrefix(o.Name, "unpacking") {
			got = append(got, o.Name)
		}
	}
	testkit.Equal(t, "the order", strings.Join(got, "; "),
		"creating directory /opt/app; unpacking archive into /opt/app; creating directory /d; writing file /a; creating directory /opt/app/sub; writing file /opt/app/y")
}

func TestArchivesAreFetchedTogether(t *testing.T) {
	w, s := withStore(t)
	body := string(tarOf(t, tarFile("x", "x")))
	var all sync.WaitGroup
	all.Add(3)
	// None goes on before all have begun.
	s.before = func(source string, to io.Writer) error {
		all.Done()
		all.Wait()
		if strings.Contains(source, "tar") {
			io.WriteString(to, body)
			return errors.New("cut")
		}
		return nil
	}
	err := w.apply(unpackConfig(`{"path": "/a", "format": "tar", "contents": {"source": "https://host/1.tar"}}, {"path": "/b", "format": "tar", "contents": {"source": "https://host/2.tar"}}`,
		`"files": [{"path": "/f", "contents": {"source": "https://host/f"}}]`))
	testkit.ErrorContains(t, "a download that is cut", err, "cut")
	if w.exists("a") || w.exists("b") {
		t.Error("an archive that did not come whole is in its place")
	}
}

func TestWrongHashLeavesNothing(t *testing.T) {
	hash := fmt.Sprintf("sha256-%x", sha256.Sum256(nil))
	for name, body := range map[string][]byte{"an archive": tarOf(t, tarFile("x", "x")), "no archive": bytes.Repeat([]byte("no tar "), 1000)} {
		w := newFixture(t)
		w.Fetch = archives{"a": body}
		err := w.apply(unpackConfig(`{"path": "/opt/app", "format": "tar", "contents": {"source": "https://host/a", "verification": {"hash": "` + hash + `"}}}`))
		testkit.ErrorContains(t, name, err, "it has another hash")
		if w.exists("opt/app") {
			t.Error("it is in its place")
		}
	}
}

func TestArchiveIsBegunAgainIfItChangesOnTheServer(t *testing.T) {
	w := newFixture(t)
	w.Fetch = fetcherFunc(func(to io.Writer) error {
		io.WriteString(to, string(tarOf(t, tarFile("old", "old")))[:700])
		if err := to.(interface{ Truncate(int64) error }).Truncate(0); err != nil {
			return err
		}
		_, err := to.Write(tarOf(t, tarFile("new", "new")))
		return err
	})
	w.mustApply(unpackConfig(remoteArchive))
	testkit.Equal(t, "what is in it", strings.Join(names(t, w.path("opt/app")), " "), "new")
}

type fetcherFunc func(w io.Writer) error

func (f fetcherFunc) Fetch(_ context.Context, _ config.Resource, w io.Writer) error { return f(w) }

// An interrupted run may have put a part of an archive in its place.
func TestInterruptedArchiveConverges(t *testing.T) {
	headers := []tar.Header{tarDir("etc", 0o711), tarFile("etc/a", "a"), tarFile("etc/b", "b"), tarFile("new/c", "c"), tarLink("l", "etc/a"), tarHardLink("h", "etc/b")}
	run := func(archive string, damage func(w *fixture)) string {
		w := withArchive(t, headers...)
		w.write("opt/app/etc/old", "old")
		cfg := parse(t, unpackConfig(archive))
		if damage != nil {
			plan, err := w.Plan(t.Context(), cfg)
			testkit.NoError(t, err)
			at := 0
			for i, o := range plan {
				if strings.HasPrefix(o.Name, "unpacking") {
					at = i
				}
			}
			_, err = w.runPart(cfg, at+1)
			testkit.NoError(t, err)
			damage(w)
		}
		_, err := w.runPart(cfg, -1)
		testkit.NoError(t, err)
		return w.snapshot()
	}
	for _, archive := range []string{inlineArchive, remoteArchive} {
		want := run(archive, nil)
		for name, damage := range map[string]func(w *fixture){
			"all in place":       func(*fixture) {},
			"a file missing":     func(w *fixture) { os.Remove(w.path("opt/app/etc/b")) },
			"a directory, too":   func(w *fixture) { os.RemoveAll(w.path("opt/app/new")); os.Remove(w.path("opt/app/l")) },
			"a file of no bytes": func(w *fixture) { w.write("opt/app/etc/a", "") },
			"a temporary tree":   func(w *fixture) { w.write("opt/app/.firstlight-x/etc/a", "a") },
		} {
			if got := run(archive, damage); got != want {
				t.Errorf("%s: the next run does not lead to the same tree:\n%s", name, differences(got, want))
			}
		}
	}
}

// Only what was put in its place by a run with this config is ours.
func TestNodesOfOthersAreNotAnEarlierArchive(t *testing.T) {
	w := withArchive(t, tarFile("x", "ours"))
	cfg := parse(t, unpackConfig(remoteArchive))
	if _, err := w.runPart(cfg, 1); err != nil { // the ledger was begun, and no more
		t.Fatal(err)
	}
	w.write("opt/app/x", "theirs")
	_, err := w.runPart(cfg, -1)
	testkit.ErrorContains(t, "unpacking", err, "/opt/app/x: there already is a file of 6 bytes")
	w.wantText("opt/app/x", "theirs")
}

func TestFinishedArchiveCanBeRepeatedUnlessItWasChanged(t *testing.T) {
	w := withArchive(t, tarFile("x", "ours"))
	w.mustApply(unpackConfig(remoteArchive))
	time.Sleep(20 * time.Millisecond)
	w.mustApply(unpackConfig(remoteArchive))
	time.Sleep(time.Second) // a tick of the slowest clock of inodes
	w.write("opt/app/x", "edited")
	testkit.ErrorContains(t, "unpacking", w.apply(unpackConfig(remoteArchive)), "/opt/app/x: there already is a file of 6 bytes")
	w.wantText("opt/app/x", "edited")
}

// labelKeeper records all that setfiles is given.
type labelKeeper struct {
	system.Runner
	all string
}

func (k *labelKeeper) Run(ctx context.Context, c system.Command) ([]byte, error) {
	if c.Name == "setfiles" {
		k.all += string(c.Stdin)
	}
	return k.Runner.Run(ctx, c)
}

// What is new gets labels, and what was there keeps those that it has.
func TestArchiveIsLabelled(t *testing.T) {
	w := withArchive(t, tarFile("etc/new", ""), tarFile("sub/x", ""), tarFile("top", ""))
	w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
	w.write("opt/app/etc/old", "")
	w.Relabel = true
	k := &labelKeeper{Runner: w.run}
	w.Tree.Run = k
	w.mustApply(unpackConfig(remoteArchive + "," + strings.ReplaceAll(remoteArchive, "/opt/app", "/srv/deep/app")))
	labelled := strings.ReplaceAll(strings.ReplaceAll(k.all, w.Root, ""), "\x00", " ")
	testkit.Contains(t, "the labels", labelled, "/opt/app/etc/new ", "/opt/app/sub ", "/opt/app/top ", "/srv ")
	if strings.Contains(labelled, "old") || strings.Contains(labelled, "/opt/app ") {
		t.Errorf("too much is labelled: %s", labelled)
	}
}

// Archives of real programs arrive as they were.
func TestArchivesOfRealPrograms(t *testing.T) {
	from := t.TempDir()
	long := strings.Repeat("deep/", 30) + strings.Repeat("n", 120)
	for name, text := range map[string]string{"bin/app": "app", "bin/ü ñ": "odd", long: "long", "big": strings.Repeat("0123456789", 20_000), "empty": ""} {
		testkit.WriteFile(t, from+"/"+name, text)
	}
	sparse, err := os.Create(from + "/sparse")
	testkit.NoError(t, err)
	_, err = sparse.WriteAt([]byte("end"), 1<<20)
	testkit.NoError(t, errors.Join(err, sparse.Close()))
	for _, err := range []error{os.Symlink("../"+strings.Repeat("x", 150), from+"/bin/link"), os.Link(from+"/bin/app", from+"/bin/hard"), os.Chmod(from+"/bin/app", 0o751), os.Chmod(from+"/bin", 0o1775), os.Mkdir(from+"/void", 0o711)} {
		testkit.NoError(t, err)
	}
	testkit.NoError(t, errors.Join(unix.Setxattr(from+"/bin/app", "user.a=%3D", []byte("x\x00"), 0), unix.Setxattr(from+"/bin", "user.dir", []byte("y"), 0)))
	if os.Getuid() == 0 {
		testkit.NoError(t, unix.Setxattr(from+"/bin/app", capability, []byte(mayOpenSockets), 0))
		testkit.NoError(t, os.Lchown(from+"/bin/link", 71, 72))
		testkit.NoError(t, os.Chown(from+"/big", 3_000_000, 4))
	}
	describe := func(root string) string {
		var b strings.Builder
		for line := range strings.Lines(listing(t, root)) {
			fields := strings.SplitN(line, " ", 5) // without inodes
			b.WriteString(strings.Join(fields[:3], " ") + fields[len(fields)-1][strings.IndexAny(fields[len(fields)-1]+"\n", " \n"):])
		}
		return b.String()
	}
	programs := map[string][]string{"gnu": {"tar", "--format=gnu", "--sparse"}, "pax": {"tar", "--format=posix", "--sparse", "--xattrs"}, "pax without": {"tar", "--format=pax"}, "bsdtar": {"bsdtar"}}
	for name, program := range programs {
		if _, err := exec.LookPath(program[0]); err != nil {
			t.Logf("there is no %s here", program[0])
			continue
		}
		for format, flags := range map[string]string{"tar": "-cf", "tar.gz": "-czf"} {
			out, err := exec.Command(program[0], append(program[1:], flags, "-", "-C", from, ".")...).Output()
			testkit.NoError(t, err)
			w := newFixture(t)
			w.Fetch = archives{"a": out}
			w.mustApply(unpackConfig(`{"path": "/opt/app", "allowSetuid": true, "format": "` + format + `", "contents": {"source": "https://host/a"}}`))
			if got, want := describe(w.path("opt/app")), describe(from); got != want {
				t.Errorf("%s, %s:\n%s", name, format, differences(got, want))
			}
			if name == "pax" {
				for _, name := range []string{"bin/app", "bin/hard", "bin"} {
					testkit.Equal(t, "attributes of "+name, strings.Join(attributesOf(t, w.path("opt/app/"+name)), " "), strings.Join(attributesOf(t, from+"/"+name), " "))
				}
			}
			for _, name := range []string{"bin/app", "bin", "bin/link", "void", ""} {
				var was unix.Stat_t
				testkit.NoError(t, unix.Lstat(from+"/"+name, &was))
				if got := w.stat("opt/app/" + name); got.Mtim.Sec != was.Mtim.Sec || got.Nlink != was.Nlink {
					t.Errorf("%s, %s: %s was changed at %d, want %d; it has %d names, want %d", name, format, name, got.Mtim.Sec, was.Mtim.Sec, got.Nlink, was.Nlink)
				}
			}
		}
	}
}
