package storage

import (
	"fmt"
	"slices"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// reuses reports whether an entry may be about a filesystem that is used in whatever
// format it has. One with subvolumes is not.
func (m *Machine) reuses(fs *config.Filesystem) bool {
	return len(m.ReusedLabels) > 0 && (fs.Label == nil || slices.Contains(m.ReusedLabels, *fs.Label)) &&
		!config.ValueOr(fs.WipeFilesystem, false) && len(fs.Subvolumes) == 0
}

// reuseFormat gives an entry the format of the filesystem that was found, if it is one
// of these.
func (m *Machine) reuseFormat(fs *config.Filesystem, found []blkprobe.Signature) {
	if !m.reuses(fs) || len(found) != 1 || found[0].Type == *fs.Format || !slices.Contains(m.ReusedLabels, found[0].Label) {
		return
	}
	if fs.Label != nil && *fs.Label != found[0].Label || formats[found[0].Type].program == "" {
		return
	}
	m.Log.Info(fmt.Sprintf("%s holds %s, which the distribution has used as it is; the config asks for %s", fs.Device, found[0], *fs.Format))
	fs.Format = &found[0].Type
}
