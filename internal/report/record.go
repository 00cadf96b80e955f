package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
)

// RecordVersion is the version of the record's format. It rises when a reader of an older
// one would be wrong; readers ignore members that they do not know.
const RecordVersion = 1

// Port is the virtio serial port on which a virtual machine sends the record to its host.
const Port = "dev.firstlight.report"

// A Record is what happened in a first boot, for people and programs that were not there:
// docs/record.md describes it. It holds no secrets: no contents, no keys, and of URLs
// what may be shown.
type Record struct {
	Version int `json:"version"`
	// Boot is the kernel's boot ID, without dashes, as in the journal.
	Boot string `json:"boot"`
	// Agent is the version of Firstlight.
	Agent    string `json:"agent"`
	Platform string `json:"platform"`
	// Started is when the first stage began.
	Started time.Time `json:"started"`
	// Seconds from then to the end of the last stage.
	Seconds float64 `json:"seconds"`
	// Outcome is Provisioned, Failed or Unfinished.
	Outcome string  `json:"outcome"`
	Machine Machine `json:"machine"`
	// Sources are the configs, in the order in which they were read.
	Sources []Source `json:"sources,omitempty"`
	// Skipped are the entries whose conditions do not hold on this machine.
	Skipped []Skipped `json:"skipped,omitempty"`
	// Reset is about the machine's reset, if this boot has one.
	Reset  *Reset  `json:"reset,omitempty"`
	Stages []Stage `json:"stages"`
	// Units are those of systemd that have failed, if it was none of the stages.
	Units []string `json:"units,omitempty"`
}

// How a first boot can end.
const (
	Provisioned = "provisioned"
	Failed      = "failed"
	// Unfinished is the outcome of a boot of which not all stages have run: of one that
	// goes on, or that lost its power.
	Unfinished = "unfinished"
)

// A Machine is what a machine has, as far as it matters for a first boot.
type Machine struct {
	Architecture string `json:"architecture"` // as Go names it: amd64, arm64, ...
	Kernel       string `json:"kernel"`       // its release
	Processors   int    `json:"processors"`
	Memory       uint64 `json:"memory"` // bytes
}

// A Source is a config that was read.
type Source struct {
	Kind       string `json:"kind"` // base, user or metadata
	Name       string `json:"name"` // a URL without its secrets, a file, a provider
	Referenced bool   `json:"referenced,omitempty"`
	// Digest is "sha512-" and the sum of its bytes, in hexadecimal.
	Digest string `json:"digest,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	// Signer is the key that it was signed with, if the image wants that.
	Signer string `json:"signer,omitempty"`
}

// Skipped is an entry of a config that is for other machines.
type Skipped struct {
	Origin config.Origin `json:"origin"`
	Name   string        `json:"name,omitempty"` // a path, a name or a device
	// Fact has the Value, and Pattern is what it should match.
	Fact    string `json:"fact"`
	Pattern string `json:"pattern"`
	Value   string `json:"value"`
}

// String is the entry and the reason, as config.Skipped has them.
func (s Skipped) String() string {
	return config.Skipped{Origin: s.Origin, Entry: s.Name, Fact: s.Fact, Pattern: s.Pattern, Value: s.Value}.String()
}

// A Reset is what a reset has done to the root.
type Reset struct {
	// Request is the ID of the request, and Requested when it was written.
	Request   string    `json:"request"`
	Requested time.Time `json:"requested"`
	// Kept are the paths that stay, and Removed is what has gone: nil until then.
	Kept    []Amount `json:"kept,omitempty"`
	Removed *Amount  `json:"removed,omitempty"`
	// MachineID reports whether the machine keeps its ID.
	MachineID bool `json:"machineID,omitempty"`
}

// An Amount is how many files there are, and how many bytes in them.
type Amount struct {
	Path  string `json:"path,omitempty"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

// A Wait is time that passed for something that had to come: a device, a route, a server,
// a helper program.
type Wait struct {
	For     string    `json:"for"` // "a network route to 169.254.169.254"
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
}

// Add appends a stage that has ended, and decides the outcome: a stage that has failed may
// have succeeded later. Last is the stage after which nothing is left to do.
func (r *Record) Add(s Stage, last bool) {
	r.Stages = append(r.Stages, s)
	r.Started = r.Stages[0].Started
	r.Seconds = max(0, s.end().Sub(r.Started).Seconds())
	r.Outcome = Unfinished
	if last {
		r.Outcome = Provisioned
	}
	for i, s := range r.Stages {
		repeated := slices.ContainsFunc(r.Stages[i+1:], func(later Stage) bool { return later.Stage == s.Stage })
		if len(s.Problems) > 0 && !repeated {
			r.Outcome = Failed
		}
	}
}

// AddSource appends a source, once.
func (r *Record) AddSource(s Source) {
	if !slices.Contains(r.Sources, s) {
		r.Sources = append(r.Sources, s)
	}
}

// AddSkipped appends an entry, once.
func (r *Record) AddSkipped(s Skipped) {
	if !slices.Contains(r.Skipped, s) {
		r.Skipped = append(r.Skipped, s)
	}
}

// end is when a stage has ended.
func (s Stage) end() time.Time { return s.Started.Add(time.Duration(s.Seconds * float64(time.Second))) }

// Summary is the boot in one line: "first boot 4.1 s: network 2.2, disks 0.9, files 0.6".
// The network's time begins with the end of the stage that has asked for it.
func (r *Record) Summary() string {
	parts := [...]struct {
		name    string
		seconds float64
	}{{"config", 0}, {"network", 0}, {"disks", 0}, {"files", 0}}
	var asked time.Time
	for _, s := range r.Stages {
		switch s.Stage {
		case "fetch-offline":
			asked = s.end()
			parts[0].seconds += s.Seconds
		case "fetch":
			if asked.IsZero() { // it was run by itself
				asked = s.Started
			}
			parts[1].seconds += s.end().Sub(asked).Seconds()
		case "disks", "mount":
			parts[2].seconds += s.Seconds
		case "files":
			parts[3].seconds += s.Seconds
		}
	}
	text, separator := fmt.Sprintf("first boot %.1f s", r.Seconds), ": "
	for _, p := range parts {
		if p.seconds >= 0.05 {
			text += fmt.Sprintf("%s%s %.1f", separator, p.name, p.seconds)
			separator = ", "
		}
	}
	return text
}

// ParseRecord reads a record.
func ParseRecord(text []byte) (Record, error) {
	var r Record
	err := json.Unmarshal(text, &r)
	return r, err
}
