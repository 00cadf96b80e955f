package ledger

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/json"
)

// Path is where the ledger is below a root.
const Path = "/etc/.provisioning-ledger.json"

// A Ledger is about one config.
type Ledger struct {
	// Config is the digest of the config.
	Config string `json:"config"`
	// Planned reports whether a files stage has begun. The mount stage writes before.
	Planned bool `json:"planned,omitempty"`
	// Started is when the last run began, Finished when all was on the disk, 0
	// until then. In nanoseconds since 1970.
	Started  int64 `json:"started,omitempty"`
	Finished int64 `json:"finished,omitempty"`
	// Existed are the config's paths at which the first run found a node.
	Existed map[string]Stamp `json:"existed,omitempty"`
	// Archives are those of the config, by their place in the list, that a run has begun
	// to put in place: there was nothing in their way, or it could be replaced.
	Archives []int `json:"archives,omitempty"`
	// Cleared is about the last reset of this root, whatever the config.
	Cleared *Clearing `json:"cleared,omitempty"`

	// What follows is dropped at the end.

	// MountPoints are the directories that the mount stage has created.
	MountPoints []string `json:"notated,omitempty"`
	// TempDirs are where temp files may be.
	TempDirs []string `json:"dirs,omitempty"`
	// Unlabelled are the directories that did not exist and get SELinux labels.
	Unlabelled []string `json:"unlabelled,omitempty"`
	// Accounts are the databases of users and groups as they were; nil if no
	// program of shadow-utils runs.
	Accounts map[string]SavedFile `json:"accounts,omitempty"`
	// Homes are what becomes of homes and mailboxes, in this order.
	Homes []HomeChange `json:"homes,omitempty"`
	// UnitDirs are directories with links that enable units. They go with the last link.
	UnitDirs []string `json:"unitDirs,omitempty"`
	// Result is the result file of an earlier provisioning.
	Result string `json:"result,omitempty"`
}

// A Clearing is what a reset has done to a root: it is not to be done again.
type Clearing struct {
	// Request is the ID of who has asked for it.
	Request string `json:"request"`
	// Removed is what went, Kept are the paths that stayed.
	Removed Amount   `json:"removed"`
	Kept    []Amount `json:"kept,omitempty"`
}

// An Amount is how much there is: nodes that are no directories, and the bytes in them.
type Amount struct {
	Path  string `json:"path,omitempty"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

// A Stamp shows whether a node was changed. Inodes do not, on vfat.
type Stamp struct {
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"` // nanoseconds since 1970
}

func stampOf(st *rootfs.Stat) Stamp { return Stamp{st.Size, st.Mtim.Nano()} }

// Read returns the last ledger of a root, nil if there is none. One that cannot be
// read was written by another version, or by somebody else.
func Read(r *rootfs.Root) (*Ledger, error) {
	text, err := r.ReadFile(Path)
	if text == nil || err != nil {
		return nil, err
	}
	l := new(Ledger)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.HostPath(Path), err)
	}
	return l, nil
}

// Next returns the ledger of a run with a config that follows the last one, and
// that of the earlier runs with it, nil if there were none. Without a config
// nothing is recorded.
func (l *Ledger) Next(config string) (current, earlier *Ledger) {
	current = new(Ledger)
	if l != nil && config != "" && l.Config == config {
		*current = *l
		if l.Planned {
			earlier = l
		}
	}
	if earlier == nil {
		current.Existed = map[string]Stamp{}
	}
	current.Cleared = l.ClearedFor("")
	current.Config, current.Planned = config, true
	return current, earlier
}

// ClearedFor returns what a reset has done by the request of this ID, or by any if it is
// empty; nil if there is nothing of that.
func (l *Ledger) ClearedFor(request string) *Clearing {
	if l == nil || l.Cleared == nil || request != "" && l.Cleared.Request != request {
		return nil
	}
	return l.Cleared
}

