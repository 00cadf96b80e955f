//go:build soak

package systems

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// The system boots enforcing, with Debian's policy.
func TestEverythingWrittenHasTheLabelOfThePolicy(t *testing.T) {
	o := machine(t, "selinux")
	o.Config, o.Arguments = testkit.ReadFile(t, "testdata/selinux.bu"), vm.FirstBoot("qemu")+" security=selinux enforcing=1"
	res := vm.Boot(t, o)
	said := func(name string) string { return res.Files["/var/lib/asked/"+name].Text }
	if mode := said("mode"); mode != "Enforcing\n" {
		t.Errorf("SELinux is %q", mode)
	}
	asked := strings.Fields(res.Files["/etc/asked.paths"].Text)
	want := ""
	for _, name := range asked {
		want += name + " verified.\n"
	}
	if got := said("verified"); got != want || len(asked) == 0 {
		t.Errorf("matchpathcon -V says\n%s", got)
	}
	if f, exists := res.Files["/var/lib/asked/relabelled"]; !exists || f.Text != "" {
		t.Errorf("restorecon would change %v:\n%s", exists, f.Text)
	}
}
