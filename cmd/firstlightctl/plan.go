//go:build linux && !portable

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage"
	"github.com/firstlight-os/firstlight/storage/plan"
)

const planHelp = `Show what a first boot would do with a config, without changing anything, in the
order of the stages: what is fetched, kernel arguments and whether they mean a
reboot, each disk before and after, users, files, units, and the operations that
lead there, or all conflicts.

CONFIG is an Ignition config in JSON or a Butane config in YAML; - is standard
input. With --disk an image file stands for a disk, and no device of this
machine is read; images are opened read-only. Their sector size is that of their
partition tables, or 512, or what --sector-size says. Without --disk the devices
of this machine are read, which needs permission. The plan waits for no device.

With --facts the disks, users and kernel arguments are those of another machine,
on which "firstlightctl facts" has printed them. A config with "facts: true" is
planned for the machine of which --fact and --facts tell the values that it asks
for; --fact counts more.

--root is the root filesystem of the machine's image. What the config wants in
it is compared with what is there. Without it there is an empty root, which has
the users and groups that the config does not make.

Nothing is fetched without --fetch: then the configs that the config refers to
are, and for everything else its server is asked, by HEAD over HTTP, whether it
is there. --verify fetches everything as the first boot would, and compares
hashes. Of secrets there is where they come from and what they are for; they are
never read here.

--diff compares the operations with those of a record of a first boot (see
"firstlightctl report"): what was not done, has failed, or was not planned is
listed.

Each disk is drawn as a bar, as wide as COLUMNS says or the terminal is. Free
space is dots; the marks are
  +  created    ~  resized    !  replaced    -  deleted
What would be lost is one line, "this destroys:" or "this replaces:", in red on
a terminal unless NO_COLOR is set. "Not judged:" begins what the plan cannot
know.

With --json, "disks" has each disk "before" and "after", sizes in bytes, and
under "destroys" what would be lost on it, as texts; "fetches", "secrets",
"skipped", "units", "kernelArguments", "replaces", "operations", "conflicts",
"warnings" and "notJudged" have the rest, and "differences" those to a record.
Members may be added.

Exit status:
  0  the plan is possible, or there is nothing to do
  1  the config was refused, or there are conflicts or differences
  2  wrong usage, or a file that cannot be read`

type planOptions struct {
	translationOptions
	images        []string
	sector        int
	root, facts   string
	factValues    []string
	record        string
	fetch, verify bool
	json          bool
}

