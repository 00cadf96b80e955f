package stages

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

// record is the one beside the state.
func (b *bench) record() report.Record {
	b.t.Helper()
	r, err := report.ParseRecord([]byte(b.read("run/ignition/record.json")))
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// kept are the names of the records in the new system.
func (b *bench) kept() []string {
	b.t.Helper()
	files, err := filepath.Glob(b.path("root/var/log/firstlight/*"))
	if err != nil {
		b.t.Fatal(err)
	}
	return files
}

func (b *bench) mode(name string) fs.FileMode {
	b.t.Helper()
	info, err := os.Lstat(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return info.Mode()
}

const motd = `{` + version + `, "storage": {"files": [{"path": "/etc/motd", "contents": {"source": "data:,hi"}}]}}`

func TestRecordGrowsWithEachStage(t *testing.T) {
	b := newBench(t, motd)
	b.write("image/usr/base.d/00.ign", `{`+version+`}`)
	stages := []string{"fetch-offline", "kargs", "disks", "mount", "files", "umount"}
	for i, stage := range stages {
		b.must(stage)
		r := b.record()
		want := report.Unfinished
		if stage == umountStage {
			want = report.Provisioned
		}
		if r.Outcome != want || len(r.Stages) != i+1 || r.Stages[i].Stage != stage || r.Seconds < r.Stages[i].Seconds {
			t.Errorf("after %s the record is %+v", stage, r)
		}
	}
	if mode := b.mode("run/ignition/record.json"); mode != 0o600 {
		t.Errorf("its mode is %v", mode)
	}
	r := b.record()
	boot, err := system.BootID()
	if err != nil || r.Boot != strings.ReplaceAll(boot, "-", "") || r.Version != report.RecordVersion || r.Agent != system.Version || r.Platform != "file" ||
		r.Machine.Processors == 0 || r.Machine.Memory < 1<<20 || r.Machine.Kernel == "" || !r.Started.Equal(r.Stages[0].Started) {
		t.Errorf("the record is %+v", r)
	}
	if len(r.Sources) != 2 || r.Sources[0].Kind != "base" || r.Sources[1].Kind != "user" || r.Sources[1].Bytes != int64(len(motd)) ||
		!strings.Contains(r.Sources[1].Name, b.path("user.ign")) || !strings.HasPrefix(r.Sources[1].Digest, "sha512-") || len(r.Sources[1].Digest) != 7+128 {
		t.Errorf("the sources are %+v", r.Sources)
	}
	if ops := r.Stages[4].Operations; len(ops) == 0 || ops[len(ops)-1].Seconds < 0 {
		t.Errorf("the operations of files are %+v", ops)
	}
}

func TestRecordBeginsAnewWithAnotherBoot(t *testing.T) {
	for name, earlier := range map[string]string{"another boot": `{"boot":"0","stages":[{"stage":"disks"}]}`, "cut off": `{"boot":`, "empty": ""} {
		b := newBench(t, motd)
		b.write("run/ignition/boot.json", earlier)
		b.must("fetch-offline")
		if r := b.record(); len(r.Stages) != 1 || r.Stages[0].Stage != fetchOfflineStage {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}

func TestRecordsOfReferencedAndBrokenConfigsAreThere(t *testing.T) {
	url := server(t, map[string]string{"/merged": `{` + version + `, "storage": 5}`})
	b := newBench(t, `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "`+url+`/merged?token=secret"}]}}}`)
	b.fails("fetch", "this is a number")
	r := b.record()
	if r.Outcome != report.Failed || len(r.Sources) != 2 || !r.Sources[1].Referenced || r.Sources[1].Name != "config from "+url+"/merged?..." {
		t.Errorf("got %+v", r)
	}
	if r.Stages[0].Problems[0].Origin.Source != r.Sources[1].Name {
		t.Errorf("the origin %+v names none of the sources %+v", r.Stages[0].Problems[0].Origin, r.Sources)
	}
}

func TestRecordIsKeptInTheNewSystem(t *testing.T) {
	b := newBench(t, motd)
	b.must("fetch-offline", "disks", "mount")
	if got := b.kept(); got != nil {
		t.Errorf("before the stage files there is %q", got)
	}
	b.must("files")
	file := b.kept()
	if len(file) != 1 || filepath.Base(file[0]) != b.record().Boot+".json" {
		t.Fatalf("got %q", file)
	}
	b.must("umount")
	name := "root/var/log/firstlight"
	if mode := b.mode(name); mode != fs.ModeDir|0o700 {
		t.Errorf("the mode of the directory is %v", mode)
	}
	name += "/" + filepath.Base(file[0])
	if mode := b.mode(name); mode != 0o600 {
		t.Errorf("the mode of the file is %v", mode)
	}
	if text := b.read(name); text != b.read("run/ignition/record.json") {
		t.Errorf("it is not the record: %s", text)
	}
	if len(b.kept()) != 1 {
		t.Errorf("got %q", b.kept())
	}
}

// Finish is there for systems that something else unmounts.
func TestRecordIsFinishedWithoutUmount(t *testing.T) {
	b := newBench(t, motd)
	b.must("fetch-offline", "files", "finish")
	if kept := b.read("root/var/log/firstlight/" + b.record().Boot + ".json"); !strings.Contains(kept, `"outcome":"provisioned"`) {
		t.Errorf("got %s", kept)
	}
}

func TestRecordOfAMachineInEmergencyIsUnfinished(t *testing.T) {
	b := newBench(t, motd)
	b.systemd([]systemtest.Unit{{State: "active"}})
	b.must("fetch-offline", "files", "umount")
	if r := b.record(); r.Outcome != report.Unfinished {
		t.Errorf("got %+v", r)
	}
}

func TestRecordOfAFailureIsKeptWhereThereAreLogs(t *testing.T) {
	const taken = `{` + version + `, "storage": {"files": [{"path": "/etc/passwd", "contents": {"source": "data:,x"}}]}}`
	for _, logs := range []bool{true, false} {
		b := newBench(t, taken)
		if logs {
			b.write("root/var/log/wtmp", "")
		}
		b.must("fetch-offline")
		b.fails("files", "/etc/passwd")
		if got := b.kept(); (len(got) == 1) != logs {
			t.Errorf("with logs %v there is %q", logs, got)
		}
		if logs && !strings.Contains(b.read("root/var/log/firstlight/"+b.record().Boot+".json"), `"outcome":"failed"`) {
			t.Error("it does not say that the boot has failed")
		}
	}
}

func TestFiveRecordsAreKept(t *testing.T) {
	b := newBench(t, motd)
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 7 {
		name := fmt.Sprintf("root/var/log/firstlight/%032d.json", i)
		b.write(name, "")
		if err := os.Chtimes(b.path(name), old, old.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	b.write("root/var/log/firstlight/notes.json", "a person's own")
	b.write("root/var/log/firstlight/.firstlight-abc", "of a power cut")
	b.must("fetch-offline", "files", "umount")
	var got []string
	for _, file := range b.kept() {
		got = append(got, filepath.Base(file))
	}
	want := []string{b.record().Boot + ".json", "notes.json"}
	for i := 3; i < 7; i++ {
		want = append(want, fmt.Sprintf("%032d.json", i))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRecordThatCannotBeKeptIsAWarning(t *testing.T) {
	for name, c := range map[string]struct{ file, warning string }{
		"/var is a file":            {"root/var", "not a directory"},
		"the directory is a file":   {"root/var/log/firstlight", "not a directory"},
		"a directory has its place": {"root/var/log/firstlight/BOOT.json/x", ""}, // is replaced
	} {
		b := newBench(t, motd)
		b.must("fetch-offline")
		b.write(strings.ReplaceAll(c.file, "BOOT", b.record().Boot), "")
		b.must("files", "umount")
		if warned := strings.Contains(b.log.String(), "WARNING  : files: keeping the record of this boot: "); warned != (c.warning != "") || !strings.Contains(b.log.String(), c.warning) {
			t.Errorf("%s: the log is\n%s", name, &b.log)
		}
	}
}

func TestLinksOfTheImageDoNotLeadOut(t *testing.T) {
	b := newBench(t, motd)
	outside := b.path("outside")
	if err := os.MkdirAll(b.path("root/var"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../../"+outside, b.path("root/var/log")); err != nil {
		t.Fatal(err)
	}
	b.must("fetch-offline", "files")
	if system.Exists(outside) || !system.Exists(b.path("root"+outside+"/firstlight/"+b.record().Boot+".json")) {
		t.Errorf("the record is outside: %v\n%s", system.Exists(outside), &b.log)
	}
}

func TestKeptRecordIsLabelledOnce(t *testing.T) {
	for name, c := range map[string]struct {
		labelled []string // before
		want     string
	}{
		"new directories":     {[]string{"root"}, "root/var"},
		"a log directory":     {[]string{"root", "root/var", "root/var/log"}, "root/var/log/firstlight"},
		"an unlabelled image": {[]string{"root/var/log"}, "root/var/log/firstlight/BOOT.json"},
	} {
		b := newBench(t, motd)
		b.write("root/etc/selinux/config", "SELINUXTYPE=targeted\n")
		b.write("root/etc/selinux/targeted/contexts/files/file_contexts", "")
		setLabel := func(name string) {
			if err := unix.Lsetxattr(b.path(name), labelAttribute, []byte("l"), 0); err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range c.labelled {
			if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			setLabel(dir)
		}
		b.program("setfiles", `tr '\0' '\n' >> `+b.path("labelled"))
		b.must("fetch-offline", "files")
		record := "root/var/log/firstlight/" + b.record().Boot + ".json"
		want := strings.ReplaceAll(b.path(c.want), "BOOT", b.record().Boot)
		lines := strings.Split(strings.TrimSpace(b.read("labelled")), "\n")
		if got := lines[len(lines)-1]; got != want {
			t.Errorf("%s: labelled is %q, want %q", name, got, want)
		}
		for at := record; at != "root"; at = filepath.Dir(at) {
			setLabel(at) // as setfiles does
		}
		b.must("umount")
		if again := strings.Split(strings.TrimSpace(b.read("labelled")), "\n"); len(again) != len(lines) {
			t.Errorf("%s: it is labelled again: %q", name, again)
		}
		if size, err := unix.Lgetxattr(b.path(record), labelAttribute, nil); err != nil || size != 1 {
			t.Errorf("%s: the last record has no label: %v", name, err)
		}
	}
}

func TestRecordHasTheWaits(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"disks": [{"device": "/dev/disk/by-id/none"}]}}`)
	b.write("cmdline", "quiet firstlight.device_timeout=2\n")
	b.must("fetch-offline")
	b.fails("disks", "/dev/disk/by-id/none")
	waits := b.record().Stages[1].Waits
	if len(waits) != 1 || !strings.Contains(waits[0].For, "/dev/disk/by-id/none") || waits[0].Seconds < 2 {
		t.Errorf("got %+v", waits)
	}
	var s report.Stage
	lines := strings.Split(strings.TrimSpace(b.read("run/ignition/report.json")), "\n")
	if err := json.Unmarshal([]byte(lines[1]), &s); err != nil || len(s.Waits) != 1 {
		t.Errorf("report.json has %+v, %v", s, err)
	}
}
