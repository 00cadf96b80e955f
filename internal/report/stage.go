package report

import (
	"os"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/internal/json"
)

// A Stage is the report of one stage for machines.
type Stage struct {
	Stage      string    `json:"stage"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	Operations []Outcome `json:"operations,omitempty"`
	// Planned are the names of the operations that a boot which only plans would do, each
	// after that of its stage and a colon.
	Planned []string `json:"planned,omitempty"`
	// Waits are the longer ones, those of over a second, in their order.
	Waits []Wait `json:"waits,omitempty"`
	// Warnings are what the stage has warned of.
	Warnings []string `json:"warnings,omitempty"`
	// Problems is empty if the stage succeeded.
	Problems []Problem `json:"problems,omitempty"`
}

// Append adds the report to a file of them, one JSON object to a line.
func (s Stage) Append(name string) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