func planCommand() *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use:   "plan [flags] CONFIG",
		Short: "Show what a first boot would do, without doing it",
		Long:  planHelp,
		Example: "  firstlightctl plan web1.bu\n" +
			"  firstlightctl plan --fetch --disk /dev/vda=disk.raw --root image web1.bu",
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) != 1 {
				return errors.New("plan takes one CONFIG; - is standard input")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			return runPlan(files[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	o.addFlags(f)
	f.StringVar(&o.record, "diff", "", "compare with this `RECORD` of a first boot")
	f.StringArrayVar(&o.images, "disk", nil, "image file for a disk, as `NAME=IMAGE`")
	f.BoolVar(&o.fetch, "fetch", false, "fetch configs, ask servers for the rest")
	f.StringArrayVar(&o.factValues, "fact", nil, "what \"${fact:NAME}\" stands for: `NAME=VALUE`")
	f.StringVar(&o.facts, "facts", "", "`FILE` of firstlightctl facts, about the machine")
	f.StringVar(&o.root, "root", "", "the `DIR` that is the root filesystem of the image")
	f.IntVar(&o.sector, "sector-size", 0, "sectors of the images have this many `BYTES`")
	f.BoolVar(&o.verify, "verify", false, "fetch everything, and compare hashes")
	f.BoolVar(&o.json, "json", false, "print the same as JSON")
	return c
}

// A planResult is what plan prints. Its lists are never null in JSON.
type planResult struct {
	Fetches []plannedFetch  `json:"fetches"`
	Secrets []plannedSecret `json:"secrets"`
	// Skipped are the entries that are for other machines.
	Skipped         []failure.Skipped  `json:"skipped"`
	KernelArguments *plannedArguments  `json:"kernelArguments,omitempty"`
	Disks           []plan.DiskPreview `json:"disks"`
	// Replaces are the nodes of the root that are replaced, for people.
	Replaces   []string          `json:"replaces"`
	Units      []plannedUnit     `json:"units"`
	Operations []operation       `json:"operations"`
	Conflicts  []failure.Problem `json:"conflicts"`
	// Warnings are what the stages would log as such.
	Warnings []string `json:"warnings"`
	// NotJudged is what the plan cannot know.
	NotJudged []string `json:"notJudged"`
	// Record is the boot ID of the record that the plan was compared with.
	Record      string       `json:"record,omitempty"`
	Differences []difference `json:"differences,omitempty"`
	// clears reports that there is something to do though the config asks for nothing.
	clears bool
}

// An operation is one step of the plan.
type operation struct {
	Stage  string        `json:"stage"`
	Name   string        `json:"operation"`
	Origin config.Origin `json:"origin,omitzero"`
}

func runPlan(file string, o planOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	images, err := parseImages(o.images)
	if err != nil {
		return err
	}
	if err := o.checkSector(); err != nil {
		return err
	}
	if o.facts != "" && (len(images) > 0 || o.facts == "-" && file == "-") {
		return errors.New("--facts takes the place of --disk, and is another file than CONFIG")
	}
	in, err := readInput(file, stdin)
	if err != nil {
		return fmt.Errorf("reading the config: %w", err)
	}
	p := newPlanning(o, images)
	if p.told, err = parseGivenFacts(o.factValues); err != nil {
		return err
	}
	if o.facts != "" {
		if p.known, err = readFacts(o.facts, stdin); err != nil {
			return err
		}
		p.told.add(p.known)
	}
	cfg, err := p.config(in, stderr)
	if err != nil {
		return err
	}
	if err := p.plan(cfg); err != nil {
		return err
	}
	if o.record != "" && len(p.result.Conflicts) == 0 {
		if err := p.compareWithRecord(o.record, stdin); err != nil {
			return err
		}
	}
	if o.json {
		err = encode(stdout, p.result)
	} else {
		_, err = io.WriteString(stdout, drawing{columns: columns(stdout), color: colorizer(wantsColor(stdout))}.plan(p.result))
	}
	switch {
	case err != nil:
		return fmt.Errorf("writing the plan: %w", err)
	case len(p.result.Conflicts)+len(p.result.Differences) > 0:
		return errRefused
	}
	return nil
}

// checkSector refuses sector sizes that disks do not have.
func (o planOptions) checkSector() error {
	switch {
	case o.sector == 0:
		return nil
	case len(o.images) == 0:
		return errors.New("--sector-size is for images (--disk NAME=IMAGE); devices of this machine report their own")
	case o.sector < 512 || o.sector > 4096 || o.sector&(o.sector-1) != 0:
		return fmt.Errorf("--sector-size %d: disks have sectors of 512, 1024, 2048 or 4096 bytes", o.sector)
	}
	return nil
}

// A planning is one plan in the making.
type planning struct {
	planOptions
	images map[string]string
	// known is what firstlightctl facts has printed on a machine, if it was given, and told
	// are facts for the config.
	known  *machineFacts
	told   givenFacts
	client *fetch.Client
	// references are the remote configs that the config refers to.
	references []config.Resource
	// original turns the names in a text back into those of the config.
	original func(string) string
	log      *failure.Logger
	result   *planResult
}

func newPlanning(o planOptions, images map[string]string) *planning {
	p := &planning{planOptions: o, images: images, client: fetch.New(nil, fetchLimit), original: func(text string) string { return text }}
	p.client.Offline = !o.fetch && !o.verify
	p.log = quietLogger()
	p.result = &planResult{Fetches: []plannedFetch{}, Secrets: []plannedSecret{}, Skipped: []failure.Skipped{}, Disks: []plan.DiskPreview{}, Replaces: []string{}, Units: []plannedUnit{}, Operations: []operation{},
		Conflicts: []failure.Problem{}, Warnings: []string{}, NotJudged: []string{}}
	return p
}

// quietLogger only keeps its warnings.
func quietLogger() *failure.Logger {
	return failure.NewFuncLogger(func(failure.Level, string, map[string]string) {})
}

// mainConfig reads a config as a machine does, or as a workstation if flags for that are
// given. It is nil if the config was refused.
func (p *planning) mainConfig(in input, m *merger) (*config.Config, error) {
	if p.given() == "" {
		return m.read(in)
	}
	sources, err := p.butane()
	if err != nil {
		return nil, err
	}
	checked := in.check(sources)
	m.report.add(in, checked.Problems)
	if checked.MachineConfig {
		return nil, forOpenShift(in)
	}
	if checked.Config == nil {
		return nil, nil
	}
	return m.withFacts(checked.Config)
}

// config reads a config with the configs that it refers to, those in data URLs if
// nothing may be fetched, and prints their problems.
func (p *planning) config(in input, stderr io.Writer) (*config.Config, error) {
	r := report{included: p.included}
	m := &merger{report: &r, lines: newLineFinder(&r), client: p.client, facts: p.told}
	cfg, err := p.mainConfig(in, m)
	if err != nil {
		return nil, err
	}
	if cfg != nil {
		if cfg, err = m.resolve(cfg); err != nil {
			return nil, err
		}
		m.addNew(cfg.ValidateMerged())
	}
	p.references = m.remote
	for _, note := range m.notFetched {
		fmt.Fprintln(stderr, "note:", printable(note))
	}
	for _, s := range m.skipped {
		p.result.Skipped = append(p.result.Skipped, failure.Skipped{Origin: s.Origin, Name: s.Entry, Fact: s.Fact, Pattern: s.Pattern, Value: s.Value})
	}
	if err := printText(stderr, &r); err != nil {
		return nil, err
	}
	if r.refused() {
		return nil, errRefused
	}
	return cfg, nil
}

// plan goes through the stages. What one finds does not keep the next from being
// planned, so that all conflicts are shown at once.
func (p *planning) plan(cfg *config.Config) error {
	p.planFetches(cfg)
	p.planSecrets(cfg)
	if err := p.planKernelArguments(cfg); err != nil {
		return err
	}
	m := &storage.Machine{Log: p.log, Sector: p.sector, Run: system.Exec{Log: p.log}}
	switch {
	case p.known != nil:
	case len(p.images) > 0:
		done, err := p.useImages(m, &cfg)
		if err != nil {
			return err
		}
		defer done()
	default:
		settings, err := distribution.Read(path.Join(distribution.Dir, distribution.File))
		if err != nil {
			return err
		}
		m.ReusedLabels = settings.Words(distribution.ReusedLabels)
	}
	p.planDisks(m, cfg)
	if p.known != nil {
		p.noteFacts(cfg)
	}
	if err := p.planRoot(m, cfg); err != nil {
		return err
	}
	p.planUnits(cfg)
	if len(p.result.Conflicts) > 0 { // nothing would be done
		p.result.Operations = []operation{}
	}
	for _, warning := range p.log.Warnings() {
		p.result.Warnings = append(p.result.Warnings, p.original(warning))
	}
	return nil
}

// planDisks plans the disks stage.
func (p *planning) planDisks(m *storage.Machine, cfg *config.Config) {
	m.Absent = func(device string, err error) string {
		hint := "name an image file that stands for it: --disk " + p.original(device) + "=IMAGE"
		if errors.Is(err, os.ErrPermission) {
			hint = "run it as root, or " + hint
		}
		return hint
	}
	preview := m.Preview
	if p.known != nil {
		preview = func(ctx context.Context, cfg *config.Config) ([]plan.DiskPreview, failure.Plan, error) {
			return m.PreviewInventory(ctx, cfg, p.known.Devices)
		}
	}
	disks, plan, err := preview(context.Background(), cfg)
	for _, d := range disks {
		d.Device, d.Node = p.original(d.Device), p.original(d.Node)
		p.result.Disks = append(p.result.Disks, d)
	}
	p.add("disks", plan, err)
}

// add adds the plan of a stage to the result, and the conflicts.
func (p *planning) add(stage string, plan failure.Plan, err error) {
	for _, o := range plan {
		p.result.Operations = append(p.result.Operations, operation{stage, p.original(o.Name), o.Origin})
	}
	for _, c := range failure.Explain(err) {
		c.Operation, c.Cause, c.Hint = p.original(c.Operation), p.original(c.Cause), p.original(c.Hint)
		p.result.Conflicts = append(p.result.Conflicts, c)
	}
}

// notJudged says what the plan cannot know.
func (p *planning) notJudged(format string, args ...any) {
	p.result.NotJudged = append(p.result.NotJudged, fmt.Sprintf(format, args...))
}
