package files

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

const (
	resultFile = "/etc/.ignition-result.json"
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

// truncate keeps the newest n reports.
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

// planResult plans the result file, which tells the real system that and when the
// machine was provisioned. Until all is on the disk and the ledger says so, nobody reads it:
// the first boot is repeated then.
func (p *planner) planResult() {
	if p.Result == (Result{}) {
		return
	}
	p.needsLabel(p.ResultFile)
	p.add(config.Origin{}, "writing the result file "+p.ResultFile, func(ctx context.Context) error {
		return p.root.InParent(p.ResultFile, func(dir *rootfs.Dir, base string) error {
			found, err := dir.ReadFile(base)
			if err != nil {
				return err
			}
			text, err := p.Result.encode(p.previousReport(ctx, found))
			if err != nil {
				return fmt.Errorf("%w: %v", report.ErrBug, err)
			}
			return dir.WriteFile(base, text, rootfs.Options{Mode: 0o600, Replace: true, Sync: !p.synced})
		})
	})
}

func (t Result) encode(previous earlierReport) ([]byte, error) {
	r := resultReport{BootID: t.BootID, Date: t.Date.Format(time.RFC3339), User: t.UserConfigProvided, Previous: previous.truncate(maxReports)}
	text, err := json.Indent(r)
	return append(text, '\n'), err
}

// previousReport is the result file of an earlier run on this machine, nil if
// there was none. A live system has none: what it finds came with its image.
func (p *planner) previousReport(ctx context.Context, found []byte) earlierReport {
	if p.earlier.Interrupted() { // and may have written it
		found = []byte(p.ledger.Result)
		if len(found) == 0 {
			return nil
		}
	}
	if found == nil {
		return nil
	}
	switch _, err := p.Run.Run(ctx, system.Command{Name: "is-live-image"}); {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		p.Log.Log(report.LevelNotice, "there is no program is-live-image here; this is taken for an installed system")
	}
	previous, err := parseReport(found)
	if err != nil {
		p.Log.Warn("the result file of an earlier run on this machine cannot be read and is dropped: " + err.Error())
		return nil
	}
	p.Log.Warn("this machine was provisioned before, at " + fmt.Sprint(previous["provisioningDate"]) + "; the report of that is kept in the result file")
	return previous
}

func parseReport(text []byte) (earlierReport, error) {
	var r earlierReport
	return r, json.Unmarshal(text, &r)
}
