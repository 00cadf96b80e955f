package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/report"
)

// A Choice is a disk of the machine that the config names by what it is. As a [Node], its
// operation makes the links.
type Choice struct {
	As   string // NAME of /dev/firstlight/NAME
	Disk *Candidate
	// Ours reports that the disk matches by what a run of ours has made on it before it
	// was interrupted, though the config looks for an empty disk, or for what has been
	// there before.
	Ours   bool
	config *config.ChosenDisk
	why    string // "smallest of 3 that match"
}

// Path is the name of the disk in /dev.
func (c *Choice) Path() string { return config.ChosenPrefix + c.As }

// Name implements Node. It is what people are told before anything is written.
func (c *Choice) Name() string {
	text := fmt.Sprintf("disk %q is %s (%s): %s", c.As, c.Disk.Node(), c.Disk, c.why)
	if c.Ours {
		text += ", as an interrupted run has left it"
	}
	return text
}

// Origin implements Node.
func (c *Choice) Origin() config.Origin { return c.config.Origin() }

// Idle implements Node: links are made anew in each boot.
func (c *Choice) Idle() bool { return false }

// DependsOn implements Node.
func (c *Choice) DependsOn() []Node { return nil }

// ErrNoMatch is what a conflict is that a disk may solve which is not there yet.
var ErrNoMatch = errors.New("no disk matches")

type noMatch string

func (n noMatch) Error() string        { return string(n) }
func (n noMatch) Is(target error) bool { return target == ErrNoMatch || target == report.ErrConfig }

