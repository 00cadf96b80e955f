package stages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/ledger"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/secret"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
)

// A stage is one step of the boot.
type stage struct {
	name string
	// userConfig fetches the user config, or reads it from the cache.
	userConfig func(p *process, ctx context.Context) (*config.Config, error)
	// run looks at the machine, plans and runs the plan.
	run func(ctx context.Context, p *process) error
}

// Names of stages that are referred to.
const (
	fetchOfflineStage = "fetch-offline"
	fetchStage        = "fetch"
	kargsStage        = "kargs"
	disksStage        = "disks"
	mountStage        = "mount"
	filesStage        = "files"
	umountStage       = "umount"
	finishStage       = "finish"
)

// stages in the order in which they run.
var stages = []stage{
	{fetchOfflineStage, (*process).fetchUserConfig, fetchOffline},
	{fetchStage, (*process).fetchUserConfig, fetchOnline},
	{kargsStage, (*process).cachedMachineConfig, kargs},
	{disksStage, (*process).cachedMachineConfig, disks},
	{mountStage, (*process).cachedMachineConfig, mount},
	{filesStage, (*process).cachedUserConfig, writeFiles},
	{umountStage, (*process).cachedMachineConfig, umount},
	{finishStage, (*process).cachedMachineConfig, finish}, // is ours; see finishAfter
}

// All is the name that runs every stage in one process.
const All = "all"

// Names returns the names of the stages, in order.
func Names() []string {
	var names []string
	for _, s := range stages {
		names = append(names, s.name)
	}
	return names
}

// Options are what the command line says.
type Options struct {
	Stage        string
	Platform     providers.Platform
	Root         string // prefix of all paths of the config
	ConfigCache  string
	StateFile    string
	NeedNet      string // created by fetch-offline if the network is needed
	FetchTimeout time.Duration
	// TrustedKeys is the directory with the keys that configs have to be signed with; ""
	// is none.
	TrustedKeys string
	// TPM opens it; nil is the kernel's.
	TPM func() (io.ReadWriteCloser, error)
	// Credentials is the directory with what systemd-stub hands over from the EFI system
	// partition; "" is none.
	Credentials string
	// BootFile looks for a file on the filesystems that the boot loader reads; nil is on
	// those of this machine.
	BootFile func(ctx context.Context, what bootloader.Wanted) (where string, err error)
	// SystemdSocket is where systemd is asked; "" is its own.
	SystemdSocket string
	Log           *report.Logger
}

// Run runs a stage, or all of them, and reports. The error has been reported.
func Run(ctx context.Context, o Options) error {
	if o.Stage == All {
		return runAll(ctx, o)
	}
	return runNamed(ctx, o, o.Stage)
}

func runNamed(ctx context.Context, o Options, name string) error {
	for _, s := range stages {
		if s.name == name {
			return runOne(ctx, o, s)
		}
	}
	return fmt.Errorf("%w: there is no stage %q", report.ErrBug, name)
}

