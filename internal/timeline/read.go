package timeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// MaxBytes bounds a record. That of 5,000 files has 1.5 MB.
const MaxBytes = 32 << 20

// maxParsed bounds the stages of a record: each of the eight may have run a few times.
const maxParsed = 1000

// maxSeconds bounds a duration: nobody waits longer for a first boot, and sums of these
// stay numbers.
const maxSeconds = 366 * 24 * 3600

var (
	errTooLarge = fmt.Errorf("it has more than %s, which no record has", system.FormatSize(MaxBytes))
	errTooMany  = fmt.Errorf("it has more than %d stages, which no boot has", maxParsed)
)

// Parse reads a record, or the stages of report.json, one to a line, which say less. All
// texts of the result are printable, and its durations are sensible.
func Parse(text []byte) (report.Record, error) {
	if len(text) > MaxBytes {
		return report.Record{}, errTooLarge
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return report.Record{}, errors.New("it is empty")
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	var line report.Stage
	var r report.Record
	var err error
	if json.Unmarshal(first, &line) == nil && line.Stage != "" {
		r, err = parseStages(text)
	} else if r, err = report.ParseRecord(text); err == nil {
		err = checkRecord(r)
	}
	if err != nil {
		return report.Record{}, err
	}
	clean(&r)
	return r, nil
}

// checkRecord refuses what is JSON, but not a record that this program knows.
func checkRecord(r report.Record) error {
	switch {
	case r.Version == 0:
		return errors.New(`it is neither a record, which has a "version", nor report.json, which has a "stage" in each line`)
	case r.Version != report.RecordVersion:
		return fmt.Errorf("its format has version %d, and this program knows version %d: use the firstlightctl of a newer release", r.Version, report.RecordVersion)
	case len(r.Stages) > maxParsed:
		return errTooMany
	}
	return nil
}

// lastStages are those with which a first boot is complete.
var lastStages = []string{"umount", "finish", "all"}

// parseStages makes a record of report.json.
func parseStages(text []byte) (report.Record, error) {
	var r report.Record
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var s report.Stage
		err := json.Unmarshal(line, &s)
		if err == nil && s.Stage == "" {
			err = errors.New(`there is no "stage"`)
		}
		if err != nil {
			return report.Record{}, fmt.Errorf("line %d is not a stage of report.json: %w", number, err)
		}
		if len(r.Stages) == maxParsed {
			return report.Record{}, errTooMany
		}
		r.Add(s, slices.Contains(lastStages, s.Stage))
	}
	return r, nil
}

// clean makes the texts of a record printable and its durations sensible.
func clean(r *report.Record) {
	for _, text := range []*string{&r.Boot, &r.Agent, &r.Platform, &r.Outcome, &r.Machine.Architecture, &r.Machine.Kernel} {
		cleanLine(text)
	}
	r.Started = cleanTime(r.Started)
	cleanSeconds(&r.Seconds)
	for i := range r.Units {
		cleanLine(&r.Units[i])
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		cleanLine(&s.Kind)
		cleanLine(&s.Name)
		cleanLine(&s.Digest)
		cleanLine(&s.Signer)
	}
	for i := range r.Skipped {
		s := &r.Skipped[i]
		cleanOrigin(&s.Origin)
		for _, text := range []*string{&s.Name, &s.Fact, &s.Pattern, &s.Value} {
			cleanLine(text)
		}
	}
	cleanReset(r.Reset)
	for i := range r.Stages {
		cleanStage(&r.Stages[i])
	}
}

func cleanReset(r *report.Reset) {
	if r == nil {
		return
	}
	cleanLine(&r.Request)
	amounts := []*report.Amount{}
	if r.Removed != nil {
		amounts = append(amounts, r.Removed)
	}
	for i := range r.Kept {
		amounts = append(amounts, &r.Kept[i])
	}
	for _, a := range amounts {
		cleanLine(&a.Path)
		a.Files, a.Bytes = max(a.Files, 0), max(a.Bytes, 0)
	}
}

func cleanStage(s *report.Stage) {
	cleanLine(&s.Stage)
	s.Started = cleanTime(s.Started)
	cleanSeconds(&s.Seconds)
	for i := range s.Operations {
		o := &s.Operations[i]
		cleanLine(&o.Name)
		cleanOrigin(&o.Origin)
		o.Error = system.Printable(o.Error)
		o.Started = cleanTime(o.Started)
		cleanSeconds(&o.Seconds)
	}
	for i := range s.Planned {
		cleanLine(&s.Planned[i])
	}
	for i := range s.Waits {
		w := &s.Waits[i]
		cleanLine(&w.For)
		w.Started = cleanTime(w.Started)
		cleanSeconds(&w.Seconds)
	}
	for i := range s.Warnings {
		s.Warnings[i] = system.Printable(s.Warnings[i])
	}
	for i := range s.Problems {
		p := &s.Problems[i]
		cleanOrigin(&p.Origin)
		for _, text := range []*string{&p.Operation, &p.Cause, &p.Detail, &p.Hint} {
			*text = system.Printable(*text)
		}
	}
}

func cleanLine(text *string) { *text = system.PrintableLine(*text) }

func cleanOrigin(o *config.Origin) {
	cleanLine(&o.Source)
	cleanLine(&o.Path)
}

func cleanSeconds(s *float64) {
	if math.IsNaN(*s) {
		*s = 0
	}
	*s = min(max(*s, 0), maxSeconds)
}

// cleanTime is in UTC: the machine that shows a record may be anywhere. What no clock
// shows is no time.
func cleanTime(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 2500 {
		return time.Time{}
	}
	return t.UTC()
}

// firstFailed returns the name of the first stage that has failed; "" if none has.
func firstFailed(stages []report.Stage) string {
	for _, s := range stages {
		if len(s.Problems) > 0 {
			return cmp.Or(strings.TrimSpace(s.Stage), "?")
		}
	}
	return ""
}
