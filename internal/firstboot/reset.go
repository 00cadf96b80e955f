package firstboot

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/reset"
)

// A Place is where the request of a reset is.
type Place struct {
	// Boot is the directory where the filesystem is mounted, File the file.
	Boot, File string
	// entries are the directories with entries that get the kernel argument.
	entries []string
}

// stamp has GRUB pass a kernel argument: see grub/05_ignition.cfg.
const stamp = "set ignition_network_kcmdline=\"%s\"\n"

// stampVariable is what a configuration of GRUB has that does so.
const stampVariable = "ignition_network_kcmdline"

// savedID has the machine ID while the file that Arm writes says that there is none. It
// is beside the request.
const savedID = "machine-id"

// entryDirs are where filesystems with entries are mounted. Those that have modes come
// first.
var entryDirs = []string{"/boot", "/efi", "/boot/efi"}

// bootDirectories are where a request can be.
func (w Way) bootDirectories() []string {
	if w.InStub() || w.stamped {
		return w.Directories
	}
	return entryDirs
}

// Place returns where the request of a reset is, or would be. The error is that the boot
// loader cannot be told of one, and what was looked for.
func (w Way) Place(root *rootfs.Root) (Place, error) {
	name, err := w.find(root)
	if err != nil {
		return Place{}, err
	}
	boot := strings.TrimSuffix(name, "/"+w.File)
	at := Place{Boot: boot, File: w.requestIn(boot)}
	switch {
	case w.InStub():
		return at, nil
	case w.stamped:
		return at, w.checkStamp(root, boot)
	case w.entries:
		at.entries = []string{boot}
		return at, nil
	}
	dirs, others, err := entryDirectories(root)
	switch {
	case err != nil:
		return Place{}, err
	case len(dirs) == 0:
		err = fmt.Errorf("the next boot learns of a reset by a kernel argument, and %w: looked for loader/entries/*.conf in %s", bootloader.ErrNoEntries, strings.Join(entryDirs, ", "))
		if others != "" {
			err = fmt.Errorf("%w; %s has unified kernel images, whose arguments are signed", err, others)
		}
		return Place{}, err
	case others != "":
		return Place{}, fmt.Errorf("the next boot learns of a reset by a kernel argument, and %s has unified kernel images beside the entries in %s: their arguments are signed, so that one of them would begin a first boot without the request",
			others, root.HostPath(dirs[0]))
	}
	return Place{Boot: dirs[0], File: w.requestIn(dirs[0]), entries: dirs}, nil
}

// InStub reports whether systemd-stub passes the request on, as it does the mark.
func (w Way) InStub() bool { return strings.HasPrefix(w.File, path.Dir(reset.CredentialFile[1:])+"/") }

// checkStamp returns why GRUB would not pass an argument on that is in the mark.
func (w Way) checkStamp(root *rootfs.Root, boot string) error {
	var looked []string
	dirs, err := root.ReadDir(boot)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if fits, _ := path.Match(w.Needs, dir); !fits { // the pattern is ours
			continue
		}
		names, err := root.ReadDir(path.Join(boot, dir))
		if err != nil {
			return err
		}
		for _, name := range names {
			if path.Ext(name) != ".cfg" {
				continue
			}
			text, err := root.ReadFile(path.Join(boot, dir, name))
			if err != nil {
				return err
			}
			if strings.Contains(string(text), stampVariable) {
				return nil
			}
		}
		looked = append(looked, root.HostPath(path.Join(boot, dir, "*.cfg")))
	}
	return fmt.Errorf("the next boot learns of a reset by a kernel argument, which GRUB takes from $%s of %s: none of %s has that variable", stampVariable, path.Base(w.File), strings.Join(looked, ", "))
}

// entryDirectories are those of the boot loader that have entries. Others is one that has
// unified kernel images.
func entryDirectories(root *rootfs.Root) (dirs []string, others string, err error) {
	for _, dir := range entryDirs {
		names, err := root.ReadDir(dir)
		if err != nil {
			return nil, "", err
		}
		if names == nil {
			continue
		}
		_, err = inDirectory(root, dir, bootloader.Changes, bootloader.Arguments{})
		switch {
		case err == nil:
			dirs = append(dirs, dir)
		case !errors.Is(err, bootloader.ErrNoEntries):
			return nil, "", err
		}
		images, err := root.ReadDir(dir + "/EFI/Linux")
		if err != nil {
			return nil, "", err
		}
		if slices.ContainsFunc(images, func(name string) bool { return strings.EqualFold(path.Ext(name), ".efi") }) {
			others = root.HostPath(dir + "/EFI/Linux")
		}
	}
	return dirs, others, nil
}