// RecordClearing begins a new ledger, of a root that has been cleared.
func RecordClearing(r *rootfs.Root, c Clearing) error {
	l := &Ledger{Cleared: &c}
	return l.Write(r)
}

// Write puts the ledger on the disk before it returns.
func (l *Ledger) Write(r *rootfs.Root) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return r.WriteFile(Path, append(text, '\n'), rootfs.Options{Mode: 0o600, Replace: true, Sync: true})
}

// Start records that a run begins.
func (l *Ledger) Start(r *rootfs.Root) error {
	// A ledger that was not finished has left its own.
	if err := r.RemoveMatching("/etc", rootfs.IsTempName); err != nil {
		return err
	}
	l.Started, l.Finished = now(), 0
	return l.Write(r)
}

// Finish records that all is done and on the disk.
func (l *Ledger) Finish(r *rootfs.Root) error {
	done := Ledger{Config: l.Config, Planned: true, Started: l.Started, Finished: time.Now().UnixNano(), Existed: l.Existed, Archives: l.Archives, Cleared: l.Cleared}
	return done.Write(r)
}

// now is the time by the coarsest clock that the kernel stamps inodes with: no
// later change has an earlier stamp.
func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &t); err != nil {
		return time.Now().UnixNano()
	}
	return t.Nano()
}

// Interrupted reports whether a run has begun and not ended. No ledger is none.
func (l *Ledger) Interrupted() bool { return l != nil && l.Planned && l.Finished == 0 }

// Made reports whether a node of the config exists only because of earlier runs,
// of which l is the ledger.
func (l *Ledger) Made(name string, found *rootfs.Stat) bool {
	if l == nil || found == nil {
		return false
	}
	if _, existed := l.Existed[name]; existed {
		return false
	}
	changed, begun := found.Ctim.Nano(), l.Started
	if found.Ctim.Nsec == 0 {
		begun -= begun % int64(time.Second) // its filesystem counts seconds
	}
	return l.Finished == 0 || begun <= changed && changed <= l.Finished
}

// BeginArchive notes that an archive of the config is about to be put in place.
func (l *Ledger) BeginArchive(index int) {
	if !slices.Contains(l.Archives, index) {
		l.Archives = append(l.Archives, index)
	}
}

// HasBegun reports whether an earlier run has begun to put an archive in place.
func (l *Ledger) HasBegun(index int) bool { return l != nil && slices.Contains(l.Archives, index) }

// AppendedTo reports whether earlier runs have appended to a file that existed.
func (l *Ledger) AppendedTo(name string, found *rootfs.Stat) bool {
	if l == nil {
		return false
	}
	before, existed := l.Existed[name]
	return existed && before != stampOf(found)
}

// RecordExisting records a node that the first run has found.
func (l *Ledger) RecordExisting(name string, found *rootfs.Stat) { l.Existed[name] = stampOf(found) }

// RecordDirectories records, before it is done, that mount points below a root are
// created for a config.
func RecordDirectories(root, config string, points []string) error {
	return forConfig(root, config, func(r *rootfs.Root, l *Ledger) error {
		l.MountPoints = append(l.MountPoints, points...)
		return l.Write(r)
	})
}

// RecordedDirectories returns the mount points that earlier runs have created for
// a config, and that are not their user's yet.
func RecordedDirectories(root, config string) (points []string, err error) {
	err = forConfig(root, config, func(_ *rootfs.Root, l *Ledger) error {
		points = slices.Clone(l.MountPoints)
		return nil
	})
	return points, err
}

// forConfig calls do with the ledger of a config, an empty one if there is none.
func forConfig(root, config string, do func(*rootfs.Root, *Ledger) error) error {
	r, err := rootfs.Open(root)
	if err != nil {
		return err
	}
	defer r.Close()
	l, err := Read(r)
	if err != nil {
		return err
	}
	if l == nil || l.Config != config {
		l = &Ledger{Config: config, Cleared: l.ClearedFor("")}
	}
	return do(r, l)
}