// Choose finds the disks that the config names by what they are. Their order is that of the
// config, and no choice depends on the order of the candidates. The error joins all
// conflicts.
func Choose(cfg *config.Config, candidates []*Candidate) ([]*Choice, error) {
	var all []*Choice
	var errs []error
	candidates = slices.Clone(candidates)
	slices.SortFunc(candidates, inList)
	for i := range cfg.Firstlight.Disks {
		d := &chooser{cfg: cfg, disk: &cfg.Firstlight.Disks[i], candidates: candidates}
		chosen, err := d.choose()
		all, errs = append(all, chosen...), append(errs, err)
	}
	errs = append(errs, refuseTwice(all)...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, errors.Join(refuseUnknown(cfg, all)...)
}

// byIdentity is an order of disks that stays the same whatever the kernel calls them: by
// size, then by World Wide Name, serial number and path.
func byIdentity(a, b *Candidate) int {
	return cmp.Or(cmp.Compare(a.Facts.Size, b.Facts.Size), cmp.Compare(a.WWN, b.WWN), cmp.Compare(a.Serial, b.Serial),
		cmp.Compare(strings.Join(a.Paths, " "), strings.Join(b.Paths, " ")))
}

// inList is the order in which messages list disks.
func inList(a, b *Candidate) int {
	return cmp.Or(byIdentity(a, b), cmp.Compare(a.Node(), b.Node()))
}

// A chooser finds the disks of one name.
type chooser struct {
	cfg        *config.Config
	disk       *config.ChosenDisk
	candidates []*Candidate // by identity
	reasons    []string     // why each does not match
}

func (c *chooser) choose() ([]*Choice, error) {
	var matching []*Choice
	for _, candidate := range c.candidates {
		choice := &Choice{As: c.disk.As, Disk: candidate, config: c.disk}
		reason := c.differs(choice)
		if reason == "" {
			matching = append(matching, choice)
			reason = "it matches"
		}
		c.reasons = append(c.reasons, reason)
	}
	if len(matching) == 0 {
		return nil, &report.Error{Origin: c.origin(), Err: noMatch(c.list("no disk of this machine matches")),
			Hint: "check what is looked for, that the disk is attached, and that its driver is in the initramfs"}
	}
	return c.pick(matching)
}

// differs says why a disk is not as it should be; nothing if it is.
func (c *chooser) differs(choice *Choice) string {
	m, d := &c.disk.Match, choice.Disk
	if d.Excluded != "" {
		return d.Excluded
	}
	_, reasons, contents := d.compare(m)
	if len(contents) > 0 {
		if choice.Ours = c.isOurs(d); !choice.Ours {
			reasons = append(reasons, contents...)
		}
	}
	if d.Root != "" && !config.ValueOr(m.Root, false) {
		reasons = append(reasons, "it has the running root ("+d.Root+"), for which "+c.disk.Match.Key("root")+" would have to be true")
	}
	if d.Facts.md() != nil && !c.isOurs(d) {
		reasons = append(reasons, "it is a member of a RAID")
	}
	return strings.Join(reasons, ", ")
}

// pick takes one of several.
func (c *chooser) pick(matching []*Choice) ([]*Choice, error) {
	n := len(matching)
	why := fmt.Sprintf("%%s of %d that match", n)
	switch pick := config.ValueOr(c.disk.Pick, config.PickOnly); {
	case pick == config.PickAll:
		return c.number(matching)
	case n == 1:
		why = "the only one that matches"
	case pick == config.PickOnly:
		return nil, report.Conflict(c.origin(), "look for more, such as the serial number, or say with "+c.disk.Key("pick")+" which of them it is",
			"%s", c.list(fmt.Sprintf("%d disks of this machine match", n)))
	case pick == config.PickSmallest:
		why = fmt.Sprintf(why, pick)
	default:
		// Of equally large ones the first, too.
		largest := matching[n-1].Disk.Facts.Size
		matching = matching[slices.IndexFunc(matching, func(m *Choice) bool { return m.Disk.Facts.Size == largest }):]
		why = fmt.Sprintf(why, pick)
	}
	chosen := matching[0]
	if len(matching) > 1 && byIdentity(chosen.Disk, matching[1].Disk) == 0 {
		return nil, c.indistinguishable(chosen, matching[1])
	}
	chosen.why = why
	return []*Choice{chosen}, nil
}

// number gives NAME1, NAME2 and so on to all that match.
func (c *chooser) number(matching []*Choice) ([]*Choice, error) {
	for i, m := range matching {
		if i > 0 && byIdentity(matching[i-1].Disk, m.Disk) == 0 {
			return nil, c.indistinguishable(matching[i-1], m)
		}
		m.As = c.disk.As + strconv.Itoa(i+1)
		m.why = fmt.Sprintf("%d of %d that match", i+1, len(matching))
	}
	return matching, nil
}

func (c *chooser) origin() config.Origin { return c.disk.Origin("match") }

// list has all disks, with what they are and why they match or not.
func (c *chooser) list(what string) string {
	wanted, _, _ := (&Candidate{Facts: &DiskFacts{}}).compare(&c.disk.Match)
	text := fmt.Sprintf("%s disk %q (%s)", what, c.disk.As, strings.Join(wanted, ", "))
	if len(c.candidates) == 0 {
		return text + "; it has no disks"
	}
	text += ":"
	for i, d := range c.candidates {
		text += fmt.Sprintf("\n%s (%s): %s", d.Node(), d, c.reasons[i])
	}
	return text
}

func (c *chooser) indistinguishable(a, b *Choice) error {
	return report.Conflict(c.disk.Origin("pick"), "give one of them a serial number, or remove one",
		"%s and %s match disk %q, and nothing tells one from the other: size, serial number, World Wide Name and path are the same, so that it would be another one at each boot",
		a.Disk.Node(), b.Disk.Node(), c.disk.As)
}

// isOurs reports whether a disk carries what the config makes of the one that is looked
// for: then it was chosen by a run of ours that was interrupted. Nothing that it holds is
// taken away: see protectOurs.
func (c *chooser) isOurs(d *Candidate) bool {
	is := func(path string) bool {
		number, found := strings.CutPrefix(path, config.ChosenPrefix+c.disk.As)
		_, err := strconv.ParseUint(number, 10, 32)
		return found && (err == nil) == c.disk.IsNumbered() && (err == nil || number == "")
	}
	for i := range c.cfg.Storage.Disks {
		entry := &c.cfg.Storage.Disks[i]
		if is(entry.Device) && len(entry.Partitions) > 0 && hasTableOf(entry, d.Facts) {
			return true
		}
	}
	return d.Facts.Kind == gpt.None && holdsWanted(c.cfg, d.Facts, is)
}

// hasTableOf reports whether a disk has the partitions that the config would make on it if
// it was empty.
func hasTableOf(entry *config.Disk, facts *DiskFacts) bool {
	random := func() string { return "" }
	fresh := *facts
	fresh.Disk = gpt.Disk{}
	d := &Disk{Config: entry, Facts: &fresh}
	errs := d.decidePartitions(gpt.New(facts.Size, facts.Sector, ""), random)
	return len(errs) == 0 && facts.Kind == gpt.Intact && d.equalsAfter(facts.Table)
}

// refuseTwice finds disks that were chosen for two names.
func refuseTwice(all []*Choice) []error {
	var errs []error
	for i, c := range all {
		for _, other := range all[:i] {
			if c.Disk == other.Disk {
				errs = append(errs, report.Conflict(c.config.Origin("match"), "look for other properties, so that each name is another disk, or use one name for both",
					"%s (%s) would be both disk %q and disk %q", c.Disk.Node(), c.Disk, other.As, c.As))
			}
		}
	}
	return errs
}

// refuseUnknown finds names in the config that no disk has.
func refuseUnknown(cfg *config.Config, all []*Choice) []error {
	var errs []error
	check := func(device string, origin config.Origin) {
		if strings.HasPrefix(device, config.ChosenPrefix) && Chosen(all, device) == nil {
			errs = append(errs, &report.Error{Origin: origin, Hint: "check the name, and what is looked for",
				Err: noMatch(fmt.Sprintf("%s is none of the %d disks that were chosen", device, len(all)))})
		}
	}
	for i := range cfg.Storage.Disks {
		check(cfg.Storage.Disks[i].Device, cfg.Storage.Disks[i].Origin("device"))
	}
	for _, t := range New(cfg, nil, nil).Targets {
		check(t.Device, t.Origin)
	}
	return errs
}

// Chosen returns the choice that a path means, or of one of its partitions.
func Chosen(all []*Choice, path string) *Choice {
	for _, c := range all {
		if _, ok := ChosenPartition(c.Path(), path); path == c.Path() || ok {
			return c
		}
	}
	return nil
}

// ChosenPartition returns the number of a partition that is named as udev names those of
// its links: PATH-part1.
func ChosenPartition(disk, path string) (number int, ok bool) {
	text, ok := strings.CutPrefix(path, disk+"-part")
	number, err := strconv.Atoi(text)
	return number, ok && err == nil && number > 0 && strconv.Itoa(number) == text
}

// Use sets the disks that were chosen.
func (g *Graph) Use(choices []*Choice) {
	g.Choices = choices
	for _, d := range g.Disks {
		if c := Chosen(choices, d.Config.Device); c != nil && c.Ours && len(d.Config.Partitions) == 0 {
			kept := *d.Config
			kept.WipeTable, d.Config = nil, &kept // see protectOurs
		}
	}
}

// protectOurs keeps what is on disks that match only by what a run of ours has made on
// them. It could be one that was provisioned long ago with the same config: the config says
// that it is to be on an empty disk, or on what is there no more, so nothing is wiped.
func (g *Graph) protectOurs() {
	for _, f := range g.Filesystems {
		if g.isOnOurs(f.Target) {
			kept := *f.Config
			kept.WipeFilesystem, f.Config = nil, &kept
		}
	}
	for _, s := range g.Stacked {
		if v, ok := s.(*Volume); ok && g.isOnOurs(v.Members[0]) {
			kept := *v.Config
			kept.WipeVolume, v.Config = nil, &kept
		}
	}
}

func (g *Graph) isOnOurs(t *Target) bool {
	switch {
	case t.On != nil:
		return slices.ContainsFunc(t.On.Device().Members, g.isOnOurs)
	case t.Disk != nil:
		return g.isOurs(t.Disk.Facts.Node)
	}
	return g.isOurs(t.Facts.Node)
}

func (g *Graph) isOurs(node string) bool {
	return slices.ContainsFunc(g.Choices, func(c *Choice) bool { return c.Ours && c.Disk.Node() == node })
}
