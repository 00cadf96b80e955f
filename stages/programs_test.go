package stages

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestMissingProgramsAreAllReportedWithWhatNeedsThem(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"mdadm": 0o755, "usermod": 0o755, "mkfs.xfs": 0o644} {
		testkit.WriteFile(t, filepath.Join(dir, name), "")
		testkit.NoError(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	t.Setenv("PATH", dir)
	err := missingPrograms(report.Plan{
		{Name: "making an array", Programs: []string{"mdadm"}},
		{Name: "making xfs on /dev/a", Programs: []string{"mkfs.xfs"}},
		{Name: "making xfs on /dev/b", Programs: []string{"mkfs.xfs"}},
		{Name: "writing a file"},
		{Name: "creating a user", Programs: []string{"useradd", "chpasswd|usermod"}},
		{Name: "creating a group", Programs: []string{"chgpasswd|groupmod"}},
	})
	var got []string
	for _, e := range report.Leaves(err) {
		got = append(got, e.Error())
	}
	testkit.Equal(t, "errors", got, []string{
		"making xfs on /dev/a: the program mkfs.xfs is not in this initramfs",
		"creating a user: the program useradd is not in this initramfs",
		"creating a group: the program chgpasswd is not in this initramfs",
	})
	if !errors.Is(err, exec.ErrNotFound) || report.KindOf(err) != report.KindProgram {
		t.Errorf("it is not about programs: %v", err)
	}
}

func TestProgramsForAccountsAreLookedForBeforeDisksAreWritten(t *testing.T) {
	cfg, _, err := config.Parse([]byte(`{"ignition": {"version": "3.4.0"}, "passwd": {
		"users": [{"name": "core"}, {"name": "gone", "shouldExist": false}], "groups": [{"name": "staff"}, {"name": "old", "shouldExist": false}]}}`), "test")
	testkit.NoError(t, err)
	var got []string
	for _, o := range accountsLater(cfg) {
		got = append(got, o.Name+": "+o.Programs[0]+" for "+o.Origin.Path)
	}
	testkit.Equal(t, "operations", got, []string{
		`creating or changing group "staff": groupadd|groupmod for passwd.groups[0].name`,
		`creating or changing user "core": useradd|usermod for passwd.users[0].name`,
	})
}
