package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	resultFile = ".ignition-result.json" // in /etc
	// maxReports is how many earlier reports are kept. The reference keeps all;
	// a machine that cannot finish its first boot would fill its disk.
	maxReports = 5
)

// A Result is what the result file says about this run.
type Result struct {
	// BootID is that of the boot that provisions.
	BootID string
	// Date is when, with the local time zone.
	Date time.Time
	// UserConfigProvided reports whether there was more than the image's own config.
	UserConfigProvided bool
}

// A resultReport is the result file.
type resultReport struct {
	BootID   string        `json:"provisioningBootID"`
	Date     string        `json:"provisioningDate"`
	User     bool          `json:"userConfigProvided"`
	Previous earlierReport `json:"previousReport,omitempty"`
}

// An earlierReport is a result file as it was found, with whatever members
// another program or version has written.
type earlierReport map[string]any

const previousReport = "previousReport"

// cut keeps the newest n reports.
func (r earlierReport) truncate(n int) earlierReport {
	if r == nil || n == 0 {
		return nil
	}
	older, _ := r[previousReport].(map[string]any)
	delete(r, previousReport)
	if kept := earlierReport(older).truncate(n - 1); kept != nil {
		r[previousReport] = kept
	}
	return r
}

// result plans the result file, which tells the real system that and when the
// machine was provisioned.
func (p *planner) planResult() {
	if p.Result == (Result{}) {
		return
	}
	p.needsLabel("/etc/" + resultFile)
	p.add(config.Origin{}, "writing the result file /etc/"+resultFile, func(ctx context.Context, r *root) error {
		etc, err := r.makeDirs("/etc")
		if err != nil {
			return err
		}
		defer etc.close()
		previous, err := p.previousReport(ctx, etc)
		if err != nil {
			return err
		}
		text, err := p.Result.encode(previous)
		if err != nil {
			return fmt.Errorf("%w: %v", report.ErrBug, err)
		}
		err = etc.writeFile(resultFile, ownership{-1, -1}, 0o600, true, func(f *os.File) error {
			if _, err := f.Write(text); err != nil {
				return err
			}
			return f.Sync()
		})
		if err != nil {
			return err
		}
		return etc.sync()
	})
}

func (t Result) encode(previous earlierReport) ([]byte, error) {
	r := resultReport{BootID: t.BootID, Date: t.Date.Format(time.RFC3339), User: t.UserConfigProvided, Previous: previous.truncate(maxReports)}
	text, err := json.Indent(r)
	return append(text, '\n'), err
}

// previous is the result of an earlier run on this machine. A live system has
// none: what it finds came with its image.
func (p *planner) previousReport(ctx context.Context, etc *dir) (earlierReport, error) {
	text, err := etc.readFile(resultFile)
	if p.earlier.interrupted() { // and may have written it
		if text, err = []byte(p.ledger.Result), nil; len(text) == 0 {
			return nil, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch _, err := p.Run.Run(ctx, system.Command{Name: "is-live-image"}); {
	case err == nil:
		return nil, nil
	case errors.Is(err, exec.ErrNotFound):
		p.Log.Log(report.LevelNotice, "there is no program is-live-image here; this is taken for an installed system")
	}
	previous, err := parseReport(text)
	if err != nil {
		p.Log.Warn("the result file of an earlier run on this machine cannot be read and is dropped: " + err.Error())
		return nil, nil
	}
	p.Log.Warn("this machine was provisioned before, at " + fmt.Sprint(previous["provisioningDate"]) + "; the report of that is kept in the result file")
	return previous, nil
}

func parseReport(text []byte) (earlierReport, error) {
	var r earlierReport
	return r, json.Unmarshal(text, &r)
}

// sync makes the names in a directory survive a power cut.
func (d *dir) sync() error {
	f, _, err := d.open(".", unix.S_IFDIR)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
