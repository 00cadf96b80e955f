package stages

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/system"
)

func TestStageThatIsKilledLeavesAReport(t *testing.T) {
	b := newBench(t, `{`+version+`}`)
	p, err := newProcess(t.Context(), b.opts, stages[0])
	if err != nil {
		t.Fatal(err)
	}
	p.mark()
	p.lock.Close() // as the end of the process does
	if text := unboxed(b.read("run/ignition/report.txt")); !strings.Contains(text, "running the stage fetch-offline") ||
		!strings.Contains(text, "it was killed, or its runtime has failed") || !strings.Contains(text, "out of memory") {
		t.Errorf("the report is\n%s", text)
	}
}

func TestReportOfAnEarlierStageStays(t *testing.T) {
	b := newBench(t, `{`+version+`}`)
	b.must("fetch-offline")
	if system.Exists(b.path("run/ignition/report.txt")) {
		t.Errorf("a stage that passed leaves the report\n%s", b.read("run/ignition/report.txt"))
	}
	b.write("run/ignition/report.txt", "an earlier failure")
	b.must("files")
	if text := b.read("run/ignition/report.txt"); text != "an earlier failure" {
		t.Errorf("the report is\n%s", text)
	}
}

func TestWhatStagesLeaveBehindIsForRootOnly(t *testing.T) {
	b := newBench(t, `{"ignition": {"version": "9.9.9"}}`)
	if err := os.MkdirAll(b.path("run/ignition"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := b.run("fetch-offline"); err == nil {
		t.Fatal("there is no error")
	}
	filepath.WalkDir(b.path("run/ignition"), func(name string, d fs.DirEntry, err error) error {
		info, infoErr := d.Info()
		if err != nil || infoErr != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v, %v", name, info, err, infoErr)
		}
		return nil
	})
	for _, name := range []string{"report.txt", "report.json"} {
		if !system.Exists(b.path("run/ignition/" + name)) {
			t.Errorf("there is no %s", name)
		}
	}
}

// The cached config has secrets, and so may texts beside its origins.
func TestCachesOfConfigsAreForRootOnly(t *testing.T) {
	b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/f", "contents": {"source": "https://host.invalid/f"}}]}}`)
	b.must("fetch-offline")
	found := 0
	filepath.WalkDir(b.path("run"), func(name string, d fs.DirEntry, err error) error {
		info, infoErr := d.Info()
		if err != nil || infoErr != nil || info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, %v", name, info, err, infoErr)
		}
		if base := filepath.Base(name); base == "ignition.json" || base == "origins" || base == machineFile {
			found++
		}
		return nil
	})
	if found != 3 {
		t.Errorf("%d caches were found, want 3", found)
	}
}

func TestSecondInstanceWaitsForTheFirst(t *testing.T) {
	b := newBench(t, `{`+version+`}`)
	if err := os.MkdirAll(b.path("run/ignition"), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := system.LockDirectory(t.Context(), b.path("run/ignition"), time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	var released atomic.Bool
	time.AfterFunc(time.Second, func() { released.Store(true); lock.Close() })
	b.must("fetch-offline")
	if !released.Load() {
		t.Error("the stage did not wait")
	}
}
