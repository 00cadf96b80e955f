package files

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// runPart plans anew, as another process would, and runs the plan's first
// operations, or all with -1. It ends like a power cut: nothing is closed.
func (w *fixture) runPart(cfg *config.Config, first int) (int, error) {
	w.Helper()
	w.Tree.RecordedDirectories = nil
	plan, err := w.Plan(context.Background(), cfg)
	if err != nil {
		return 0, err
	}
	if first >= 0 {
		plan = plan[:min(first, len(plan))]
		defer func() { w.prefetch.stop(); w.prefetch.running.Wait() }() // the dead write no more
	} else {
		defer w.Close()
	}
	runner := report.Runner{Log: w.Tree.Log, Workers: 1}
	return len(plan), runner.Run(context.Background(), plan)
}

// snapshot is a tree without inodes and times, and without the ledger and the
// date in the result file.
func (w *fixture) snapshot() string {
	w.Helper()
	var b strings.Builder
	err := filepath.WalkDir(w.Root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		at, _ := filepath.Rel(w.Root, name)
		if "/"+at == ledger.Path || strings.HasSuffix(at, "-") && strings.HasPrefix(at, "etc/") {
			return nil // also the backups of shadow-utils, which are of the last command
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		st := w.stat(at)
		fmt.Fprintf(&b, "%s %v %d:%d links %d", at, info.Mode(), st.Uid, st.Gid, st.Nlink)
		if info.Mode().IsRegular() {
			fmt.Fprintf(&b, " %q", w.read(at))
		}
		if target, err := os.Readlink(name); err == nil {
			fmt.Fprintf(&b, " -> %s", target)
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return b.String()
}

// manyNodes is a config of some two hundred nodes of all kinds, with users if
// they can be made here.
func manyNodes(t *testing.T) *config.Config {
	var files, dirs, links, units []string
	add := func(to *[]string, format string, args ...any) { *to = append(*to, fmt.Sprintf(format, args...)) }
	for i := range 32 {
		add(&files, `{"path": "/data/%d/plain", "contents": {"source": "data:,%d"}}`, i, i)
		add(&files, `{"path": "/data/%d/remote", "mode": 416, "contents": {"source": "https://host/%d"}}`, i, i/2)
		add(&links, `{"path": "/links/%d", "target": "/data/%d/plain"}`, i, i)
	}
	for i := range 16 {
		add(&dirs, `{"path": "/dirs/%d/sub", "mode": 448}`, i)
		add(&links, `{"path": "/links/hard%d", "target": "/data/%d/remote", "hard": true}`, i, i)
		add(&files, `{"path": "/old/append%d", "append": [{"source": "data:,+%d"}, {"source": "https://host/+"}]}`, i, i)
		add(&files, `{"path": "/empty/%d", "append": [{"source": "data:,only"}]}`, i)
		add(&units, `{"name": "u%d.service", "enabled": true, "contents": "[Service]\n", "dropins": [{"name": "d.conf", "contents": "%d"}]}`, i, i)
	}
	add(&files, `{"path": "/old/replaced", "overwrite": true, "contents": {"source": "https://host/new"}}`)
	add(&files, `{"path": "/old/kept", "mode": 256}`)
	add(&dirs, `{"path": "/old/dir", "overwrite": true, "mode": 457}`)
	add(&files, `{"path": "/old/dir/in", "contents": {"source": "https://host/in"}}`)
	add(&links, `{"path": "/old/link", "target": "elsewhere", "overwrite": true}`)
	add(&units, `{"name": "i@a.service", "enabled": true}, {"name": "masked.service", "mask": true}, {"name": "unmasked.service", "mask": false}`)
	passwd := ""
	if os.Getuid() == 0 {
		add(&files, `{"path": "/home/ann/note", "user": {"name": "ann"}, "group": {"name": "staff"}}`)
		passwd = `"passwd": {"groups": [{"name": "staff"}], "users": [{"name": "ann", "groups": ["wheel"], "sshAuthorizedKeys": ["k"]},
			{"name": "bob", "passwordHash": "$6$x"}, {"name": "old", "shell": "/bin/dash", "groups": ["staff"]}, {"name": "gone", "shouldExist": false}]},`
	}
	const archives = `"absent": ["/old/absent", "/old/never"], "archives": [{"path": "/store", "format": "tar", "contents": {"source": "https://host/a.tar"}},
		{"path": "/dirs/3", "format": "tar", "contents": {"source": "https://host/b.tar"}}]`
	return parse(t, passwd+fmt.Sprintf(`"storage": {%s, "files": [%s], "directories": [%s], "links": [%s]}, "systemd": {"units": [%s]}`,
		archives, strings.Join(files, ","), strings.Join(dirs, ","), strings.Join(links, ","), strings.Join(units, ",")))
}

// existingSystem is a root with accounts and things that the config of manyNodes is about.
func existingSystem(t *testing.T) *fixture {
	w, s := withStore(t)
	archive := tarOf(t, tarDir("dir", 0o700), tarFile("dir/unpacked", "x"), tarFile("unpacked", "x"), tarDir("new", 0o711), tarFile("new/a", "a"), tarHardLink("new/b", "unpacked"), tarLink("new/l", "a"))
	s.before = func(source string, to io.Writer) error {
		if !strings.HasSuffix(source, ".tar") {
			return nil
		}
		_, err := to.Write(archive)
		return err
	}
	w.Config = "digest"
	if os.Getuid() == 0 {
		w.Tree.Run = system.Exec{Log: w.Tree.Log}
	}
	for name, text := range map[string]string{
		"etc/passwd":     "root:x:0:0:root:/root:/bin/sh\nold:x:900:900::/home/old:/bin/sh\ngone:x:901:901::/home/gone:/bin/sh\n",
		"etc/shadow":     "root:*:19000:0:99999:7:::\nold:*:19000:0:99999:7:::\ngone:*:19000:0:99999:7:::\n",
		"etc/group":      "root:x:0:\nold:x:900:\ngone:x:901:\nwheel:x:10:\n",
		"etc/gshadow":    "root:*::\nold:!::\ngone:!::\nwheel:!::\n",
		"etc/subuid":     "",
		"etc/subgid":     "",
		"etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\nCREATE_HOME no\n",
		"etc/skel/.rc":   "skeleton",
		"home/old/x":     "", "home/gone/x": "",
		resultFile:     `{"provisioningBootID": "first", "provisioningDate": "2020-01-01T00:00:00Z", "userConfigProvided": false}`,
		"old/replaced": "old", "old/kept": "kept", "old/dir/in": "old", "old/absent": "absent", "store/dir/was": "was",
		"etc/systemd/system-preset/20-ignition.preset": "disable nothing.service",
	} {
		w.write(name, text)
	}
	for i := range 16 {
		w.write(fmt.Sprintf("old/append%d", i), "was")
	}
	w.symlink("nowhere", "old/link")
	w.symlink("/dev/null", "etc/systemd/system/unmasked.service")
	if os.Getuid() == 0 {
		w.own("home/gone", 901, 901)
	}
	return w
}

// The crash matrix: a run may end after each of its operations, and so may the
// one after it, of which a sample is enough.
func TestInterruptedRunConverges(t *testing.T) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // thousands of times fsync
	}
	cfg := manyNodes(t)
	whole := existingSystem(t)
	n, err := whole.runPart(cfg, -1)
	if err != nil {
		t.Fatal(err)
	}
	want := whole.snapshot()
	if n < 200 {
		t.Errorf("the plan has only %d operations", n)
	}
	for k := range n {
		w := existingSystem(t)
		if _, err := w.runPart(cfg, k); err != nil {
			t.Fatalf("the first %d operations: %v", k, err)
		}
		if k%13 == 1 {
			if _, err := w.runPart(cfg, n-k); err != nil {
				t.Fatalf("the second run after %d operations: %v", k, err)
			}
		}
		if _, err := w.runPart(cfg, -1); err != nil {
			t.Fatalf("the last run after %d operations: %v", k, err)
		}
		if got := w.snapshot(); got != want {
			t.Fatalf("after %d operations of %d the next run does not lead to the same tree:\n%s", k, n, differences(got, want))
		}
	}
}

// differences are the lines that only one of two texts has.
func differences(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for _, line := range g {
		if !slices.Contains(w, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	return b.String()
}

const oneFile = `"storage": {"files": [{"path": "/f", "contents": {"source": "data:,ours"}}, {"path": "/g", "append": [{"source": "data:,+"}]}]}`

func ledgerFixture(t *testing.T) *fixture {
	w := newFixture(t)
	w.Config = "digest"
	w.write("g", "was")
	return w
}

func TestNodesOfOthersAreConflicts(t *testing.T) {
	t.Run("there before the first run", func(t *testing.T) {
		w := ledgerFixture(t)
		w.write("f", "theirs")
		w.wantConflicts(oneFile, "file /f: the config gives it contents, but there already is a file of 6 bytes and overwrite is not set")
	})
	t.Run("with another config", func(t *testing.T) {
		w := ledgerFixture(t)
		w.mustApply(oneFile)
		w.Config = "another"
		w.wantConflicts(oneFile, "file /f: the config gives it contents, but there already is a file of 4 bytes and overwrite is not set")
	})
	t.Run("changed after the first boot", func(t *testing.T) {
		w := ledgerFixture(t)
		w.mustApply(oneFile)
		time.Sleep(time.Second) // a tick of the slowest clock of inodes
		w.write("f", "edited")
		w.wantConflicts(oneFile, "an earlier first boot applied this config, but did not create this node, or it was changed since")
	})
}

func TestFinishedRunCanBeRepeated(t *testing.T) {
	w := ledgerFixture(t)
	w.mustApply(oneFile)
	time.Sleep(20 * time.Millisecond)
	w.mustApply(oneFile)
	w.wantText("f", "ours")
	w.wantText("g", "was+")
	w.wantMode(ledger.Path, 0o600)
}

func TestLedgerKeepsNoAccountsWhenAllIsDone(t *testing.T) {
	w := existingSystem(t)
	cfg := manyNodes(t)
	if _, err := w.runPart(cfg, 3); err != nil {
		t.Fatal(err)
	}
	var l ledger.Ledger
	read := func() {
		l = ledger.Ledger{}
		if err := json.Unmarshal([]byte(w.read(ledger.Path)), &l); err != nil {
			t.Fatal(err)
		}
	}
	if read(); os.Getuid() == 0 && len(l.Accounts) != len(accountDatabases) || !l.Interrupted() {
		t.Errorf("while the run is going on the ledger is %+v", l)
	}
	if _, err := w.runPart(cfg, -1); err != nil {
		t.Fatal(err)
	}
	if read(); l.Accounts != nil || l.TempDirs != nil || l.Result != "" || l.Interrupted() {
		t.Errorf("at the end the ledger is %+v", l)
	}
}

// A program of shadow-utils can be killed in its middle.
func TestHalfMadeAccountsAreMadeAgain(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("accounts are made by root only")
		return
	}
	cfg := manyNodes(t)
	whole := existingSystem(t)
	if _, err := whole.runPart(cfg, -1); err != nil {
		t.Fatal(err)
	}
	want := whole.snapshot()
	for name, damage := range map[string]func(w *fixture){
		"in passwd only": func(w *fixture) {
			for _, file := range []string{"shadow", "group", "gshadow"} {
				w.dropLines("etc/"+file, "ann:")
			}
		},
		"in group only":      func(w *fixture) { w.dropLines("etc/passwd", "ann:"); w.dropLines("etc/shadow", "ann:") },
		"half a home":        func(w *fixture) { os.Remove(w.path("home/ann/.rc")) },
		"stale locks":        func(w *fixture) { w.write("etc/passwd.lock", fmt.Sprint(os.Getpid())); w.write("etc/group.lock", "1") },
		"half a database":    func(w *fixture) { w.write("etc/passwd+", "root:x"); w.write("etc/shadow.1234", "") },
		"temporary files":    func(w *fixture) { w.write("data/0/.firstlight-x", "half"); w.mkdir("home/ann/.ssh/.firstlight-y") },
		"home of a stranger": func(w *fixture) { os.RemoveAll(w.path("home/gone")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := existingSystem(t)
			if _, err := w.runPart(cfg, 5); err != nil { // ledger, downloads, staff, ann, her keys
				t.Fatal(err)
			}
			w.mkdir("data/0")
			damage(w)
			if _, err := w.runPart(cfg, -1); err != nil {
				t.Fatal(err)
			}
			if got := w.snapshot(); got != want {
				t.Error(differences(got, want))
			}
		})
	}
}

func (w *fixture) dropLines(name, prefix string) {
	var kept []string
	for _, line := range strings.Split(w.read(name), "\n") {
		if !strings.HasPrefix(line, prefix) {
			kept = append(kept, line)
		}
	}
	w.write(name, strings.Join(kept, "\n"))
}

func TestConfigsCannotWriteTheLedger(t *testing.T) {
	for _, node := range []string{`"files":[{`, `"directories":[{`, `"links":[{"target":"x",`} {
		text := `{"ignition":{"version":"3.0.0"},"storage":{` + node + `"path":"` + ledger.Path + `"}]}}`
		if _, problems, err := config.Parse([]byte(text), "test"); err == nil || !strings.Contains(problems.String(), ledger.Path+" is a file of Firstlight's own") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestUnreadableLedgerStopsThePlan(t *testing.T) {
	w := ledgerFixture(t)
	w.write(ledger.Path, "{")
	err := w.apply(oneFile)
	if err == nil || !strings.Contains(err.Error(), "looking for what earlier runs have done to "+w.Root+": reading "+w.path(ledger.Path)) {
		t.Error(err)
	}
	if box := report.Box("files", err); !strings.Contains(box, "| hint       provision a new root, or restore this file") {
		t.Errorf("there is no hint in\n%s", box)
	}
}

func TestMountPointsOfAnInterruptedBootAreKept(t *testing.T) {
	w := ledgerFixture(t)
	for _, point := range []string{"/home/core", "/home/core/data"} {
		if err := ledger.RecordDirectories(w.Root, "digest", []string{point}); err != nil {
			t.Fatal(err)
		}
	}
	for config, want := range map[string]int{"digest": 2, "another": 0} {
		if got, err := ledger.RecordedDirectories(w.Root, config); err != nil || len(got) != want {
			t.Errorf("for config %q: %v, %v", config, got, err)
		}
	}
	w.mustApply(oneFile)
	if !slices.Equal(w.RecordedDirectories, []string{"/home/core", "/home/core/data"}) {
		t.Errorf("the plan knew %v", w.RecordedDirectories)
	}
	if got, err := ledger.RecordedDirectories(w.Root, "digest"); err != nil || len(got) > 0 {
		t.Errorf("when all is done: %v, %v", got, err)
	}
}

// A filesystem that is made anew gets its mount points anew; what is on the root
// stays ours.
func TestMountPointsOfARepeatedBootDoNotForgetTheRest(t *testing.T) {
	w := ledgerFixture(t)
	w.mustApply(oneFile)
	if err := ledger.RecordDirectories(w.Root, "digest", []string{"/var/data"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	w.mustApply(oneFile)
	w.wantText("g", "was+")
	if !slices.Equal(w.RecordedDirectories, []string{"/var/data"}) {
		t.Errorf("the plan knew %v", w.RecordedDirectories)
	}
}

func TestLedgerIsNotAnEntry(t *testing.T) {
	for _, name := range []string{ledger.Path, resultFile} {
		text := `{"ignition": {"version": "3.5.0"}, "storage": {"directories": [{"path": "` + name + `/x"}]}}`
		if _, problems, err := config.Parse([]byte(text), "x"); err == nil {
			t.Errorf("%s is the config's: %v", name, problems)
		}
	}
	w := newFixture(t)
	w.symlink("etc", "other")
	w.wantConflicts(`"storage": {"files": [{"path": "/other/.provisioning-ledger.json", "contents": {"source": "data:,x"}}]}`,
		"file /other/.provisioning-ledger.json is, or is below, /etc/.provisioning-ledger.json on this machine")
}

// New files are synced at the end: after a power cut their names can be on the disk without
// their contents.
func TestLinesOfAnInterruptedRunAreWrittenAnew(t *testing.T) {
	const units = `, "systemd": {"units": [{"name": "asked.service", "enabled": true, "contents": "[Install]\nWantedBy=a.target\n"}]}`
	const presets, lost = "etc/systemd/system-preset/20-ignition.preset", "\x00\x00\x00\n"
	for name, c := range map[string]struct{ existing, config, want string }{
		"in new files":                        {"", volumes + units, ""},
		"in files that exist":                 {"theirs x y z\n", volumes + units, "theirs x y z\n"},
		"in one that the config itself makes": {"", strings.Replace(volumes, `"luks"`, `"files": [{"path": "/etc/crypttab", "contents": {"source": "data:,ours"}}], "luks"`, 1) + units, "ours\n"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, w := parse(t, c.config), newVolumeFixture(t)
			w.Config = "digest"
			n, err := w.runPart(cfg, -1)
			testkit.NoError(t, err)
			w = newVolumeFixture(t)
			w.Config = "digest"
			if c.existing != "" {
				w.write("etc/crypttab", c.existing)
			}
			_, err = w.runPart(cfg, n-1)
			testkit.NoError(t, err)
			w.wantText("etc/crypttab", c.want+volumesTable)
			if c.existing == "" { // else it was synced
				w.write("etc/crypttab", lost)
			}
			w.write(presets, lost)
			_, err = w.runPart(cfg, -1)
			testkit.NoError(t, err)
			w.wantText("etc/crypttab", c.want+volumesTable)
			w.wantText(presets, "enable asked.service\n")
			w.mustApply(c.config) // what is finished is kept
			w.wantText("etc/crypttab", c.want+volumesTable)
		})
	}
}
