package counter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var file = File{Name: "x/counters.txt", Head: "What it costs."}

func TestAFileIsWrittenAndCompared(t *testing.T) {
	f := File{Name: filepath.Join(t.TempDir(), "counters.txt"), Head: "What it costs."}
	var out strings.Builder
	if err := f.Check(&out, nil, false); !os.IsNotExist(err) {
		t.Errorf("without a file: error %v", err)
	}
	if err := f.Check(&out, []Counter{{"flushes", 5}}, true); err != nil {
		t.Fatal(err)
	}
	if err := f.Check(&out, []Counter{{"flushes", 5}}, false); err != nil {
		t.Error(err)
	}
	if err := f.Check(&out, []Counter{{"flushes", 6}}, false); err == nil || err.Error() != "flushes; if that has to be so, run it with -update" {
		t.Errorf("error %v", err)
	}
}

func TestARiseFails(t *testing.T) {
	before := []Counter{{"files, system calls for a file", 11}, {"files, KiB of memory", 1000}}
	for name, tc := range map[string]struct {
		now       []Counter
		says, err string
	}{
		"the same":      {before, "11    11    files, system calls for a file", ""},
		"less":          {[]Counter{{"files, system calls for a file", 9}, before[1]}, "11     9  less  files", ""},
		"more":          {[]Counter{{"files, system calls for a file", 12}, before[1]}, "RISEN  files, system", "files, system calls for a file; if that has to be so, run it with -update"},
		"memory by 10%": {[]Counter{before[0], {"files, KiB of memory", 1100}}, "1000  1100    files, KiB", ""},
		"memory by 20%": {[]Counter{before[0], {"files, KiB of memory", 1200}}, "1000  1200  RISEN", "files, KiB of memory; if"},
		"a new one":     {append([]Counter{{"x", 1}}, before...), "new  x", "x; if"},
		"one is gone":   {before[:1], "", "files, KiB of memory (not counted any more); if"},
	} {
		var out strings.Builder
		err := compare(&out, before, tc.now)
		if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: error %v, want %q", name, err, tc.err)
		}
		if !strings.Contains(out.String(), tc.says) {
			t.Errorf("%s: %q is not in\n%s", name, tc.says, out.String())
		}
	}
}

func TestWhatATransactionMoreWritesIsNoRise(t *testing.T) {
	for name, most := range map[string]int{"root, flushes": 105, "root, bytes written": 105, "fetch, bytes read": 102, "programs": 100} {
		if got := (Counter{name, 100}).most(); got != most {
			t.Errorf("%s: %d is no rise, want %d", name, got, most)
		}
	}
}

func TestCountersAreReadAsTheyAreWritten(t *testing.T) {
	all := []Counter{{"files, system calls for a file", 11}, {"20 remote files, requests", 20}}
	got, err := file.parse(file.format(all))
	if err != nil || len(got) != 2 || got[0] != all[0] || got[1] != all[1] {
		t.Errorf("%v, error %v", got, err)
	}
	if _, err := file.parse("eleven\tfiles\n"); err == nil || err.Error() != `x/counters.txt: "eleven\tfiles\n" is no counter` {
		t.Errorf("error %v", err)
	}
}
