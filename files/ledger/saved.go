package ledger

import (
	"encoding/base64"
	"fmt"

	"github.com/firstlight-os/firstlight/files/rootfs"
)

// A SavedFile can be put back.
type SavedFile struct {
	Text string `json:"text"` // in base64
	Mode uint32 `json:"mode"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
}

// Save returns a file as it is, links followed. The error is fs.ErrNotExist if
// there is none.
func Save(r *rootfs.Root, name string) (SavedFile, error) {
	text, st, err := r.ReadFileStat(name)
	if err != nil {
		return SavedFile{}, err
	}
	return SavedFile{base64.StdEncoding.EncodeToString(text), st.Permissions(), int(st.Uid), int(st.Gid)}, nil
}

// Contents returns the text of a file when it was saved.
func (s SavedFile) Contents() ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(s.Text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Path, err)
	}
	return text, nil
}

// Restore puts a file back, links followed. One that is as it was is not touched.
func (s SavedFile) Restore(r *rootfs.Root, name string) error {
	if now, err := Save(r, name); err == nil && now == s {
		return nil
	}
	text, err := s.Contents()
	if err != nil {
		return err
	}
	at, err := r.Resolve(name)
	if err != nil {
		return err
	}
	return r.WriteFile(at, text, rootfs.Options{Owner: rootfs.OwnedBy(s.UID, s.GID), Mode: s.Mode, Replace: true, Sync: true})
}
