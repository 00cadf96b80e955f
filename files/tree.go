package files

import (
	"context"
	"io"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A Fetcher writes the verified, decompressed bytes of a resource to w. After
// an error what was written does not count.
type Fetcher interface {
	Fetch(ctx context.Context, r config.Resource, w io.Writer) error
}

// A Tree is the root that is being provisioned.
type Tree struct {
	// Root is the directory that will be "/", an absolute path.
	Root  string
	Run   system.Runner
	Log   *report.Logger
	Fetch Fetcher
	// RecordedDirectories are the directories that the mount stage has created, as
	// paths below the root. Those in a user's home become the user's.
	RecordedDirectories []string
	// KeyFragments puts SSH keys into ~/.ssh/authorized_keys.d/ignition, else
	// they become ~/.ssh/authorized_keys.
	KeyFragments bool
	// Keys are the keys of LUKS volumes by their names, and VolumeKeys files of
	// zkey by theirs, as data URLs; the disks stage made them.
	Keys, VolumeKeys map[string]string
	// KeyDir is where the new system looks for them, by default /etc/luks.
	KeyDir string
	// Result is what the result file will say. Without anything there is none.
	Result Result
	// ResultFile is its path, by default /etc/.ignition-result.json.
	ResultFile string
	// Relabel sets SELinux labels if the root has a policy.
	Relabel bool
	// Config is the digest of the config. With it the root gets a ledger, so
	// that a run that was interrupted can be repeated.
	Config string
	// Outputs are files that the platform wants to be on the machine.
	Outputs []Output

	root     *rootfs.Root // from the plan to the end of its operations
	prefetch *prefetcher
}

// Close ends what may still run after a plan that failed, and removes its temp
// files. Until then the root cannot be unmounted.
func (t *Tree) Close() {
	if t.root == nil {
		return
	}
	t.prefetch.close()
	t.root.Close()
	t.root = nil
}
