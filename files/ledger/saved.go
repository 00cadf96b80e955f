package ledger

import (
	"encoding/base64"
	"fmt"
	"io"

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
	f, st, err := r.OpenFile(name)
	if err != nil {
		return SavedFile{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return SavedFile{base64.StdEncoding.EncodeToString(text), st.Permissions(), int(st.Uid), int(st.Gid)}, err
}

// Contents returns the text of a file when it was saved.
func (s SavedFile) Contents() ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(s.Text)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Path, err)
	}
	return text, nil
}

// Restore puts a file back, links followed.
func (s SavedFile) Restore(r *rootfs.Root, name string) error {
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
