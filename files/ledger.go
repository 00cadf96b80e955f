package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
)

// ledgerFile is in /etc.
const ledgerFile = ".provisioning-ledger.json"

// A ledger lets a run that was interrupted, by a power cut say, be repeated: it
// tells what is ours from what was there before. It is on the disk before the
// first change, and says what the first run has found; nodes of the config that
// it does not list were not there, so that those that are there now are ours.
//
// When all is done the ledger stays, since the machine is provisioned again if
// the power fails before its first boot is over. From then on a node counts as
// ours only if it was not changed after that.
//
// It is about one config. For another one it does not apply.
type ledger struct {
	// Config is the digest of the config.
	Config string `json:"config"`
	// Planned reports whether a files stage has begun. The mount stage writes before.
	Planned bool `json:"planned,omitempty"`
	// Started is when the last run began, Finished when all was on the disk, 0
	// until then. In nanoseconds since 1970.
	Started  int64 `json:"started,omitempty"`
	Finished int64 `json:"finished,omitempty"`
	// Existed are the config's paths at which there was something.
	Existed map[string]stamp `json:"existed,omitempty"`

	// What follows is dropped at the end.

	// RecordedDirectories are the mount points that were made.
	MountPoints []string `json:"notated,omitempty"`
	// TempDirs are where temporary files may be.
	TempDirs []string `json:"dirs,omitempty"`
	// Unlabelled are the directories that were not there.
	Unlabelled []string `json:"unlabelled,omitempty"`
	// Accounts are the databases of users and groups as they were; nil if no
	// program of shadow-utils runs.
	Accounts map[string]savedFile `json:"accounts,omitempty"`
	// Homes are those of new users that were not there.
	Homes []string `json:"homes,omitempty"`
	// Result is the result file of an earlier provisioning.
	Result string `json:"result,omitempty"`
}

// A trace of a node reports whether it was changed. Inodes do not, on vfat.
type stamp struct {
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"` // nanoseconds since 1970
}

func stampOf(st *stat) stamp { return stamp{st.Size, st.Mtim.Nano()} }

