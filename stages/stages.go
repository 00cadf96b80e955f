// Package stages is the order of provisioning: which stages there are, what one
// leaves to the next, and what is said when one goes wrong.
//
// Each stage is a process of its own. What connects them is the config cache,
// which the fetch stages write, and the state file.
package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// Options are what the command line says.
type Options struct {
	Stage        string
	Platform     providers.Platform
	Root         string // prefix of all paths of the config
	ConfigCache  string
	StateFile    string
	NeedNet      string // made by fetch-offline if the network is needed
	FetchTimeout time.Duration
	Log          *report.Logger
}

// A stage is one step of the boot.
type stage struct {
	name string
	// fetches tells that the stage gets the config instead of reading the cache.
	fetches bool
	run     func(ctx context.Context, p *process) error
}

// stages in the order in which they run.
var stages = []stage{
	{"fetch-offline", true, fetchOffline},
	{"fetch", true, fetchOnline},
	{"kargs", false, kargs},
	{"disks", false, disks},
	{"mount", false, mount},
	{"files", false, writeFiles},
	{"umount", false, umount},
}

// All is the name that runs every stage in one process.
const All = "all"

// Names lists the stages, in order.
func Names() []string {
	var names []string
	for _, s := range stages {
		names = append(names, s.name)
	}
	return names
}

// A process is one stage at work.
type process struct {
	Options
	stage  stage
	log    *report.Logger
	fetch  *fetch.Client
	imds   *imds.Client
	env    *providers.Env
	run    system.Runner
	state  *state
	runner *report.Runner
	// base and user are merged into cfg.
	base, user, cfg *config.Config
	// sums are the digests of all texts that were parsed.
	sums []byte
}

// A StateError is a state file that cannot be used.
type StateError struct{ Err error }

func (e *StateError) Unwrap() error { return e.Err }
func (e *StateError) Error() string { return e.Err.Error() }

// Run runs a stage, or all of them, and reports. The error was reported already.
func Run(ctx context.Context, o Options) error {
	if o.Stage == All {
		return runAll(ctx, o)
	}
	for _, s := range stages {
		if s.name == o.Stage {
			return runOne(ctx, o, s)
		}
	}
	return fmt.Errorf("%w: there is no stage %q", report.ErrBug, o.Stage)
}

// runAll is for an initramfs without systemd: it has mounted the sysroot, and
// brought the network up if a config may need it, before it starts us. As with
// systemd, fetch runs only if fetch-offline could not get the config, and after
// a failure nothing stays mounted.
func runAll(ctx context.Context, o Options) error {
	for _, s := range stages {
		if s.name == "fetch" && (system.Exists(o.ConfigCache) || !system.Exists(o.NeedNet)) {
			continue
		}
		if err := runOne(ctx, o, s); err != nil {
			if s.name == "mount" || s.name == "files" {
				// The report of the failure is out; umount has its own.
				return errors.Join(err, runOne(ctx, o, stages[len(stages)-1]))
			}
			return err
		}
	}
	return nil
}

// runOne is the life of a stage.
func runOne(ctx context.Context, o Options, s stage) error {
	started := time.Now()
	p, err := newProcess(o, s)
	if err == nil {
		err = p.prepare(ctx)
	}
	if err == nil {
		err = s.run(ctx, p)
	}
	if errors.Is(err, fetch.ErrNeedNetwork) && s.name == "fetch-offline" {
		err = p.askForNetwork("getting the config")
	}
	if err == nil {
		p.state.Credentials = p.imds.ExportCredentials()
		if s.name == stages[len(stages)-1].name {
			p.state.Credentials = nil
		}
		err = p.state.save(o.StateFile)
	}
	return finish(o, s, p, started, err)
}

func newProcess(o Options, s stage) (*process, error) {
	log := o.Log.With(s.name)
	log.Info(fmt.Sprintf("Firstlight %s, stage %s, platform %s", system.Version, s.name, o.Platform.ID))
	p := &process{Options: o, stage: s, log: log, run: system.Exec{Log: log}}
	p.runner = &report.Runner{Log: log, Workers: 1}
	p.fetch = fetch.New(log, o.FetchTimeout)
	p.imds = imds.New(p.fetch)
	p.fetch.Offline = s.name == "fetch-offline"
	arguments, err := system.KernelArguments()
	if err != nil {
		return p, err
	}
	p.env = &providers.Env{Platform: o.Platform, Log: log, Fetch: p.fetch, IMDS: p.imds, Run: p.run, Arguments: arguments, Dirs: providers.ImageDirs(), Timeout: o.FetchTimeout}
	p.state, err = loadState(o.StateFile)
	p.imds.ImportCredentials(p.state.Credentials)
	if o.Platform.Credentials != nil {
		p.fetch.Credentials = o.Platform.Credentials(p.imds)
	}
	return p, err
}

// prepare makes the config whole: what the image asks of all machines, and over
// it what the user asks of this one.
func (p *process) prepare(ctx context.Context) (err error) {
	if p.base, err = p.baseConfig(); err != nil {
		return err
	}
	if p.stage.fetches {
		p.user, err = p.acquire(ctx)
	} else {
		p.user, err = p.cached(ctx)
	}
	if err != nil {
		return err
	}
	p.cfg = config.Merge(p.base, p.user)
	return nil
}

// execute runs a plan.
func (p *process) execute(ctx context.Context, plan report.Plan) error {
	p.log.Debug(fmt.Sprintf("the plan has %d operations", len(plan)))
	return p.runner.Run(ctx, plan)
}

// finish writes down how the stage ended and tells people if it ended badly.
func finish(o Options, s stage, p *process, started time.Time, err error) error {
	dir := filepath.Dir(o.StateFile)
	r := report.Stage{Stage: s.name, Started: started, Seconds: time.Since(started).Seconds(), Operations: p.runner.Outcomes, Problems: report.Explain(err)}
	if werr := r.Append(filepath.Join(dir, "report.json")); werr != nil {
		p.log.Warn("writing the report: " + werr.Error())
	}
	if o.Platform.Status != nil && p.env != nil {
		if serr := o.Platform.Status(context.Background(), p.env, s.name, err); serr != nil {
			p.log.Warn("telling the platform how the stage has ended: " + serr.Error())
		}
	}
	if err == nil {
		p.log.Info(fmt.Sprintf("%s passed in %.2f s", s.name, r.Seconds))
		p.log.Info("Ignition finished successfully")
		return nil
	}
	for _, problem := range r.Problems {
		p.log.Log(report.LevelCritical, problem.String())
	}
	p.log.Log(report.LevelCritical, "Ignition failed")
	text := report.Box(s.name, err)
	if werr := os.WriteFile(filepath.Join(dir, "report.txt"), []byte(text), 0o644); werr != nil {
		p.log.Warn("writing the report: " + werr.Error())
	}
	if werr := report.ShowOnConsoles(text); werr != nil {
		p.log.Warn("showing the report: " + werr.Error())
	}
	return err
}

// askForNetwork makes the file that brings the network up before the next stage.
func (p *process) askForNetwork(why string) error {
	p.log.Info(why + " needs the network")
	if err := os.MkdirAll(filepath.Dir(p.NeedNet), 0o755); err != nil {
		return fmt.Errorf("asking for the network: %w", err)
	}
	f, err := os.OpenFile(p.NeedNet, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("asking for the network: %w", err)
	}
	return f.Close()
}
