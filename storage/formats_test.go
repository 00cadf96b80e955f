package storage

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// Each format of config/vocabulary.go has all that docs/development.md lists.
func TestEachFormatIsMadeAndRecognized(t *testing.T) {
	versions := config.Versions()
	initramfs := testkit.ReadFile(t, "../dracut/30ignition/module-setup.sh")
	for _, format := range config.FilesystemFormats(versions[len(versions)-1]) {
		if format == "none" || format == "virtiofs" {
			continue // nothing is made
		}
		t.Run(format, func(t *testing.T) {
			b := newTestMachine(t)
			disk := b.disk("a.img", 320)
			fs := &b.config(fmt.Sprintf(`"filesystems": [{"device": "DIR/a.img", "format": %q, "label": "NAME"}]`, format)).Storage.Filesystems[0]
			command, known := mkfsCommand(fs, disk)
			if !known {
				t.Fatalf("storage/mkfs.go does not have the program that makes %s", format)
			}
			if !slices.Contains(strings.Fields(initramfs), command.Name) {
				t.Errorf("dracut/30ignition/module-setup.sh does not install %s", command.Name)
			}
			if missing := (&system.CommandError{Command: command, Err: exec.ErrNotFound}); missing.Hint() == "" {
				t.Errorf("internal/system/hints.go has no hint for %s", command.Name)
			}
			if _, err := exec.LookPath(command.Name); errors.Is(err, exec.ErrNotFound) {
				t.Fatalf("%s is not installed here: add it to tests/prepare and run that", command.Name)
			}
			b.run(command.Name, command.Args...)
			if found := probeFile(t, disk); !plan.MatchesFilesystem(fs, found) {
				t.Errorf("internal/blkprobe finds %+v after %s", found, command)
			}
		})
	}
}