// A saved file can be put back.
type savedFile struct {
	Text string `json:"text"` // in base64
	Mode uint32 `json:"mode"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
}

// readLedger is nil if there is none. One that cannot be read was written by
// another version, or by somebody else.
func (r *root) readLedger() (*ledger, error) {
	text, err := r.readFile("/etc/" + ledgerFile)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := new(ledger)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path.Join(r.path, "etc", ledgerFile), err)
	}
	return l, nil
}

// write puts the ledger on the disk before it returns.
func (l *ledger) write(r *root) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	etc, err := r.makeDirs("/etc")
	if err != nil {
		return err
	}
	defer etc.close()
	err = etc.rewriteFile(ledgerFile, ownership{-1, -1}, 0o600, func(f *os.File) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return etc.sync()
}

// RecordedDirectories are the mount points below a root that earlier runs of a first boot
// have made for a config, and that are not their user's yet.
func RecordedDirectories(root, config string) ([]string, error) {
	l, err := openLedger(root, config)
	return l.MountPoints, err
}

// RecordDirectory records, before it is done, that a mount point is made for a config.
func RecordDirectory(root, config, point string) error {
	l, err := openLedger(root, config)
	if err != nil {
		return err
	}
	r, err := openRoot(root)
	if err != nil {
		return err
	}
	defer r.close()
	l.MountPoints = append(l.MountPoints, point)
	return l.write(r)
}

// openLedger is the one of a config, empty if there is none yet.
func openLedger(root, config string) (*ledger, error) {
	empty := &ledger{Config: config}
	r, err := openRoot(root)
	if err != nil {
		return empty, err
	}
	defer r.close()
	l, err := r.readLedger()
	if err != nil || l == nil || l.Config != config {
		return empty, err
	}
	return l, nil
}

// interrupted reports whether a run has begun and not ended.
func (l *ledger) interrupted() bool { return l != nil && l.Planned && l.Finished == 0 }

// ours reports whether a node of the config is there only because of us.
func (l *ledger) made(name string, found *stat) bool {
	if l == nil || !l.Planned || found == nil {
		return false
	}
	if _, existed := l.Existed[name]; existed {
		return false
	}
	changed := found.Ctim.Nano()
	return l.Finished == 0 || l.Started <= changed && changed <= l.Finished
}

// appended reports whether an earlier run has appended to a file that was there.
func (l *ledger) appended(name string, found *stat) bool {
	if l == nil || !l.Planned {
		return false
	}
	before, existed := l.Existed[name]
	return existed && before != stampOf(found)
}

// recordExisting notes what the first run has found at a path of the config.
func (p *planner) recordExisting(name string, st *stat) {
	if p.earlier == nil && st != nil {
		p.ledger.Existed[name] = stampOf(st)
	}
}

// loadLedger reads the ledger of earlier runs and begins that of this one.
func (p *planner) loadLedger() error {
	last, err := p.root.readLedger()
	if err != nil {
		return err
	}
	p.interrupted = last.interrupted()
	p.ledger = &ledger{Existed: map[string]stamp{}}
	switch {
	case last == nil || last.Config != p.Config || p.Config == "":
	case !last.Planned:
		p.ledger = last
		p.ledger.Existed = map[string]stamp{}
	default:
		p.earlier = last
		again := *last
		p.ledger = &again
	}
	p.ledger.Config, p.ledger.Planned = p.Config, true
	if !p.earlier.interrupted() {
		result, err := p.root.readFile("/etc/" + resultFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		p.ledger.Result, p.ledger.Unlabelled = string(result), nil
	}
	for _, point := range p.ledger.MountPoints {
		if !slices.Contains(p.RecordedDirectories, point) {
			p.RecordedDirectories = append(p.RecordedDirectories, point)
		}
	}
	return nil
}

// begin puts the ledger, and what is left to do for an earlier run, before all
// other operations.
func (p *planner) planLedgerStart() {
	rest := p.plan
	p.plan = nil
	if p.interrupted {
		p.add(config.Origin{}, "cleaning up after a run that was interrupted", func(_ context.Context, r *root) error { return p.cleanUp(r) })
	}
	if p.Config != "" {
		p.ledger.TempDirs = slices.Compact(slices.Sorted(slices.Values(append(p.tempDirs(), p.ledger.TempDirs...))))
		p.add(config.Origin{}, "noting in /etc/"+ledgerFile+" what is there already", func(_ context.Context, r *root) error {
			// A ledger that was not finished has left its own.
			if err := r.removeMatching("/etc", isTempName); err != nil {
				return err
			}
			p.ledger.Started, p.ledger.Finished = now(), 0
			return p.ledger.write(r)
		})
	}
	if n := len(p.prefetch.all); n > 0 {
		p.add(config.Origin{}, fmt.Sprintf("starting %d downloads", n), p.prefetch.start)
	}
	p.plan = append(p.plan, rest...)
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

// temporaries are the directories in which this plan makes temporary files.
func (p *planner) tempDirs() []string {
	dirs := slices.Concat(p.written, []string{"/etc", unitDir, path.Dir(presetFile)})
	for _, d := range p.prefetch.all {
		dirs = append(dirs, d.dir)
	}
	return dirs
}

// finished plans the end of the ledger.
func (p *planner) planLedgerEnd() {
	if p.Config == "" {
		return
	}
	p.add(config.Origin{}, "noting that all is done", func(ctx context.Context, r *root) error {
		if err := p.sync(r); err != nil { // the labels, too
			return err
		}
		l := p.ledger
		err := (&ledger{Config: l.Config, Planned: true, Started: l.Started, Finished: time.Now().UnixNano(), Existed: l.Existed}).write(r)
		if err != nil || p.policy == "" {
			return err
		}
		return p.setfiles(ctx, p.policy, []string{"/etc/" + ledgerFile})
	})
}
