package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// subvolumesThere are those in filesystems that exist.
var subvolumesThere = map[string]SubvolumeNode{
	"@":     {Exists: true, Directory: true, Subvolume: true, Default: true},
	"@/dir": {Exists: true, Directory: true},
	"file":  {Exists: true},
}

func TestSubvolumesThatAreMissingAreMade(t *testing.T) {
	const hint = " | move it away, or choose another name; wipeFilesystem: true makes the filesystem anew, and its contents are lost"
	for _, c := range []struct{ name, subvolumes, want string }{
		{"what exists is kept", `{"name": "@"}`, ""},
		{"as is the default", `{"name": "@", "default": true}`, ""},
		{"what is missing is made, outer ones first", `{"name": "@/var/lib", "nocow": true}, {"name": "@/var"}, {"name": "@"}, {"name": "home", "default": true}`,
			"home (new, default), @/var (new), @/var/lib (new, nocow)"},
		{"attributes that are missing", `{"name": "@", "nocow": true}`, "@ (nocow)"},
		{"below a directory", `{"name": "@/dir/x"}`, "@/dir/x (new)"},
		{"a directory is in the way", `{"name": "@/dir"}`, `the btrfs on /dev/a has a directory at "@/dir", where the config wants the subvolume | storage.filesystems[0].subvolumes[0].name` + hint},
		{"a file is in the way, and another", `{"name": "file"}, {"name": "@/dir"}`,
			`the btrfs on /dev/a has a file or a link at "file", where the config wants the subvolume | storage.filesystems[0].subvolumes[0].name` + hint + "\n" +
				`the btrfs on /dev/a has a directory at "@/dir", where the config wants the subvolume | storage.filesystems[0].subvolumes[1].name` + hint},
		{"a file is on the way", `{"name": "@"}, {"name": "file/x"}`, `the btrfs on /dev/a has a file or a link at "file", where the config wants a directory for subvolumes | storage.filesystems[0].subvolumes[1].name` + hint},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := &extended(t, "", `"filesystems": [{"device": "/dev/a", "format": "btrfs", "subvolumes": [`+c.subvolumes+`]}]`).Storage.Filesystems[0]
			changes, errs := DecideSubvolumes(fs, subvolumesThere)
			var words []string
			for _, change := range changes {
				words = append(words, change.String())
			}
			if got := decided(strings.Join(words, ", "), errs); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestOperationsOfFilesystemsWithSubvolumes(t *testing.T) {
	btrfs := []blkprobe.Signature{{Type: "btrfs", Label: "data"}}
	machine := fakeMachine{"/dev/new": {}, "/dev/old": {Signatures: btrfs}, "/dev/unseen": {Signatures: btrfs}, "/dev/broken": {Signatures: btrfs},
		"/dev/vdb": {Signatures: []blkprobe.Signature{{Type: "crypto_LUKS", LUKS: &blkprobe.LUKSHeader{Version: 2}}}}}
	fs := func(device, subvolumes string) string {
		return fmt.Sprintf(`{"device": %q, "format": "btrfs", "label": "data", "subvolumes": [%s]}`, device, subvolumes)
	}
	for _, c := range []struct{ name, storage, want string }{
		{"a new one", `"filesystems": [` + fs("/dev/new", `{"name": "@/var"}, {"name": "@"}`) + `]`, `making btrfs "data" on /dev/new with the subvolumes @/var, @`},
		{"one that is complete", `"filesystems": [` + fs("/dev/old", `{"name": "@"}`) + `]`, ""},
		{"one with something missing", `"filesystems": [` + fs("/dev/old", `{"name": "@"}, {"name": "@/srv"}`) + `]`, `preparing subvolumes of /dev/old: @/srv (new)`},
		{"one that cannot be looked at", `"filesystems": [` + fs("/dev/unseen", `{"name": "@"}, {"name": "@/srv"}`) + `]`, `checking and, if needed, making the subvolumes of /dev/unseen: @, @/srv`},
		{"one that is damaged", `"filesystems": [` + fs("/dev/broken", `{"name": "@"}`) + `]`, `looking at the subvolumes of /dev/broken: the btrfs on it is damaged | storage.filesystems[0].subvolumes | `},
		{"in a volume", `"luks": [{"name": "vault", "device": "/dev/vdb", "keyFile": {"source": "data:,x"}}], "filesystems": [` + fs("/dev/mapper/vault", `{"name": "@"}`) + `]`,
			"opening LUKS volume \"vault\" on /dev/vdb\nchecking and, if needed, making btrfs \"data\" on /dev/mapper/vault with the subvolumes @"},
		{"for another mount point, too", `"filesystems": [{"device": "/dev/new", "format": "btrfs", "label": "data"}, ` + fs("/dev/disk/by-id/new", `{"name": "@"}`) + `]`,
			"making btrfs \"data\" on /dev/new\npreparing subvolumes of /dev/disk/by-id/new: @ (new)"},
		{"in two entries", `"filesystems": [` + fs("/dev/new", `{"name": "@"}`) + `, ` + fs("/dev/disk/by-id/new", `{"name": "@b"}`) + `]`,
			`/dev/new and /dev/disk/by-id/new are the same device, and both entries have subvolumes | storage.filesystems[1].subvolumes | put all subvolumes into one of the two entries`},
	} {
		t.Run(c.name, func(t *testing.T) {
			machine["/dev/disk/by-id/new"] = machine["/dev/new"]
			g := New(extended(t, "", c.storage), nil, machine)
			errs := g.Locate()
			for _, target := range g.Targets {
				if err := target.Look(machine); err != nil {
					errs = append(errs, err)
				}
				if strings.HasSuffix(target.Device, "/new") {
					target.Facts.Node = "/dev/new"
				}
			}
			errs = append(errs, g.DecideContents()...)
			var names []string
			for _, n := range g.Nodes() {
				if !n.Idle() {
					names = append(names, n.Name())
				}
			}
			if got := decided(strings.Join(names, "\n"), errs); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestSubvolumesAreInThePreview(t *testing.T) {
	machine := fakeMachine{"/dev/old": {Node: "/dev/old", Size: 1 << 30, Sector: 512, Signatures: []blkprobe.Signature{{Type: "btrfs"}}}}
	g := New(extended(t, "", `"filesystems": [{"device": "/dev/old", "format": "btrfs", "subvolumes": [{"name": "@"}, {"name": "@/srv"}]}]`), nil, machine)
	errs := g.Locate()
	for _, target := range g.Targets {
		errs = append(errs, target.Look(machine))
	}
	for _, err := range append(errs, g.DecideContents()...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	previews := g.Preview(false)
	if got, want := fmt.Sprint(previews[0].After.Subvolumes), "[{0 @ false} {0 @/srv true}]"; got != want || previews[0].Before.Subvolumes != nil {
		t.Errorf("got %s, want %s", got, want)
	}
}
