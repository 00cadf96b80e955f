package ledger

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func openRoot(t *testing.T) (*rootfs.Root, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := rootfs.Open(dir)
	testkit.NoError(t, err)
	t.Cleanup(r.Close)
	return r, dir
}

func TestNextChoosesWhichLedgerCounts(t *testing.T) {
	existed := map[string]Stamp{"/f": {Size: 1}}
	for name, c := range map[string]struct {
		last    *Ledger
		config  string
		earlier bool
		existed int
		mounts  int
	}{
		"no ledger":                 {config: "a"},
		"another config":            {last: &Ledger{Config: "b", Planned: true, Existed: existed, MountPoints: []string{"/m"}}, config: "a"},
		"the mount stage only":      {last: &Ledger{Config: "a", MountPoints: []string{"/m"}}, config: "a", mounts: 1},
		"a files stage":             {last: &Ledger{Config: "a", Planned: true, Existed: existed, MountPoints: []string{"/m"}}, config: "a", earlier: true, existed: 1, mounts: 1},
		"a config without a digest": {last: &Ledger{Planned: true, Existed: existed}},
	} {
		t.Run(name, func(t *testing.T) {
			current, earlier := c.last.Next(c.config)
			testkit.Equal(t, "there is an earlier one", earlier != nil, c.earlier)
			testkit.Equal(t, "nodes that existed", len(current.Existed), c.existed)
			testkit.Equal(t, "mount points", len(current.MountPoints), c.mounts)
			testkit.Equal(t, "config", current.Config, c.config)
			testkit.Equal(t, "planned", current.Planned, true)
			if current.Existed == nil {
				t.Error("nothing can be recorded")
			}
		})
	}
}

func TestNodesAreOursUntilSomebodyChangesThem(t *testing.T) {
	at := func(changed int64) *rootfs.Stat {
		return &rootfs.Stat{Stat_t: unix.Stat_t{Ctim: unix.NsecToTimespec(changed)}}
	}
	interrupted := &Ledger{Planned: true, Started: 10, Existed: map[string]Stamp{"/old": {}}}
	finished := &Ledger{Planned: true, Started: 10, Finished: 20, Existed: interrupted.Existed}
	const s = int64(time.Second)
	seconds := &Ledger{Planned: true, Started: 3*s + 10, Finished: 4*s + 20}
	for what, c := range map[string]struct {
		ledger *Ledger
		name   string
		found  *rootfs.Stat
		want   bool
	}{
		"no earlier run":               {nil, "/new", at(15), false},
		"does not exist":               {finished, "/new", nil, false},
		"existed before":               {finished, "/old", at(15), false},
		"made by an interrupted run":   {interrupted, "/new", at(30), true},
		"made by a finished run":       {finished, "/new", at(20), true},
		"changed after a finished run": {finished, "/new", at(21), false},
		"older than the run":           {finished, "/new", at(9), false},
		"made where seconds count":     {seconds, "/new", at(3 * s), true},
		"older where seconds count":    {seconds, "/new", at(2 * s), false},
		"changed where seconds count":  {seconds, "/new", at(5 * s), false},
	} {
		testkit.Equal(t, what, c.ledger.Made(c.name, c.found), c.want)
	}
}

func TestAppendedFilesAreThoseThatExistedAndChanged(t *testing.T) {
	l := &Ledger{Planned: true, Existed: map[string]Stamp{"/f": {Size: 3, Modified: 7}}}
	found := func(size, modified int64) *rootfs.Stat {
		return &rootfs.Stat{Stat_t: unix.Stat_t{Size: size, Mtim: unix.NsecToTimespec(modified)}}
	}
	testkit.Equal(t, "unchanged", l.AppendedTo("/f", found(3, 7)), false)
	testkit.Equal(t, "longer", l.AppendedTo("/f", found(4, 7)), true)
	testkit.Equal(t, "modified", l.AppendedTo("/f", found(3, 8)), true)
	testkit.Equal(t, "new", l.AppendedTo("/g", found(4, 8)), false)
	testkit.Equal(t, "no earlier run", (*Ledger)(nil).AppendedTo("/f", found(4, 8)), false)
}

