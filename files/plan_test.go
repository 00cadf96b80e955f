package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A fixture is a root to provision, with something outside of it that must not
// change, and doubles of all that a Tree uses.
type fixture struct {
	*testing.T
	*Tree
	outside string // a directory beside the root
	run     *systemtest.Recorder
	log     *bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	base := t.TempDir()
	w := &fixture{T: t, outside: filepath.Join(base, "outside"), run: new(systemtest.Recorder), log: new(bytes.Buffer)}
	w.run.Answers = map[string]systemtest.Answer{"is-live-image": {Err: exec.ErrNotFound}}
	w.Tree = &Tree{
		Root:         filepath.Join(base, "root"),
		Run:          w.run,
		Log:          report.NewWriterLogger(w.log),
		Fetch:        dataFetcher{},
		KeyFragments: true,
		Result:       Result{BootID: "f00", Date: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), UserConfigProvided: true},
	}
	w.mkdir("etc")
	if err := os.Mkdir(w.outside, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := names(t, w.outside); len(left) > 0 {
			t.Errorf("something was written outside of the root: %v", left)
		}
		filepath.WalkDir(w.Root, func(name string, _ fs.DirEntry, _ error) error {
			if strings.Contains(name, ".firstlight-") {
				t.Errorf("a temporary file was left behind: %s", name)
			}
			return nil
		})
	})
	return w
}

// dataFetcher is a Fetcher of data URLs. An https URL breaks after some bytes.
type dataFetcher struct{}

func (dataFetcher) Fetch(_ context.Context, r config.Resource, w io.Writer) error {
	if strings.HasPrefix(*r.Source, "https:") {
		io.WriteString(w, "half of it")
		return errors.New("the connection was cut")
	}
	text, ok := strings.CutPrefix(*r.Source, "data:,")
	if !ok {
		return fmt.Errorf("unexpected source %q", *r.Source)
	}
	_, err := io.WriteString(w, text)
	return err
}

func (w *fixture) path(name string) string { return filepath.Join(w.Root, name) }

func (w *fixture) mkdir(name string) {
	w.Helper()
	testkit.NoError(w.T, os.MkdirAll(w.path(name), 0o755))
}

func (w *fixture) write(name, text string) {
	w.Helper()
	testkit.WriteFile(w.T, w.path(name), text)
}

func (w *fixture) symlink(target, name string) {
	w.Helper()
	w.mkdir(filepath.Dir(name))
	testkit.NoError(w.T, os.Symlink(target, w.path(name)))
}

func (w *fixture) read(name string) string {
	w.Helper()
	return testkit.ReadFile(w.T, w.path(name))
}

func (w *fixture) stat(name string) unix.Stat_t {
	w.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(w.path(name), &st); err != nil {
		w.Fatalf("%s: %v", name, err)
	}
	return st
}