// inDirectory gives the filesystem that is mounted at a directory to one of bootloader's
// functions.
func inDirectory(root *rootfs.Root, dir string, do func(*rootfs.Root, bootloader.Arguments) ([]string, error), a bootloader.Arguments) ([]string, error) {
	at, err := root.Resolve(dir)
	if err != nil {
		return nil, err
	}
	fs, err := rootfs.Open(root.HostPath(at))
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	paths, err := do(fs, a)
	for i, p := range paths {
		paths[i] = fs.HostPath(p)
	}
	return paths, err
}

// A step is one change on the way to a reset or back from it: one file is written or
// removed, or each entry of the boot loader is replaced. After each the machine is as it
// was, or the reset is pending as a whole.
type step func(root *rootfs.Root) error

func run(root *rootfs.Root, steps []step) error {
	for _, do := range steps {
		if err := do(root); err != nil {
			return err
		}
	}
	return nil
}

// ArmReset makes the next boot a first one that takes this request. An earlier one is
// gone before.
func (w Way) ArmReset(root *rootfs.Root, r reset.Request) error {
	forth, err := w.resetSteps(root, r)
	if err != nil {
		return err
	}
	back, err := w.cancelSteps(root)
	if err != nil {
		return err
	}
	return run(root, append(back, forth...))
}

// resetSteps are those of ArmReset on a system with no reset pending: the request, the
// kernel argument, the mark.
func (w Way) resetSteps(root *rootfs.Root, r reset.Request) ([]step, error) {
	at, err := w.Place(root)
	if err != nil {
		return nil, err
	}
	text, err := r.Text()
	if err != nil {
		return nil, err
	}
	steps := []step{func(root *rootfs.Root) error { return write(root, at.File, text, 0o600) }}
	argument := bootloader.Arguments{Exist: []string{r.KernelArgument()}}
	switch {
	case w.stamped:
		name, err := w.find(root)
		return append(steps, func(root *rootfs.Root) error {
			return write(root, name, fmt.Appendf(nil, stamp, r.KernelArgument()), 0o644)
		}), err
	case w.entries: // entry by entry both at once
		argument.Exist = append(argument.Exist, w.arguments[0])
	case w.absent:
		steps = append(steps, func(root *rootfs.Root) error { return w.saveID(root, at) })
	}
	for _, dir := range at.entries {
		steps = append(steps, func(root *rootfs.Root) error {
			_, err := inDirectory(root, dir, bootloader.SetArguments, argument)
			return err
		})
	}
	if w.entries {
		return steps, nil
	}
	return append(steps, func(root *rootfs.Root) error { return w.mark(root) }), nil
}

// saveID keeps the machine ID for Cancel.
func (w Way) saveID(root *rootfs.Root, at Place) error {
	name, err := w.find(root)
	if err != nil {
		return err
	}
	id, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	return write(root, path.Join(path.Dir(at.File), savedID), id, 0o444)
}

// Cancel takes back what Arm and ArmReset have done.
func (w Way) Cancel(root *rootfs.Root) error {
	steps, err := w.cancelSteps(root)
	if err != nil {
		return err
	}
	return run(root, steps)
}

// cancelSteps are Disarm, of a reset on a system with the way machine-id with the ID that
// it had.
func (w Way) cancelSteps(root *rootfs.Root) ([]step, error) {
	if w.absent {
		at, err := w.Place(root)
		if err != nil {
			return w.disarmSteps(root)
		}
		id, err := root.ReadFile(path.Join(path.Dir(at.File), savedID))
		if err != nil {
			return nil, err
		}
		name, err := w.find(root)
		if err != nil {
			return nil, err
		}
		if armed, _, err := w.Armed(root); err != nil {
			return nil, err
		} else if armed && id != nil {
			steps := []step{func(root *rootfs.Root) error { return write(root, name, id, 0o444) }}
			return append(steps, w.dropSteps()...), nil
		}
	}
	return w.disarmSteps(root)
}

