package bootloader

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/files/rootfs"
)

// ErrNoEntries is wrapped if a filesystem has no entries.
var ErrNoEntries = errors.New("there are no boot loader entries")

// Where entries and environment blocks are on a filesystem: on one of its own, or
// on the root filesystem.
var (
	entryDirectories = []string{"/loader/entries", "/boot/loader/entries"}
	grubenvs         = []string{"/grub2/grubenv", "/grub/grubenv", "/boot/grub2/grubenv", "/boot/grub/grubenv"}
)

// maxFile is the size of an entry or of an environment block, which have a few
// hundred bytes, that is still believed.
const maxFile = 64 << 10

// A file is one that an entry or an environment block is in.
type file struct {
	path      string
	text, new []byte
}

// SetArguments changes the kernel arguments of all entries of a filesystem, and
// returns the paths of the files that it has changed: none, if all was so
// already. Everything is read and checked before the first file is written; each is
// replaced as a whole. The error wraps ErrNoEntries if there are none.
func SetArguments(fs *rootfs.Root, a Arguments) (changed []string, err error) {
	all, err := a.changes(fs)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if err := replace(fs, f); err != nil {
			return changed, err
		}
		changed = append(changed, f.path)
	}
	return changed, nil
}

// Changes returns the paths of the files that SetArguments would change.
func Changes(fs *rootfs.Root, a Arguments) ([]string, error) {
	all, err := a.changes(fs)
	var paths []string
	for _, f := range all {
		paths = append(paths, f.path)
	}
	return paths, err
}

// changes returns the files that are to become others.
func (a Arguments) changes(fs *rootfs.Root) ([]*file, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	entries, err := readEntries(fs)
	if err != nil {
		return nil, err
	}
	all, err := a.change(fs, entries)
	return slices.DeleteFunc(all, func(f *file) bool { return bytes.Equal(f.text, f.new) }), err
}

// replace writes the new contents of a file, which keeps its owner and mode.
func replace(fs *rootfs.Root, f *file) error {
	stat, err := fs.Lstat(f.path)
	if err != nil {
		return err
	}
	// As long as the old one is open a FAT does not free its clusters: no power cut leaves
	// an entry whose clusters are free, and get another file's text.
	held, _, err := fs.OpenFile(f.path)
	if err != nil {
		return err
	}
	defer held.Close()
	o := rootfs.Options{Owner: rootfs.OwnedBy(int(stat.Uid), int(stat.Gid)), Mode: stat.Mode & 0o7777, Replace: true, Sync: true}
	if err := fs.WriteFile(f.path, f.new, o); err != nil {
		return err
	}
	return fs.SyncFilesystem(f.path[:strings.LastIndexByte(f.path, '/')], map[uint64]bool{})
}

func readEntries(fs *rootfs.Root) ([]*file, error) {
	var entries []*file
	for _, dir := range entryDirectories {
		names, err := fs.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ".conf") || rootfs.IsTempName(name) {
				continue
			}
			f, err := readFile(fs, dir+"/"+name)
			if err != nil {
				return nil, err
			}
			entries = append(entries, f)
		}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoEntries, strings.Join(entryDirectories, " or "))
	}
	return entries, nil
}

// readFile reads a file by the path that its links lead to, so that a file is
// replaced and not the link to it. It returns nil if there is none.
func readFile(fs *rootfs.Root, name string) (*file, error) {
	path, err := fs.Resolve(name)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(path)
	if err != nil || text == nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s has %d bytes, which is too much for an entry of a boot loader", path, len(text))
	}
	return &file{path: path, text: text, new: text}, nil
}

// change sets what the files of the entries, and the environment block if one of
// them refers to it, are to become.
func (a Arguments) change(fs *rootfs.Root, entries []*file) ([]*file, error) {
	all := entries
	shared := ""
	if slices.ContainsFunc(entries, (*file).usesKernelopts) {
		env, err := a.changeGrubenv(fs)
		if err != nil {
			return nil, err
		}
		if env != nil {
			all = append(all, env)
			shared = grubenv(env.new).value()
		}
	}
	for _, e := range entries {
		e.new = []byte(a.changeEntry(string(e.text), shared))
	}
	return all, nil
}

// changeGrubenv takes what should not exist out of the arguments that entries share.
func (a Arguments) changeGrubenv(fs *rootfs.Root) (*file, error) {
	for _, name := range grubenvs {
		f, err := readFile(fs, name)
		if err != nil {
			return nil, err
		}
		if f == nil || !bytes.HasPrefix(f.text, []byte(grubenvHeader)) {
			continue
		}
		env := grubenv(f.text)
		if value := a.remove(env.value()); value != env.value() {
			if env, err = env.set(value); err != nil {
				return nil, fmt.Errorf("%s: %w", f.path, err)
			}
			f.new = []byte(env)
		}
		return f, nil
	}
	return nil, nil
}

// options returns the value of a line of an entry if its key is "options".
func options(line string) (value string, ok bool) {
	line = strings.TrimLeft(line, " \t")
	rest, ok := strings.CutPrefix(line, "options")
	value = strings.Trim(rest, " \t\r")
	return value, ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

func (f *file) usesKernelopts() bool {
	for line := range strings.SplitSeq(string(f.text), "\n") {
		if value, ok := options(line); ok && slices.Contains(words(value), "$"+kernelopts) {
			return true
		}
	}
	return false
}

// changeEntry returns the text of an entry with other arguments. There may be
// several lines of them. Shared are those that it has from elsewhere.
func (a Arguments) changeEntry(text, shared string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	last, have := -1, ""
	if strings.Contains(text, "$"+kernelopts) {
		have = shared
	}
	for i, line := range lines {
		value, ok := options(line)
		if !ok {
			continue
		}
		last = i
		if kept := a.remove(value); kept != value {
			lines[i], value = "options "+kept, kept
		}
		have += " " + value
	}
	switch missing := strings.Join(a.missing(have), " "); {
	case missing == "":
	case last >= 0:
		lines[last] = strings.TrimRight(lines[last], " \t\r") + " " + missing
	default:
		lines = append(lines, "options "+missing)
	}
	if changed := strings.Join(lines, "\n"); changed != strings.TrimSuffix(text, "\n") {
		return changed + "\n"
	}
	return text
}