func (w *fixture) exists(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

// wantMode checks a node's permissions with the special bits.
func (w *fixture) wantMode(name string, mode uint32) {
	w.Helper()
	if got := w.stat(name).Mode & 0o7777; got != mode {
		w.Errorf("%s has mode %04o, want %04o", name, got, mode)
	}
}

func (w *fixture) wantText(name, text string) {
	w.Helper()
	if got := w.read(name); got != text {
		w.Errorf("%s holds %q, want %q", name, got, text)
	}
}

func (w *fixture) wantOwner(name string, uid, gid int) {
	w.Helper()
	if st := w.stat(name); int(st.Uid) != uid || int(st.Gid) != gid {
		w.Errorf("%s belongs to %d:%d, want %d:%d", name, st.Uid, st.Gid, uid, gid)
	}
}

func (w *fixture) wantLink(name, target string) {
	w.Helper()
	if got, err := os.Readlink(w.path(name)); err != nil || got != target {
		w.Errorf("%s leads to %q (%v), want %q", name, got, err, target)
	}
}

// testOwner is a user that this test may give files to: any for root, otherwise
// only the one that runs it.
func testOwner() (uid, gid int) {
	if os.Getuid() == 0 {
		return 1234, 2345
	}
	return os.Getuid(), os.Getgid()
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// parse makes a config of its sections: `"storage": {...}`.
func parse(t testing.TB, sections string) *config.Config {
	t.Helper()
	text := `{"ignition": {"version": "3.6.0+firstlight.1"}`
	if sections != "" {
		text += ",\n" + sections
	}
	cfg, problems, err := config.Parse([]byte(text+"}"), "test config")
	if err != nil {
		t.Fatalf("%v: %v", err, problems)
	}
	return cfg
}

// apply plans and runs.
func (w *fixture) apply(sections string) error {
	w.Helper()
	plan, err := w.Plan(context.Background(), parse(w.T, sections))
	if err != nil {
		return err
	}
	defer w.Close()
	runner := report.Runner{Log: w.Tree.Log, Workers: 1}
	return runner.Run(context.Background(), plan)
}

func (w *fixture) mustApply(sections string) {
	w.Helper()
	testkit.NoError(w.T, w.apply(sections))
}

// wantConflicts plans what must not be possible, and checks that each conflict says
// what is expected, in any order, and that nothing was changed.
func (w *fixture) wantConflicts(sections string, want ...string) []error {
	w.Helper()
	before := listing(w.T, w.Root)
	plan, err := w.Plan(context.Background(), parse(w.T, sections))
	if err == nil {
		w.Fatalf("there is a plan, want conflicts:\n%v", plan)
	}
	if plan != nil {
		w.Errorf("there is a plan beside the conflicts:\n%v", plan)
	}
	leaves := report.Leaves(err)
	if len(leaves) != len(want) {
		w.Errorf("%d conflicts, want %d:\n%v", len(leaves), len(want), err)
	}
	for _, text := range want {
		if !slices.ContainsFunc(leaves, func(e error) bool { return strings.Contains(e.Error(), text) }) {
			w.Errorf("no conflict says %q:\n%v", text, err)
		}
	}
	for _, e := range leaves {
		var r *report.Error
		if !errors.As(e, &r) || r.Origin.IsZero() || r.Hint == "" {
			w.Errorf("this conflict has no origin or no hint: %v", e)
		}
		if report.KindOf(e) != report.KindConfig {
			w.Errorf("this is not counted as a mistake in the config: %v", e)
		}
	}
	if after := listing(w.T, w.Root); after != before {
		w.Errorf("looking has changed the tree:\n%s\nwas:\n%s", after, before)
	}
	return leaves
}

// listing is a tree as text: one line for each node.
func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d:%d %d", strings.TrimPrefix(name, root), info.Mode(), st.Uid, st.Gid, st.Ino)
		if info.Mode().IsRegular() {
			text, _ := os.ReadFile(name)
			fmt.Fprintf(&b, " %q", text)
		}
		if target, err := os.Readlink(name); err == nil {
			fmt.Fprintf(&b, " -> %s", target)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// quoted is a text as JSON.
func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func TestPlanRunsInTheDocumentedOrder(t *testing.T) {
	w := newFixture(t)
	w.write("etc/selinux/config", "SELINUXTYPE=targeted\n")
	w.Relabel = true
	plan, err := w.Plan(context.Background(), parse(t, `
		"passwd": {
			"users": [{"name": "ann", "sshAuthorizedKeys": ["k"]}, {"name": "bob"}],
			"groups": [{"name": "staff"}]
		},
		"storage": {
			"links": [{"path": "/h", "target": "/a/b/c", "hard": true}, {"path": "/a/s", "target": "x"}],
			"files": [{"path": "/a/b/c"}, {"path": "/z"}],
			"directories": [{"path": "/a/b"}, {"path": "/a"}]
		},
		"systemd": {"units": [{"name": "x.service", "enabled": true, "contents": "[Install]\nWantedBy=a.target\n",
			"dropins": [{"name": "10.conf", "contents": ""}]}, {"name": "y.service", "mask": true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range plan {
		got = append(got, o.Name)
	}
	want := []string{
		`creating group "staff"`,
		`creating user "ann"`,
		`writing the SSH keys of user "ann"`,
		`creating user "bob"`,
		"creating directory /a",
		"writing file /z",
		"creating directory /a/b",
		"creating link /a/s",
		"writing file /a/b/c",
		"creating hard link /h",
		"writing drop-in 10.conf of unit x.service",
		"writing unit x.service",
		"masking unit y.service",
		"writing presets of 1 unit to /etc/systemd/system-preset/20-ignition.preset",
		"looking where links lead",
		"writing the result file /etc/.ignition-result.json",
		"labelling for SELinux (policy targeted)",
		"writing everything through to the disks",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the plan is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if o := plan[0].Origin.String(); !strings.Contains(o, "passwd.groups[0].name") {
		t.Errorf("the group's operation comes from %q", o)
	}
}

func TestPlanForNothingOnlyWritesTheResult(t *testing.T) {
	w := newFixture(t)
	w.mustApply("")
	if got := names(t, w.path("etc")); !slices.Equal(got, []string{".ignition-result.json"}) {
		t.Errorf("etc holds %v", got)
	}
}

func TestPlanNeedsARoot(t *testing.T) {
	w := newFixture(t)
	w.Root += "/nowhere"
	_, err := w.Plan(context.Background(), parse(t, ""))
	if err == nil || !strings.Contains(err.Error(), "opening "+w.Root+": no such file or directory") {
		t.Error(err)
	}
	w.Root = filepath.Dir(w.Root)
}

func TestAllConflictsAreReportedAtOnce(t *testing.T) {
	w := newFixture(t)
	w.write("a", "")
	w.write("b", "")
	w.mkdir("c")
	w.wantConflicts(`"storage": {
		"files": [
			{"path": "/a", "contents": {"source": "data:,x"}},
			{"path": "/new", "contents": {"source": "data:,x"}, "user": {"name": "eve"}, "group": {"name": "mallory"}},
			{"path": "/c"}],
		"directories": [{"path": "/b"}]}`,
		"file /a: the config gives it contents, but there already is a file of 0 bytes and overwrite is not set",
		`file /new should belong to user "eve", which neither this system has nor the config makes`,
		`file /new should belong to group "mallory", which neither this system has nor the config makes`,
		"file /c: it should be a regular file, but there already is a directory",
		"directory /b: it should be a directory, but there already is a file of 0 bytes")
}

func TestSystemErrorsGetHints(t *testing.T) {
	for errno, want := range map[unix.Errno]string{
		unix.ENOSPC: "make the filesystem larger",
		unix.EROFS:  "mounted read-only",
		unix.EDQUOT: "quota",
		unix.EIO:    "log of the kernel",
	} {
		err := withHint(fmt.Errorf("write: %w", &fs.PathError{Op: "write", Path: "/sysroot/x", Err: errno}))
		var r *report.Error
		if !errors.As(err, &r) || !strings.Contains(r.Hint, want) || !errors.Is(err, errno) {
			t.Errorf("%v: hint %v", errno, r)
		}
	}
	own := &report.Error{Err: unix.ENOSPC, Hint: "mine"}
	if withHint(own) != error(own) {
		t.Error("a hint that is there was replaced")
	}
	if withHint(nil) != nil {
		t.Error("nothing became an error")
	}
}

// hookFetcher is a Fetcher that calls a function first.
type hookFetcher func()

func (s hookFetcher) Fetch(_ context.Context, _ config.Resource, w io.Writer) error {
	s()
	_, err := io.WriteString(w, "x")
	return err
}

// programFunc is a Runner that acts as a program.
type programFunc func(name string)

func (p programFunc) Run(_ context.Context, c system.Command) ([]byte, error) {
	p(c.Name)
	return nil, nil
}

// recordFields is a logger that keeps messages with their fields.
func recordFields(to *[]string) *report.Logger {
	return report.NewFuncLogger(func(_ report.Level, text string, fields map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			text += " " + name + "=" + fields[name]
		}
		*to = append(*to, text)
	})
}