// dropSteps remove what is left of a reset when the mark is gone: the kernel argument,
// then the request.
func (w Way) dropSteps() []step {
	var arguments, requests []step
	for _, dir := range w.bootDirectories() {
		request := w.requestIn(dir)
		if w.InStub() {
			requests = append(requests, func(root *rootfs.Root) error { return remove(root, request) })
			continue
		}
		if !w.stamped {
			arguments = append(arguments, func(root *rootfs.Root) error { return dropArgument(root, dir) })
		}
		requests = append(requests, func(root *rootfs.Root) error { return dropRequest(root, path.Dir(request)) })
	}
	return append(arguments, requests...)
}

// requestIn is the path of a request on the filesystem that is mounted at a directory.
func (w Way) requestIn(dir string) string {
	if w.InStub() {
		return dir + reset.CredentialFile
	}
	return dir + reset.File
}

// HasRequest reports whether there is the request of a reset, whatever becomes of it.
func (w Way) HasRequest(root *rootfs.Root) bool {
	return slices.ContainsFunc(w.bootDirectories(), func(dir string) bool { return root.Exists(w.requestIn(dir)) })
}

// dropArgument takes the argument out of the entries of a directory, if it has any.
func dropArgument(root *rootfs.Root, dir string) error {
	if names, err := root.ReadDir(dir); err != nil || names == nil {
		return err
	}
	_, err := inDirectory(root, dir, bootloader.SetArguments, bootloader.Arguments{NotNamed: []string{reset.Argument}})
	if errors.Is(err, bootloader.ErrNoEntries) {
		return nil
	}
	return err
}

// dropRequest removes a directory with a request. It is ours, with what an interrupted
// write has left in it.
func dropRequest(root *rootfs.Root, dir string) error {
	names, err := root.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == path.Base(reset.File) || name == savedID || rootfs.IsTempName(name) {
			if err := remove(root, path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if names, err = root.ReadDir(dir); err != nil || names == nil || len(names) > 0 {
		return err
	}
	return remove(root, dir)
}

// A Pending is a reset that was asked for.
type Pending struct {
	reset.Request
	// File has it.
	File string
	// Armed reports that the next boot takes it.
	Armed bool
}

// Pending returns the reset that was asked for, nil if none was.
func (w Way) Pending(root *rootfs.Root) (*Pending, error) {
	at, err := w.Place(root)
	if err != nil {
		return nil, nil // then none could be
	}
	text, err := root.ReadFile(at.File)
	if err != nil || text == nil {
		return nil, err
	}
	p := &Pending{File: root.HostPath(at.File)}
	if p.Request, err = reset.Parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	if p.Armed, _, err = w.Armed(root); err != nil || !p.Armed {
		return p, err
	}
	if w.stamped {
		name, err := w.find(root)
		if err != nil {
			return nil, err
		}
		mark, err := root.ReadFile(name)
		p.Armed = strings.Contains(string(mark), p.KernelArgument())
		return p, err
	}
	for _, dir := range at.entries {
		lacking, err := inDirectory(root, dir, bootloader.Changes, bootloader.Arguments{Exist: []string{p.KernelArgument()}})
		if err != nil {
			return nil, err
		}
		p.Armed = p.Armed && len(lacking) == 0
	}
	return p, nil
}

// write replaces a file as a whole, and has it on the disk before it returns.
func write(root *rootfs.Root, name string, text []byte, mode uint32) error {
	return held(root, name, func() error {
		return root.WriteFile(name, text, rootfs.Options{Owner: rootfs.OwnedBy(0, 0), Mode: mode, Replace: true, Sync: true})
	})
}

// remove removes a file or an empty directory, if it is there.
func remove(root *rootfs.Root, name string) error {
	return held(root, name, func() error { return root.Remove(name) })
}

// held changes the name of a file that stays open meanwhile, as long as which a FAT does
// not free its clusters: no power cut leaves a name whose clusters are free.
func held(root *rootfs.Root, name string, change func() error) error {
	stat, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if stat != nil && stat.IsRegular() {
		f, _, err := root.OpenFile(name)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	if err := change(); err != nil {
		return err
	}
	return root.SyncFilesystem(path.Dir(name), map[uint64]bool{})
}
