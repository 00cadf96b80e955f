package stages

import (
	"strings"

	"github.com/firstlight-os/firstlight/config"
)

// movePaths changes the paths of a config that are in directories which the
// distribution has moved, each given as OLD:NEW, since configs were written for it.
func movePaths(cfg *config.Config, moved []string) {
	move := func(name *string) {
		for _, m := range moved {
			old, at, _ := strings.Cut(m, ":")
			if rest, ok := strings.CutPrefix(*name, old); ok && (rest == "" || rest[0] == '/') {
				*name = at + rest
				return
			}
		}
	}
	s := &cfg.Storage
	for i := range s.Files {
		move(&s.Files[i].Path)
	}
	for i := range s.Directories {
		move(&s.Directories[i].Path)
	}
	for i := range s.Links {
		move(&s.Links[i].Path)
	}
	for i := range s.Absent {
		move(&s.Absent[i])
	}
	for i := range s.Archives {
		move(&s.Archives[i].Path)
	}
	moveOptional := func(name **string) {
		if *name != nil {
			renamed := **name
			move(&renamed)
			*name = &renamed
		}
	}
	for i := range s.Filesystems {
		fs := &s.Filesystems[i]
		moveOptional(&fs.Path)
		for n := range fs.Subvolumes {
			moveOptional(&fs.Subvolumes[n].Path)
		}
	}
}
