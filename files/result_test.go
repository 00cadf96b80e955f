package files

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

const resultAt = resultFile

const report1 = `{
  "provisioningBootID": "f00",
  "provisioningDate": "2026-02-03T04:05:06Z",
  "userConfigProvided": true
}
`

func TestResultFileBytes(t *testing.T) {
	w := newFixture(t)
	w.mustApply("")
	w.wantText(resultAt, report1)
	w.wantMode(resultAt, 0o600)
	if strings.Contains(w.log.String(), "WARNING") {
		t.Errorf("the log is\n%s", w.log)
	}
	w.Result.BootID, w.Result.UserConfigProvided = "ba2", false
	w.mustApply("")
	w.wantText(resultAt, `{
  "provisioningBootID": "ba2",
  "provisioningDate": "2026-02-03T04:05:06Z",
  "userConfigProvided": false,
  "previousReport": {
    "provisioningBootID": "f00",
    "provisioningDate": "2026-02-03T04:05:06Z",
    "userConfigProvided": true
  }
}
`)
	for _, want := range []string{
		"WARNING  : this machine was provisioned before, at 2026-02-03T04:05:06Z",
		"NOTICE   : there is no program is-live-image here",
	} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("%q is not in the log\n%s", want, w.log)
		}
	}
}

func TestResultFileReplacesALink(t *testing.T) {
	w := newFixture(t)
	w.symlink(w.outside+"/x", resultAt)
	if err := w.apply(""); err == nil || !strings.Contains(err.Error(), "writing the result file /etc/.ignition-result.json") {
		t.Error(err)
	}
}

func TestPreviousReport(t *testing.T) {
	const old = `{"provisioningDate": "then", "provisioningBootID": "b", "userConfigProvided": false, "newMember": [1, "x"]}`
	for name, c := range map[string]struct {
		live     systemtest.Answer
		previous string
		want     string // of the previous date; "" if there is none
		logged   string
	}{
		"live system":      {previous: old},
		"installed system": {live: systemtest.Answer{Err: errors.New("exit status 1")}, previous: old, want: "then", logged: "provisioned before, at then"},
		"damaged report":   {live: systemtest.Answer{Err: errors.New("exit status 1")}, previous: `{"provisioningDa`, logged: "cannot be read and is dropped"},
		"empty report":     {live: systemtest.Answer{Err: errors.New("exit status 1")}, previous: ``, logged: "cannot be read and is dropped"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.run.Answers["is-live-image"] = c.live
			w.write(resultAt, c.previous)
			w.mustApply("")
			var got struct {
				PreviousReport *struct {
					ProvisioningDate string
					NewMember        []any
				}
			}
			if err := json.Unmarshal([]byte(w.read(resultAt)), &got); err != nil {
				t.Fatal(err)
			}
			if c.want == "" && got.PreviousReport != nil {
				t.Errorf("the previous report is %+v", got.PreviousReport)
			}
			if c.want != "" && (got.PreviousReport == nil || got.PreviousReport.ProvisioningDate != c.want || len(got.PreviousReport.NewMember) != 2) {
				t.Errorf("the previous report is %+v", got.PreviousReport)
			}
			if !strings.Contains(w.log.String(), c.logged) {
				t.Errorf("the log is\n%s", w.log)
			}
		})
	}
}

func TestReportsDoNotGrowWithoutEnd(t *testing.T) {
	w := newFixture(t)
	for range maxReports + 10 {
		w.mustApply("")
	}
	if got := strings.Count(w.read(resultAt), "previousReport"); got != maxReports {
		t.Errorf("%d previous reports are kept, want %d", got, maxReports)
	}
}

func FuzzPreviousReport(f *testing.F) {
	f.Add([]byte(report1))
	f.Add([]byte(`{"previousReport": {"previousReport": {"previousReport": null}}, "x": {}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		previous, err := parseReport(text)
		if err != nil {
			return
		}
		again, err := Result{BootID: "f00"}.encode(previous)
		if err != nil || !json.Valid(again) {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
		if _, err := parseReport(again); err != nil {
			t.Errorf("%q became %q: %v", text, again, err)
		}
	})
}
