package examples

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// The commands of the page, in the directory of the example.
func TestMachinesWithOneBase(t *testing.T) {
	program := firstlightctl(t)
	values := filepath.Join(t.TempDir(), "db2.yaml")
	page := testkit.ReadFile(t, filepath.Join(dir, "one-base", "README.md"))
	_, listed, found := strings.Cut(page, "where `db2.yaml` is\n\n")
	if !found {
		t.Fatal("the page does not say what is in db2.yaml")
	}
	listed, _, _ = strings.Cut(listed, "\n\n")
	testkit.WriteFile(t, values, strings.ReplaceAll(listed, "    ", "")+"\n")
	for name, c := range map[string]struct {
		arguments string
		hostname  string
		file      string // its last one
		sizeMiB   int
		device    string
	}{
		"web1": {"web1.bu", "data:,web1%0A", "data:,8080%0A", 0, ""},
		"db1":  {"db1.bu", "data:,db1%0A", "", 0, "/dev/vdb"},
		"web2": {"--set hostname=web2 --set port=80 web1.bu", "data:,web2%0A", "data:,80%0A", 0, ""},
		"db2":  {"--params " + values + " db1.bu", "data:,db2%0A", "", 2048, "/dev/disk/by-id/virtio-data"},
	} {
		command := exec.Command(program, append([]string{"translate", "--strict", "--plain", "--files-dir", "."}, strings.Fields(c.arguments)...)...)
		command.Dir = filepath.Join(dir, "one-base")
		out, err := command.Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cfg, problems, err := config.Parse(out, name)
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", name, err, problems)
			continue
		}
		files := cfg.Storage.Files
		if got := config.ValueOr(files[0].Contents.Source, ""); got != c.hostname || len(cfg.Passwd.Users) != 1 {
			t.Errorf("%s: the hostname is %s, want %s", name, got, c.hostname)
		}
		if got := config.ValueOr(files[len(files)-1].Contents.Source, ""); c.file != "" && got != c.file {
			t.Errorf("%s: the last file is %s, want %s", name, got, c.file)
		}
		if c.device == "" {
			if len(cfg.Storage.Disks) > 0 {
				t.Errorf("%s: it has disks", name)
			}
			continue
		}
		disk := cfg.Storage.Disks[0]
		if got := config.ValueOr(disk.Partitions[0].SizeMiB, -1); disk.Device != c.device || got != c.sizeMiB {
			t.Errorf("%s: %d MiB on %s, want %d on %s", name, got, disk.Device, c.sizeMiB, c.device)
		}
	}
	command := exec.Command(program, "validate", "base.bu")
	command.Dir = filepath.Join(dir, "one-base")
	out, err := command.Output()
	if err == nil || !strings.Contains(string(out), `the parameter "hostname" has no value: set it with --set hostname=VALUE`) {
		t.Errorf("base.bu alone: %v\n%s", err, out)
	}
}