func TestFinishedLedgerKeepsOnlyWhatTheNextRunNeeds(t *testing.T) {
	r, dir := openRoot(t)
	l := &Ledger{Config: "a", Planned: true, Existed: map[string]Stamp{"/f": {Size: 1}}, TempDirs: []string{"/etc"}, Result: "{}"}
	testkit.NoError(t, l.Start(r))
	started, err := Read(r)
	testkit.NoError(t, err)
	testkit.Equal(t, "interrupted after the start", started.Interrupted(), true)
	testkit.Equal(t, "temp directories", started.TempDirs, []string{"/etc"})
	testkit.NoError(t, l.Finish(r))
	finished, err := Read(r)
	testkit.NoError(t, err)
	testkit.Equal(t, "interrupted at the end", finished.Interrupted(), false)
	want := Ledger{Config: "a", Planned: true, Started: started.Started, Finished: finished.Finished, Existed: l.Existed}
	testkit.Equal(t, "the ledger at the end", *finished, want)
	info, err := os.Stat(filepath.Join(dir, Path))
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", info.Mode(), 0o600)
}

func TestUnreadableLedgerIsAnError(t *testing.T) {
	r, dir := openRoot(t)
	testkit.WriteFile(t, filepath.Join(dir, Path), "{")
	_, err := Read(r)
	testkit.ErrorContains(t, "half a ledger", err, "reading "+dir+Path)
}

func TestSavedFileIsRestoredThroughItsLink(t *testing.T) {
	r, dir := openRoot(t)
	testkit.WriteFile(t, filepath.Join(dir, "usr/passwd"), "before\x00")
	testkit.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o755))
	testkit.NoError(t, os.Symlink("/usr/passwd", filepath.Join(dir, "etc/passwd")))
	saved, err := Save(r, "/etc/passwd")
	testkit.NoError(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "usr/passwd"), "after")
	testkit.NoError(t, saved.Restore(r, "/etc/passwd"))
	testkit.Equal(t, "the file", testkit.ReadFile(t, filepath.Join(dir, "usr/passwd")), "before\x00")
	if target, err := os.Readlink(filepath.Join(dir, "etc/passwd")); err != nil || target != "/usr/passwd" {
		t.Errorf("the link leads to %q (%v)", target, err)
	}
}

func TestFileThatIsAsItWasSavedIsNotTouched(t *testing.T) {
	r, dir := openRoot(t)
	testkit.WriteFile(t, filepath.Join(dir, "etc/group"), "root:x:0:\n")
	saved, err := Save(r, "/etc/group")
	testkit.NoError(t, err)
	before, err := r.Lstat("/etc/group")
	testkit.NoError(t, err)
	testkit.NoError(t, saved.Restore(r, "/etc/group"))
	after, err := r.Lstat("/etc/group")
	testkit.NoError(t, err)
	testkit.Equal(t, "inode", after.Ino, before.Ino)
	testkit.NoError(t, os.Chmod(filepath.Join(dir, "etc/group"), 0o600))
	testkit.NoError(t, saved.Restore(r, "/etc/group"))
	after, err = r.Lstat("/etc/group")
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", after.Permissions(), before.Permissions())
}

// The note of a reset is for the request alone: neither another config nor the end of a run
// takes it away.
func TestNoteOfAClearedRootOutlivesConfigs(t *testing.T) {
	r, dir := openRoot(t)
	old := &Ledger{Config: "old", Planned: true, Existed: map[string]Stamp{"/f": {Size: 1}}}
	testkit.NoError(t, old.Start(r))
	note := Clearing{Request: "one", Removed: Amount{Files: 3, Bytes: 4}, Kept: []Amount{{"/home", 1, 2}}}
	testkit.NoError(t, RecordClearing(r, note))
	cleared, err := Read(r)
	testkit.NoError(t, err)
	testkit.Equal(t, "the ledger of a cleared root", *cleared, Ledger{Cleared: &note})
	testkit.Equal(t, "interrupted", cleared.Interrupted(), false)
	for name, write := range map[string]func(l *Ledger) error{
		"mount stage of a config": func(*Ledger) error { return RecordDirectories(dir, "a", []string{"/m"}) },
		"and of another":          func(*Ledger) error { return RecordDirectories(dir, "b", []string{"/m"}) },
		"files stage": func(l *Ledger) error {
			current, _ := l.Next("c")
			return current.Start(r)
		},
		"its end": func(l *Ledger) error {
			current, _ := l.Next("c")
			return current.Finish(r)
		},
	} {
		last, err := Read(r)
		testkit.NoError(t, err)
		testkit.NoError(t, write(last))
		last, err = Read(r)
		testkit.NoError(t, err)
		testkit.Equal(t, name, last.ClearedFor("one"), &note)
		if got := last.ClearedFor("two"); got != nil {
			t.Errorf("%s: of another request there is %+v", name, got)
		}
	}
	if got := (*Ledger)(nil).ClearedFor("one"); got != nil {
		t.Errorf("without a ledger there is %+v", got)
	}
}
