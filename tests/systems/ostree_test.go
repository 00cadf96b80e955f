//go:build soak

package systems

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// deployment is the kernel argument of the first deployment in tests/vm/guest/ostree.sh:
// its name has the digest of the kernel and the initramfs there.
var deployment = fmt.Sprintf("ostree=/ostree/boot.1/debian/%x/0", sha256.Sum256([]byte("kernel 1\ninitramfs 1\n")))

// What the config has written is there in all three boots; what it has not touched is that
// of the commit.
func TestOSTreeIsProvisionedOnceAndUpgraded(t *testing.T) {
	o := machine(t, "ostree")
	o.Config = testkit.ReadFile(t, "testdata/ostree.bu")
	const platform = "ignition.platform.id=qemu "
	o.Arguments = platform + deployment
	first := vm.Boot(t, o)
	if !strings.Contains(first.Stages, `"umount"`) || len(first.Files["/etc/machine-id"].Text) != 33 {
		t.Errorf("the first boot ran %q; machine ID %+v", first.Stages, first.Files["/etc/machine-id"])
	}
	ours := map[string]string{
		"/etc/hostname":            "first\n",
		"/etc/issue":               "1\nours\n",
		"/etc/new/file":            "new\n",
		"/var/home/dawn/file":      "dawn's\n",
		"/var/opt/tool":            "tool\n",
		"/var/lib/asked/file":      "in var\n",
		"/var/roothome/.hushlogin": "",
	}
	check := func(boot string, m *vm.Result, of map[string]string) {
		t.Helper()
		for name, want := range of {
			if f, exists := m.Files[name]; !exists || f.Text != want {
				t.Errorf("%s: %s is %+v, want %q", boot, name, f, want)
			}
		}
	}
	// Systemd makes it when the first boot is over.
	ours["/etc/machine-id"] = first.Files["/etc/machine-id"].Text
	check("first boot", first, ours)
	check("first boot", first, map[string]string{"/etc/commit": "1\n", "/etc/issue.net": "1\n"})
	if t.Failed() {
		return
	}

	o.Arguments = platform + "test.upgrade " + deployment
	second := vm.Boot(t, o)
	check("second boot", second, ours)
	if second.Stages != "" {
		t.Errorf("the second boot ran %q", second.Stages)
	}
	for name, f := range first.Files {
		if after := second.Files[name]; strings.HasPrefix(name, "/etc/") && f != after {
			t.Errorf("the second boot has changed %s: %+v, %+v", name, f, after)
		}
	}
	upgraded := argument(second.Files["/var/lib/asked/entries"].Text, "ostree=")
	if upgraded == "" || upgraded == deployment {
		t.Fatalf("nothing was upgraded: %q, %q", second.Files["/var/lib/asked/said"].Text, upgraded)
	}

	o.Arguments = platform + upgraded
	third := vm.Boot(t, o)
	check("upgraded", third, ours)
	check("upgraded", third, map[string]string{"/etc/commit": "2\n", "/etc/issue.net": "2\n", "/etc/only-in-2": "2\n"})
	if _, exists := third.Files["/etc/only-in-1"]; exists || third.Stages != "" {
		t.Errorf("the upgraded system ran %q, and has a file of the old one: %v", third.Stages, exists)
	}
	passwd := third.Files["/etc/passwd"].Text
	if !strings.Contains(passwd, "\ndawn:x:1234:") || passwd != first.Files["/etc/passwd"].Text {
		t.Errorf("the upgraded system has the users %q", passwd)
	}
}

// argument returns the first word with a prefix: the entry of the newest deployment comes
// first.
func argument(entries, prefix string) string {
	for _, word := range strings.Fields(entries) {
		if strings.HasPrefix(word, prefix) {
			return word
		}
	}
	return ""
}
