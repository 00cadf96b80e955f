package stages

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
)

// The state is what stages leave to later ones besides the config. Its keys
// are the reference's.
type state struct {
	FetchedConfigs []fetchedConfig `json:"fetchedConfigs"`
	// Keys of LUKS volumes by their names, and files of zkey by theirs, as data
	// URLs: the disks stage has them, the files stage writes them to the root.
	LuksPersistKeyFiles       map[string]string `json:"luksPersistKeyFiles"`
	RecordedDirectories       []string          `json:"notatedDirectories"`
	ProviderOutputFiles       []outputFile      `json:"providerOutputFiles"`
	LuksPersistVolumeKeyFiles map[string]string `json:"luksPersistVolumeKeyFiles"`
	// Credentials are those of metadata services, until the last stage.
	// Neither this nor what follows is in the reference's.
	Credentials imds.CredentialCache `json:"credentials,omitempty"`
	// Facts are those that configs have asked for.
	Facts map[string]string `json:"facts,omitempty"`
	// ConfigDigest identifies the config; see files.Tree.Config.
	ConfigDigest string `json:"configDigest,omitempty"`
	// Reset is the request of a machine that is being reset, without its config.
	Reset *reset.Request `json:"reset,omitempty"`
	// FilesWritten reports that the files stage has passed, so that the machine is
	// provisioned.
	FilesWritten bool `json:"filesWritten,omitempty"`
}

// A fetchedConfig is where a part of the config came from.
type fetchedConfig struct {
	Kind       string `json:"kind"` // base or user
	Source     string `json:"source"`
	Referenced bool   `json:"referenced"`
}

// An outputFile is one that the platform wants on the machine, in the form of
// the config's files.
type outputFile struct {
	Path     string `json:"path"`
	Mode     uint32 `json:"mode"`
	Contents struct {
		Source string `json:"source"`
	} `json:"contents"`
}

// A StateError is a state file that cannot be used.
type StateError struct{ Err error }

func (e *StateError) Unwrap() error { return e.Err }
func (e *StateError) Error() string { return e.Err.Error() }

// loadState reads the state; without a file it is empty.
func loadState(name string) (*state, error) {
	s := new(state)
	text, err := system.ReadFile(name, cacheLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return s, &StateError{fmt.Errorf("reading the state %s: %w", name, err)}
	}
	return s, nil
}

func (s *state) save(name string) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err == nil {
		err = system.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return withRunHint(fmt.Errorf("saving the state: %w", err))
	}
	return nil
}

// withRunHint adds what can be done if there is no space for our own files in /run.
func withRunHint(err error) error {
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	return &report.Error{Err: err, Hint: "/run is in memory: give the machine more of it, or look for what fills /run (df -h /run, df -i /run)"}
}

// recordSource records where a config came from, once.
func (s *state) recordSource(c fetchedConfig) {
	if !slices.Contains(s.FetchedConfigs, c) {
		s.FetchedConfigs = append(s.FetchedConfigs, c)
	}
}

// userConfigProvided reports whether the user has given a config.
func (s *state) userConfigProvided() bool {
	return slices.ContainsFunc(s.FetchedConfigs, func(c fetchedConfig) bool { return c.Kind == "user" })
}

// saveState saves the state at the end of a stage. The last one leaves no
// credentials behind.
func (p *process) saveState() error {
	p.state.Credentials = p.imds.ExportCredentials()
	if p.stage.name == umountStage || p.stage.name == finishStage {
		p.state.Credentials = nil
	}
	return p.state.save(p.StateFile)
}
