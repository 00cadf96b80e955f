package drives

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// prepareSigned adds a key to what the machine gets, and drives with configs that were
// signed with it: beside them, before them, and of something else.
func prepareSigned(job *vm.Job, dir string) error {
	key := filepath.Join(dir, "release")
	if err := keygen("-q", "-t", "ed25519", "-N", "", "-f", key); err != nil {
		return err
	}
	job.Files["release.pub"] = key + ".pub"
	text := filepath.Join(dir, "signed.ign")
	if err := os.WriteFile(text, []byte(config("signed")), 0o644); err != nil {
		return err
	}
	if err := keygen("-q", "-Y", "sign", "-n", trust.Namespace, "-f", key, text); err != nil {
		return err
	}
	signature, err := os.ReadFile(text + trust.Suffix)
	if err != nil {
		return err
	}
	for name, files := range map[string]map[string]string{
		"beside": {"user_data": config("signed"), "user_data.sig": string(signature)},
		"before": {"user_data": string(signature) + config("signed")},
		"forged": {"user_data": config("forged"), "user_data.sig": string(signature)},
	} {
		iso := filepath.Join(dir, name)
		if err := makeTree(iso+".tree/openstack/latest", files); err != nil {
			return err
		}
		if err := genisoimage("-r", "-V", "CONFIG-2", "-o", iso, iso+".tree"); err != nil {
			return err
		}
		job.Files[name] = iso
	}
	return nil
}

func keygen(args ...string) error {
	out, err := exec.Command("ssh-keygen", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ssh-keygen: %w\n%s(tests/prepare installs it)", err, out)
	}
	return nil
}

// The agent has the keys from where an image has them.
func TestAnImageWithAKeyTakesSignedDrivesOnly(t *testing.T) {
	shell(t, "mkdir -p "+trust.Dir+"; cp /share/release.pub "+trust.Dir)
	t.Cleanup(func() { shell(t, "rm -r "+trust.Dir) })
	for _, c := range []struct{ image, refused string }{
		{"beside", ""},
		{"before", ""},
		{"forged", "the signature is not one of these bytes: they were changed after they were signed"},
		{"iso", "it does not begin with a signature, and there is none at openstack/latest/user_data.sig on loop"},
	} {
		t.Run(c.image, func(t *testing.T) {
			attach(t, "/share/"+c.image)
			b := start(t, "openstack", "")
			if c.refused == "" {
				b.has(t, "signed")
				return
			}
			if b.err == nil || !strings.Contains(b.box, c.refused) || b.cache != "" {
				t.Errorf("got %v, %s, want %q", b.err, b.box, c.refused)
			}
		})
	}
}
