package firstboot

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// sealed is a text that is encrypted to an identity, as a source.
func sealed(t *testing.T, to *age.X25519Identity, text string) string {
	t.Helper()
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, to.Recipient())
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	for _, c := range []io.Closer{w, a} {
		if err == nil {
			err = c.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return "age:" + config.DataURL(out.Bytes())
}

// The host gives the identity by SMBIOS: systemd in the initramfs hands it on, and where
// there is none it is read from the table.
func TestFirstBootReadsTheSecretsOfItsConfig(t *testing.T) {
	for name, bare := range map[string]bool{"systemd": false, "busybox": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			identity, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			o := machine(t)
			o.Bare = bare
			o.Devices = []string{
				"-smbios", "type=11,value=io.systemd.credential.binary:firstlight.age=" + base64.StdEncoding.EncodeToString([]byte(identity.String())),
				"-smbios", "type=11,value=io.systemd.credential:hash=$6$salt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
			}
			o.Config = fmt.Sprintf(`{"ignition": {"version": "3.6.0+firstlight.1"},
				"passwd": {"users": [{"name": "core", "passwordHashFrom": {"source": "credential:hash"}}]},
				"storage": {"files": [{"path": "/etc/secret", "mode": 384, "contents": {"source": %q}}]},
				"systemd": {"units": [{"name": "x.service", "contentsFrom": {"source": %q}}]}}`,
				sealed(t, identity, "of the config\n"), sealed(t, identity, "[Service]\nExecStart=true\n"))
			o.Arguments = vm.FirstBoot("qemu")
			res := vm.Boot(t, o)
			secret, unit := res.Files["/etc/secret"], res.Files["/etc/systemd/system/x.service"]
			same(t, "the file", []any{secret.Text, secret.Mode}, []any{"of the config\n", 0o600})
			same(t, "the unit", []any{unit.Text, unit.Mode}, []any{"[Service]\nExecStart=true\n", 0o600})
			same(t, "the password", strings.Contains(res.Files["/etc/shadow"].Text, "core:$6$salt$qFmFH.bQmm"), true)
			for channel, text := range map[string]string{"console": res.Console, "journal": res.Journal, "record": res.Record, "report": res.Report + res.Stages} {
				if strings.Contains(text, "of the config\n") || strings.Contains(text, identity.String()) || strings.Contains(text, "qFmFH.bQmm") {
					t.Errorf("the %s shows a secret", channel)
				}
			}
		})
	}
}
