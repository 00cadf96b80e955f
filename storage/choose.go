package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// quietTime is how long no disk has to have come before one is chosen out of those that are
// there: the kernel lets disks behind USB come a second late, and others while it looks for
// all of a controller.
const quietTime = 3 * time.Second

// choose finds the disks that the config names by what they are. It waits until each name
// has one, and until no more disks come.
func (m *Machine) choose(ctx context.Context, cfg *config.Config) ([]*plan.Choice, error) {
	if len(cfg.Firstlight.Disks) == 0 {
		return nil, nil
	}
	timeout, err := m.timeout()
	if err != nil {
		return nil, err
	}
	var result error
	disks := newcomers{quiet: cmp.Or(m.Quiet, quietTime), seen: map[string]time.Time{}}
	// No event says that no disk has come.
	w := system.Wait{What: "disks that match the config", Limit: max(timeout, 1), Every: time.Second, Wake: system.DeviceEvents("block"), Warn: m.Log.Warn, Waited: m.Log.Waited, WarnAfter: 5 * time.Second}
	err = w.Until(ctx, func() (string, bool, error) {
		busy, err := m.lookAtCandidates()
		if err != nil {
			return "", false, err
		}
		m.choices, result = plan.Choose(cfg, m.candidates)
		settled := isIdentified(cfg) || !busy && disks.settled(m, m.candidates)
		return "block devices here: " + m.listDisks(), m.Absent != nil || settled && !errors.Is(result, plan.ErrNoMatch), nil
	})
	if late := new(system.TimeoutError); errors.As(err, &late) {
		err = nil // the result says what is missing
	}
	return m.choices, errors.Join(err, result)
}

// isIdentified reports whether the config has a number for each disk that no other one has.
func isIdentified(cfg *config.Config) bool {
	for i := range cfg.Firstlight.Disks {
		d := &cfg.Firstlight.Disks[i]
		if d.Match.Serial == nil && d.Match.WWN == nil || d.IsNumbered() {
			return false
		}
	}
	return true
}

// newcomers know when disks have come.
type newcomers struct {
	quiet time.Duration
	seen  map[string]time.Time // when each was seen first
}

// settled reports whether no disk has come for some time, and udev has nothing to do. When
// a disk came before we looked is when its node was made.
func (n newcomers) settled(m *Machine, candidates []*plan.Candidate) bool {
	now := time.Now()
	for _, c := range candidates {
		seen, known := n.seen[c.Node()]
		if !known {
			seen, n.seen[c.Node()] = now, now
		}
		var stat unix.Stat_t
		old := unix.Stat(m.devPath(c.Node()), &stat) == nil && now.Sub(time.Unix(stat.Ctim.Unix())) >= n.quiet
		if !old && now.Sub(seen) < n.quiet {
			return false
		}
	}
	return !system.Exists(filepath.Join(m.udev(), "queue"))
}

// byPath has the links to disks by where they are attached.
const byPath = "/dev/disk/by-path"

// lookAtCandidates looks at all disks. Busy reports that udev has not finished with one.
func (m *Machine) lookAtCandidates() (busy bool, err error) {
	m.choices, m.candidates = nil, nil
	inUse, err := m.mountsAndSwaps()
	if err != nil {
		return false, err
	}
	entries, err := os.ReadDir(m.sys("class", "block"))
	if err != nil {
		return false, err
	}
	paths := m.linksByPath()
	for _, e := range entries {
		node := nodeOfKernel(e.Name())
		dir := m.sysOf(node)
		id, waiting := m.identify(dir)
		if id == nil {
			continue
		}
		busy = busy || waiting
		sectors, _ := strconv.ParseUint(m.attribute(dir, "size"), 10, 64)
		c := &plan.Candidate{DiskIdentity: *id, Paths: paths[node], Facts: &plan.DiskFacts{DeviceFacts: plan.DeviceFacts{Node: node, Size: sectors * 512}}}
		if err := m.lookInside(c, dir, inUse); err != nil {
			c.Excluded = "it cannot be read (" + err.Error() + ")"
		}
		m.candidates = append(m.candidates, c)
	}
	return busy, m.markRoot(m.candidates)
}

