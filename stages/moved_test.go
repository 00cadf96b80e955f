package stages

import (
	"slices"
	"testing"

	"github.com/firstlight-os/firstlight/config"
)

func TestPathsOfWhatTheDistributionHasMovedAreChanged(t *testing.T) {
	cfg, problems, err := config.Parse([]byte(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {
		"files": [{"path": "/usr/share/oem/f"}, {"path": "/usr/share/oemx"}], "directories": [{"path": "/usr/share/oem"}], "links": [{"path": "/usr/share/oem/l", "target": "/x"}],
		"filesystems": [{"device": "/dev/a", "format": "btrfs", "path": "/usr/share/oem/fs", "subvolumes": [{"name": "a", "path": "/usr/share/oem/sub"}, {"name": "b", "path": "/b"}, {"name": "c"}]}]}}`), "test")
	if err != nil {
		t.Fatal(err, problems)
	}
	movePaths(cfg, []string{"/usr/share/oem:/oem"})
	s := &cfg.Storage
	got := []string{s.Files[0].Path, s.Files[1].Path, s.Directories[0].Path, s.Links[0].Path}
	for _, m := range s.Filesystems[0].Mounts() {
		got = append(got, m.Path)
	}
	if want := []string{"/oem/f", "/usr/share/oemx", "/oem", "/oem/l", "/oem/fs", "/oem/sub", "/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
