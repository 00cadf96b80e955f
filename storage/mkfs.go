package storage

import (
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
)

// formats are the filesystems that can be made, by their programs.
var formats = map[string]struct {
	program string
	force   []string // do not ask
	uuid    func(uuid string) []string
	label   string // option for it
}{
	"btrfs": {"mkfs.btrfs", []string{"--force"}, option("-U"), "-L"},
	"ext4":  {"mkfs.ext4", []string{"-F"}, option("-U"), "-L"},
	"swap":  {"mkswap", []string{"-f"}, option("-U"), "-L"},
	"vfat":  {"mkfs.fat", nil, option("-i"), "-n"},
	"xfs":   {"mkfs.xfs", []string{"-f"}, func(uuid string) []string { return []string{"-m", "uuid=" + uuid} }, "-L"},
}

func option(name string) func(string) []string {
	return func(value string) []string { return []string{name, value} }
}

// mkfs is the command that makes a filesystem. The config's own options come
// first, as in the reference.
func mkfs(fs *config.Filesystem, node string) (system.Command, bool) {
	f, known := formats[*fs.Format]
	args := append(slices.Clone(fs.Options), f.force...)
	if fs.UUID != nil {
		args = append(args, f.uuid(plainUUID(*fs.Format, *fs.UUID))...)
	}
	if fs.Label != nil {
		args = append(args, f.label, *fs.Label)
	}
	return system.Command{Name: f.program, Args: append(args, node)}, known
}