// runAll is for an initramfs without systemd: it has mounted the sysroot, and
// brought the network up if a config may need it, before it starts us. As with
// systemd, fetch runs only if fetch-offline could not get the config, and after
// a failure nothing stays mounted. What umount has finished is not finished again.
func runAll(ctx context.Context, o Options) error {
	for _, s := range stages {
		if s.name == fetchStage && (system.Exists(o.ConfigCache) || !system.Exists(o.NeedNet)) {
			continue
		}
		if s.name == finishStage {
			break
		}
		err := runOne(ctx, o, s)
		if err != nil && (s.name == mountStage || s.name == filesStage) {
			// The report of the failure is out; umount has its own.
			return errors.Join(err, runNamed(ctx, o, umountStage))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runOne runs one stage: it prepares, runs the stage's own function, and reports.
func runOne(ctx context.Context, o Options, s stage) error {
	started := time.Now()
	p, err := newProcess(ctx, o, s)
	p.started = started
	defer p.unlock()
	if err == nil {
		p.mark()
		err = p.mergeConfigs(ctx)
	}
	switch {
	case err != nil, p.planOnly && s.name == kargsStage: // it is planned with the others
	case p.planOnly && s.name == disksStage:
		err = planRest(ctx, p)
	default:
		err = s.run(ctx, p)
	}
	if s.name == fetchOfflineStage && errors.Is(err, fetch.ErrNeedNetwork) {
		err = p.requestNetwork(ctx, "getting the config")
	}
	if err == nil {
		err = p.saveState()
	}
	p.report(err)
	if p.planOnly && (err != nil || s.name == disksStage) {
		return errors.Join(ErrPlanned, err)
	}
	return err
}

// A process is one stage at work.
type process struct {
	Options
	stage   stage
	started time.Time
	log     *report.Logger
	fetch   *fetch.Client
	imds    *imds.Client
	env     *providers.Env
	run     system.Runner
	state   *state
	runner  *report.Runner
	// secrets are those of this machine.
	secrets *secret.Machine
	base    *config.Config // of the image, nil if there is none
	cfg     *config.Config // the base config and over it the user config
	// settings are those of the distribution, in its image.
	settings distribution.Settings
	// planOnly reports whether this boot only plans, and planned are the names of what
	// would be done.
	planOnly bool
	planned  []string
	// trusted are the keys that configs have to be signed with, if there are any.
	trusted trust.Keys
	// signers are those of configs, by the names of these.
	signers map[string]string
	// lock is held while a stage, or a program that it has started, is at work.
	lock *os.File
	// sources are all texts that were parsed.
	sources []report.Source
	// cleared is what this stage has done to the root of a machine that is being reset.
	cleared *ledger.Clearing
	// skipped are entries of configs whose conditions do not hold on this machine.
	skipped []report.Skipped
	// parseFirst parses the user config, if it is not nil, in the place of parseAny.
	parseFirst func(text []byte, name string) (*config.Config, config.Problems, error)
	// last reports whether the machine is provisioned when this stage has succeeded.
	last bool
	// marked reports whether this stage has written the report of its being killed.
	marked bool
	// sums are the digests of all texts that were parsed.
	sums []byte
	// size is what they count towards the limit of configs, in bytes.
	size       int
	collection collection
}

// lockTime is how long another instance, or a program that a killed one has left
// behind, is waited for.
const lockTime = 30 * time.Second

// networkArgument is the kernel argument with the time, in seconds, for which a route
// to whatever has the first config is waited for.
const networkArgument = "firstlight.network_timeout"

func newProcess(ctx context.Context, o Options, s stage) (*process, error) {
	log := o.Log.With(s.name)
	log.Info(fmt.Sprintf("Firstlight %s, stage %s, platform %s", system.Version, s.name, o.Platform.ID))
	lock, lockErr := lockState(ctx, o, log)
	p := &process{Options: o, stage: s, log: log, run: system.Exec{Log: log, Inherit: lock}, lock: lock}
	p.runner = &report.Runner{Log: log, Workers: 1}
	p.fetch = fetch.New(log, o.FetchTimeout)
	p.secrets = secret.New(p.run)
	p.fetch.Secrets = p.secrets
	p.imds = imds.New(p.fetch)
	p.fetch.Offline = s.name == fetchOfflineStage
	if lockErr != nil {
		return p, lockErr
	}
	limitMemory(log)
	p.collection.postpone(0)
	arguments, err := system.KernelArguments()
	if err != nil {
		return p, err
	}
	p.planOnly = wantsPlan(arguments)
	if p.fetch.NetworkWait, err = system.SecondsArgument(arguments, networkArgument, p.fetch.NetworkWait); err != nil {
		return p, err
	}
	if p.settings, err = Settings(); err != nil {
		return p, err
	}
	if err := p.markQuiet(); err != nil {
		return p, err
	}
	p.useOEM()
	p.env = &providers.Env{Platform: o.Platform, Log: log, Fetch: p.fetch, IMDS: p.imds, Run: p.run, Arguments: arguments, Settings: p.settings, Dirs: providers.ImageDirs(), Timeout: o.FetchTimeout, Accept: p.acceptUserData}
	p.state, err = loadState(o.StateFile)
	p.useFacts()
	p.imds.ImportCredentials(p.state.Credentials)
	if o.Platform.Credentials != nil {
		p.fetch.Credentials = o.Platform.Credentials(p.imds)
	}
	p.fetch.Credentials.Tokens = p.imds
	return p, err
}

// useOEM makes the distribution's directory for oem URLs known.
func (p *process) useOEM() {
	if p.fetch.OEMDirectory = p.settings.Value(distribution.OEMDirectory); p.fetch.OEMDirectory != "" {
		config.AllowScheme(fetch.OEMScheme)
	}
}

// Settings reads those of the distribution, in the image that has started us.
func Settings() (distribution.Settings, error) {
	dirs := providers.ImageDirs()
	return distribution.Read(filepath.Join(dirs[len(dirs)-1], distribution.File))
}

// unlock is called also where nothing was locked.
func (p *process) unlock() { p.lock.Close() }

// lockDirectory waits until nothing else is at work on a directory.
func lockDirectory(ctx context.Context, dir string, log *report.Logger) (*os.File, error) {
	lock, err := system.LockDirectory(ctx, dir, lockTime, log.Warn)
	if err != nil {
		return nil, &report.Error{Doing: "locking " + dir, Err: err, Hint: "wait until what is at work there has ended, or end it"}
	}
	return lock, nil
}

// lockState creates the directory of the state and locks it. It is root's alone:
// secrets are in it.
func lockState(ctx context.Context, o Options, log *report.Logger) (*os.File, error) {
	dir := filepath.Dir(o.StateFile)
	err := os.MkdirAll(dir, 0o700)
	if err == nil && filepath.Base(dir) == "ignition" { // ours, whoever has created it
		err = os.Chmod(dir, 0o700)
	}
	if err != nil {
		return nil, &report.Error{Doing: "creating the directory of the state", Err: err}
	}
	return lockDirectory(ctx, dir, log)
}

// mergeConfigs merges what the image wants of all machines and what the user
// wants of this one.
func (p *process) mergeConfigs(ctx context.Context) error {
	var err error
	if p.base, err = p.baseConfig(ctx); err != nil {
		return err
	}
	user, err := p.stage.userConfig(p, ctx)
	if err != nil {
		return err
	}
	p.cfg = merge(p.base, user)
	movePaths(p.cfg, p.settings.Words(distribution.MovedDirectories))
	return nil
}

// execute runs a plan, if the programs for it are there.
func (p *process) execute(ctx context.Context, plan report.Plan) error {
	if err := missingPrograms(plan); err != nil {
		return err
	}
	return p.runPlan(ctx, plan)
}

// runPlan runs a plan. In a boot that only plans it keeps the plan, and returns errPlanned.
func (p *process) runPlan(ctx context.Context, plan report.Plan) error {
	p.log.Debug("the plan has " + system.Plural(len(plan), "operation"))
	if p.planOnly {
		for _, o := range plan {
			p.planned = append(p.planned, system.PrintableLine(o.Name))
		}
		return errPlanned
	}
	return p.runner.Run(ctx, plan)
}

// report records how the stage ended, and tells people if it failed.
func (p *process) report(err error) {
	warn := func(doing string, err error) {
		if err != nil {
			p.log.Warn(doing + ": " + err.Error())
		}
	}
	failure := report.NewFailure(p.stage.name, err)
	r := p.stageReport(failure.Problems)
	warn("writing the report", r.Append(p.beside(reportsFile)))
	record, recordErr := p.addToRecord(r)
	warn("writing the record of this boot", recordErr)
	if p.Platform.Status != nil && p.env != nil && !p.planOnly {
		warn("telling the platform how the stage has ended", p.Platform.Status(context.Background(), p.env, p.stage.name, err))
	}
	if err == nil {
		p.log.Info(fmt.Sprintf("%s passed in %.2f s", p.stage.name, r.Seconds))
		if !p.planOnly {
			p.log.Info("Ignition finished successfully")
		}
		p.endMark()
		p.finishRecord(record)
		return
	}
	failure.Log(p.log)
	p.log.Log(report.LevelNotice, "Ignition failed")
	text := failure.Box()
	warn("writing the report", os.WriteFile(p.markPath(), []byte(text), 0o600))
	show := p.log.Show
	if p.planOnly { // no hook comes after it
		show = p.log.ShowNow
	}
	warn("showing the report", show(text, p.quiet()))
	p.finishRecord(record)
}

// quiet reports whether the distribution wants nothing on the consoles.
func (p *process) quiet() bool { return p.settings.Is(distribution.Consoles, "quiet") }
