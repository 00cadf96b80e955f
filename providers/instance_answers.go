package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// AnswersDir is where the programs of one boot leave the answers of the platform to
// each other.
const AnswersDir = "/run/ignition/metadata"

const (
	answersFile = "answers.json"
	// maxAnswers bounds the file, in bytes.
	maxAnswers = 64 << 20
	// answersLock is how long another program is waited for, which asks the same.
	answersLock = 15 * time.Minute
)

// Answers are what a platform has said about this machine in this boot, by URL, or by
// drive and file. Failures are not among them.
type Answers struct {
	said answersRecord
	dir  string // "" if they are not kept
	run  string
	lock *os.File
}

// An answersRecord is the file. Who has read it has the answers of a boot.
type answersRecord struct {
	Boot    string           `json:"boot"`
	Answers map[string]reply `json:"answers"`
	// Runs are those that have had their answers.
	Runs []string `json:"runs"`
}

// A reply is a text, or that there is none.
type reply struct {
	Text string `json:"text,omitempty"`
	None bool   `json:"none,omitempty"`
}

// OpenAnswers reads those of this boot, and keeps other programs away until they are
// closed. What is run a second time in a boot asks anew: somebody wants to know what has
// changed. A run without a name can be repeated, as it has no end.
func OpenAnswers(ctx context.Context, dir, run string, log *report.Logger) (*Answers, error) {
	doing := func(err error) error {
		return &report.Error{Doing: "opening the answers of the metadata service", Err: err, Hint: "look at " + dir + ": what is there can be deleted"}
	}
	if err := os.MkdirAll(dir, 0o700); errors.Is(err, fs.ErrPermission) {
		return new(Answers), nil // somebody who is not root asks for herself
	} else if err != nil {
		return nil, doing(err)
	}
	boot, err := system.BootID()
	if err != nil {
		return nil, doing(err)
	}
	lock, err := system.LockDirectory(ctx, dir, answersLock, log.Warn)
	if err != nil {
		return nil, doing(err)
	}
	a := &Answers{dir: dir, run: run, lock: lock}
	text, err := system.ReadFile(filepath.Join(dir, answersFile), maxAnswers)
	if err == nil {
		err = json.Unmarshal(text, &a.said)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn(fmt.Sprintf("the metadata service is asked again: %v", err))
	}
	if err != nil || a.said.Boot != boot || slices.Contains(a.said.Runs, run) {
		a.said = answersRecord{Boot: boot}
	}
	return a, nil
}

// Close leaves the answers to other programs. Failure is that of this run, nil for none.
func (a *Answers) Close(failure error) error {
	if a.dir == "" {
		return nil
	}
	defer a.lock.Close()
	if failure == nil && a.run != "" {
		a.said.Runs = append(a.said.Runs, a.run)
	}
	text, err := json.Marshal(a.said)
	if err == nil {
		err = system.WriteFile(filepath.Join(a.dir, answersFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keeping the answers of the metadata service: %w", err)
	}
	return nil
}

func (a *Answers) add(key string, is reply) {
	if a.said.Answers == nil {
		a.said.Answers = map[string]reply{}
	}
	a.said.Answers[key] = is
}

// request makes one, if no program has in this boot.
func (a *Asker) request(r imds.Request, check func([]byte) error) (text []byte, there bool, err error) {
	if known, ok := a.answers.said.Answers[r.URL]; ok {
		return []byte(known.Text), !known.None, nil
	}
	if a.instance.required {
		r.RetryOn = append(slices.Clone(r.RetryOn), http.StatusNotFound)
	}
	r.Check = check
	ctx, cancel := a.env.withTimeout(a.ctx)
	defer cancel()
	text, err = a.env.IMDS.Do(ctx, r)
	none := errors.Is(err, fetch.ErrNotFound) && !a.instance.required
	if err != nil && !none {
		return nil, false, err
	}
	a.answers.add(r.URL, reply{string(text), none})
	return text, !none, nil
}
