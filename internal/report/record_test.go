package report

import (
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
)

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	at := time.Date(2026, 11, 29, 8, 43, 16, 250_000_000, time.UTC)
	want := Record{
		Version: RecordVersion, Boot: "205deb1168dc4f0eb1f0d5ac3b0a9c41", Agent: "0.9.0", Platform: "qemu", Started: at, Seconds: 4.1, Outcome: Failed,
		Machine: Machine{Architecture: "amd64", Kernel: "6.1.0", Processors: 2, Memory: 1 << 30},
		Sources: []Source{{Kind: "user", Name: "fw_cfg", Digest: "sha512-00", Bytes: 12}},
		Reset:   &Reset{Request: "0123", Requested: at, Kept: []Amount{{"/home", 3, 4096}}, Removed: &Amount{Files: 5, Bytes: 6}, MachineID: true},
		Stages: []Stage{{
			Stage: "disks", Started: at, Seconds: 1.5,
			Operations: []Outcome{{Name: "waiting for /dev/vdb", Origin: config.Origin{Source: "user config", Line: 3, Column: 7, Path: "storage.disks[0]"}, Started: at, Seconds: 1, Error: "it is not there"}},
			Waits:      []Wait{{For: "/dev/vdb", Started: at, Seconds: 1}},
			Warnings:   []string{"a warning"},
			Problems:   []Problem{{Operation: "waiting for /dev/vdb", Cause: "it is not there", Hint: "look"}},
		}},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseRecord(text); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v\nfrom %s", err, got, want, text)
	}
}

// stage is one that began after some seconds and took some.
func stage(name string, after, seconds float64, problems ...Problem) Stage {
	begin := time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	return Stage{Stage: name, Started: begin.Add(time.Duration(after * float64(time.Second))), Seconds: seconds, Problems: problems}
}

func TestOutcomeIsThatOfTheLastTry(t *testing.T) {
	bad := Problem{Cause: "x"}
	for name, c := range map[string]struct {
		stages []Stage
		last   bool
		want   string
	}{
		"on its way":              {[]Stage{stage("fetch-offline", 0, 1), stage("disks", 1, 1)}, false, Unfinished},
		"at its end":              {[]Stage{stage("files", 0, 1), stage("umount", 1, 1)}, true, Provisioned},
		"failed":                  {[]Stage{stage("disks", 0, 1, bad)}, false, Failed},
		"failed, and unmounted":   {[]Stage{stage("files", 0, 1, bad), stage("umount", 1, 1)}, false, Failed},
		"the last one has failed": {[]Stage{stage("files", 0, 1), stage("umount", 1, 1, bad)}, true, Failed},
		"repeated by hand":        {[]Stage{stage("files", 0, 1, bad), stage("files", 60, 1), stage("umount", 61, 1)}, true, Provisioned},
		"repeated in vain":        {[]Stage{stage("disks", 0, 1), stage("disks", 60, 1, bad)}, false, Failed},
	} {
		var r Record
		for i, s := range c.stages {
			r.Add(s, c.last && i == len(c.stages)-1)
		}
		last := c.stages[len(c.stages)-1]
		if seconds := last.Started.Sub(c.stages[0].Started).Seconds() + last.Seconds; r.Outcome != c.want || r.Seconds != seconds || !r.Started.Equal(c.stages[0].Started) {
			t.Errorf("%s: got %+v, want %s and %v s", name, r, c.want, seconds)
		}
	}
}

func TestSummaryHasWhatTookTime(t *testing.T) {
	for want, stages := range map[string][]Stage{
		"first boot 0.0 s": {stage("fetch-offline", 0, 0.01), stage("umount", 0.02, 0.01)},
		"first boot 4.1 s: network 2.2, disks 0.9, files 0.6": {stage("fetch-offline", 0, 0.04), stage("fetch", 0.14, 2.1), stage("kargs", 2.3, 0.01),
			stage("disks", 2.4, 0.5), stage("mount", 2.9, 0.4), stage("files", 3.4, 0.6), stage("umount", 4, 0.1)},
		"first boot 12.0 s: config 11.0, files 1.0": {stage("fetch-offline", 0, 11), stage("files", 11, 1)},
		"first boot 3.0 s: network 2.0, files 1.0":  {stage("fetch", 0, 2), stage("files", 2, 1)},
		"first boot 0.0 s: files 1.0":               {stage("files", 0, 1), stage("umount", -3600, 1)}, // the clock was set
	} {
		var r Record
		for _, s := range stages {
			r.Add(s, true)
		}
		if got := r.Summary(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLongWaitsAreNoted(t *testing.T) {
	log := NewWriterLogger(io.Discard)
	now := time.Now()
	log.With("disks").Waited("a disk", now)
	if got := log.Waits(); got != nil {
		t.Errorf("a short one is noted: %+v", got)
	}
	since := now.Add(-time.Minute)
	log.With("disks").Waited("/dev/x\x1b\ny", since)
	for range maxNotes + 1 {
		log.Waited("others", since)
	}
	got := log.Waits()
	if len(got) != maxNotes || got[0].For != "/dev/x??y" || !got[0].Started.Equal(since) || got[0].Seconds < 60 {
		t.Errorf("%d waits, the first is %+v", len(got), got[0])
	}
	if (*Logger)(nil).Waits() != nil {
		t.Error("a silent logger has waits")
	}
	(*Logger)(nil).Waited("x", since)
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"version":1,"boot":"x","stages":[{"stage":"disks","started":"2026-11-29T08:43:16.25Z","seconds":1.5,"waits":[{"for":"x"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRecord(text)
		if err != nil {
			return
		}
		r.Summary()
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseRecord(written); err != nil || again.Summary() != r.Summary() {
			t.Errorf("%v: %s", err, written)
		}
	})
}