// lookInside finds out what a disk holds, unless it is none to choose.
func (m *Machine) lookInside(c *plan.Candidate, dir string, inUse mountsAndSwaps) error {
	if c.Excluded != "" {
		return nil
	}
	node := c.Node()
	d, err := m.open(node)
	if err != nil {
		return err
	}
	defer d.file.Close()
	c.Facts, c.Signatures = m.diskFacts(d, inUse), d.probe()
	c.Facts.Node, c.Facts.Holders = node, m.allHolders(dir, inUse)
	partitions := c.Facts.Table.Partitions
	if c.Facts.Kind == gpt.MBR {
		for _, k := range c.Facts.Partitions {
			partitions = append(partitions, gpt.Partition{Number: k.Number, Start: k.Start / d.sector, Size: k.Length / d.sector})
		}
	}
	for _, p := range partitions {
		c.Partitions = append(c.Partitions, plan.HeldPartition{Partition: p, Signatures: d.probePartition(d.file, p)})
	}
	return nil
}

// linksByPath are the names of disks by where they are attached, by their nodes.
func (m *Machine) linksByPath() map[string][]string {
	all := map[string][]string{}
	links, _ := os.ReadDir(m.underDev(byPath)) // without udev there is none
	for _, l := range links {
		if target, err := os.Readlink(m.underDev(byPath + "/" + l.Name())); err == nil {
			node := filepath.Join(byPath, target)
			all[node] = append(all[node], l.Name())
		}
	}
	return all
}

// chosen is the node of a path that means a disk of the config's choice, or one of its
// partitions, whether or not the link is there yet.
func (m *Machine) chosen(path string) (node string, ok bool) {
	c := plan.Chosen(m.choices, path)
	if c == nil {
		return "", false
	}
	if path == c.Path() {
		return c.Disk.Node(), true
	}
	number, _ := plan.ChosenPartition(c.Path(), path)
	for _, k := range m.partitions(m.sysOf(c.Disk.Node())) {
		if k.Number == number {
			return k.Node, true
		}
	}
	return "", false
}

// sysOf is the directory in sysfs of a node.
func (m *Machine) sysOf(node string) string {
	dir, err := filepath.EvalSymlinks(m.sys("class", "block", kernelOf(node)))
	if err != nil {
		return m.sys("class", "block", kernelOf(node))
	}
	return dir
}

// makeLinks makes the links to a chosen disk and to its partitions, as udev makes them in
// later boots by the rule of UdevRules. Those to partitions that are gone are taken away.
func (m *Machine) makeLinks(c *plan.Choice) error {
	links := map[string]string{c.Path(): c.Disk.Node()}
	for _, k := range m.partitions(m.sysOf(c.Disk.Node())) {
		links[fmt.Sprintf("%s-part%d", c.Path(), k.Number)] = k.Node
	}
	dir := m.underDev(filepath.Dir(c.Path()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range there {
		path := config.ChosenPrefix + e.Name()
		if _, isPartition := plan.ChosenPartition(c.Path(), path); isPartition && links[path] == "" {
			if err := os.Remove(m.underDev(path)); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	for path, node := range links {
		if err := replaceLink(m.underDev(path), "../"+strings.TrimPrefix(node, "/dev/")); err != nil {
			return err
		}
	}
	return nil
}

// replaceLink makes a link in place of another.
func replaceLink(path, target string) error {
	if now, err := os.Readlink(path); err == nil && now == target {
		return nil
	}
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// kernelOf is the kernel's name of a device by its node.
func kernelOf(node string) string {
	return strings.ReplaceAll(strings.TrimPrefix(node, "/dev/"), "/", "!")
}

// nodeOfKernel is the node of a device by the kernel's name.
func nodeOfKernel(name string) string { return "/dev/" + strings.ReplaceAll(name, "!", "/") }
