package metadata

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// A Machine is this one, and what asks its platform.
type Machine struct {
	Asker *providers.Asker
	Env   *providers.Env
	Log   *report.Logger
}

// An Action is something that is done with what the platform knows.
type Action struct {
	// Flag is its name on the command line, of which Value is what the flag's value
	// is called; without one it is a switch. Usage says what it does.
	Flag, Value, Usage string
	Do                 func(ctx context.Context, m *Machine, value string) error
}

// Actions in the order in which they are done. The first that fails ends a run.
var Actions = []Action{
	{"attributes", "PATH", "write the attributes of this machine to a file", writeAttributes},
	{"ssh-keys", "USER", "write the SSH keys of this machine for a user", writeKeys},
	{"hostname", "PATH", "write the hostname to a file", writeHostname},
	{"network-units", "DIRECTORY", "write files for systemd-networkd", networkAction("systemd-networkd", rendered((*network.Config).Networkd))},
	{"netplan-config", "DIRECTORY", "write a file for netplan", networkAction("netplan", func(m *Machine) ([]network.File, error) { return m.Asker.Netplan() })},
	{"networkmanager-profiles", "DIRECTORY", "write profiles for NetworkManager", networkAction("NetworkManager", rendered((*network.Config).Keyfiles))},
	{"check-in", "", "tell the platform that this machine has booted", checkIn},
	{"lock", "", "keep everybody on this machine from the metadata service from now on", lock},
	{"unlock", "", "take that back", unlock},
}

// A Request is an action that is wanted, with the value of its flag.
type Request struct {
	Action Action
	Value  string
}

// Options are what the command line says.
type Options struct {
	Platform providers.Platform
	Requests []Request
	// AnswersDir is where answers are kept in a boot.
	AnswersDir string
	Timeout    time.Duration
	Log        *report.Logger
	Settings   distribution.Settings
}

// DefaultTimeout is how long a metadata service that is silent is asked.
const DefaultTimeout = 2 * time.Minute

// Run does all that is requested.
func Run(ctx context.Context, o Options) (err error) {
	var run []string
	for _, r := range o.Requests {
		run = append(run, r.Action.Flag+"="+r.Value)
	}
	if len(run) == 0 {
		o.Log.Warn("nothing is to be done")
		return nil
	}
	m, answers, err := newMachine(ctx, o, strings.Join(run, " "))
	if err != nil {
		return err
	}
	defer func() {
		if keepErr := answers.Close(err); keepErr != nil {
			o.Log.Warn(keepErr.Error())
		}
	}()
	for _, r := range o.Requests {
		if err := r.Action.Do(ctx, m, r.Value); err != nil {
			return err
		}
	}
	return nil
}

func newMachine(ctx context.Context, o Options, run string) (*Machine, *providers.Answers, error) {
	arguments, err := system.KernelArguments()
	if err != nil {
		return nil, nil, err
	}
	client := fetch.New(o.Log, o.Timeout)
	env := &providers.Env{Platform: o.Platform, Log: o.Log, Fetch: client, IMDS: imds.New(client), Run: system.Exec{Log: o.Log}, Arguments: arguments, Settings: o.Settings, Timeout: o.Timeout}
	answers, err := providers.OpenAnswers(ctx, o.AnswersDir, o.Platform.ID+" "+run, o.Log)
	if err != nil {
		return nil, nil, err
	}
	return &Machine{Asker: providers.NewAsker(ctx, env, answers), Env: env, Log: o.Log}, answers, nil
}

// platformHint is for an answer of the platform that makes no sense. Errors of which more
// is known have their own hints.
const platformHint = "this is an error of the platform: start the machine again, and tell its support if it persists"

func checkIn(_ context.Context, m *Machine, _ string) error {
	known, err := m.Asker.CheckIn()
	switch {
	case err != nil:
		return &report.Error{Doing: "telling " + m.Env.Platform.Name + " that this machine has booted", Err: err, Hint: platformHint}
	case !known:
		m.Log.Warn(m.Env.Platform.Name + " does not want to be told that this machine has booted")
	}
	return nil
}

// writeFile replaces a file, for everybody to read. Its directory may be missing.
func writeFile(name, text string) error {
	abs, err := filepath.Abs(name)
	if err == nil {
		err = system.WriteFile(abs, []byte(text), 0o644)
	}
	if err != nil {
		return &report.Error{Err: err, Hint: fmt.Sprintf("look at %s: is its filesystem mounted, writable and not full?", filepath.Dir(name))}
	}
	return nil
}
