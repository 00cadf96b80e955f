//go:build soak

package examples

import (
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// TestEncryptedDisksOpenInEachBoot boots the examples twice: in the first boot the agent
// makes and opens the volume, in the second one clevis opens it, as the distribution
// starts it.
func TestEncryptedDisksOpenInEachBoot(t *testing.T) {
	img, err := vm.BuildVariant("clevis")
	testkit.NoError(t, err)
	for _, c := range []struct {
		example string
		prepare func(t *testing.T, o *vm.Options, text string) string
	}{
		{"luks-tpm2", func(t *testing.T, o *vm.Options, text string) string {
			o.TPM = t.TempDir()
			return text
		}},
		{"luks-tang", func(t *testing.T, _ *vm.Options, text string) string {
			url, thumbprint := newTang(t)
			return strings.NewReplacer("http://tang.example.com", url, "REPLACE-THIS-WITH-YOUR-TANG-THUMBPRINT", thumbprint).Replace(text)
		}},
	} {
		t.Run(c.example, func(t *testing.T) {
			t.Parallel()
			_, text := read(t, c.example)
			disk, err := vm.NewDisk(t.TempDir(), "secrets", 256)
			testkit.NoError(t, err)
			h := newHost(t, t.TempDir())
			o := newMachine(t, img, "", disk)
			config := h.config(c.prepare(t, &o, text), setup{
				name: c.example, after: "RequiresMountsFor=/var/lib/secrets\n", enabled: []string{"clevis-luks-askpass.path"},
				commands: []string{`/bin/sh -c "cat /var/lib/secrets/* > /etc/seen 2> /dev/null; echo kept > /var/lib/secrets/file"`},
			})
			// A machine with a TPM has no other way for it.
			h.mux.HandleFunc("/config", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, config) })
			o.Arguments = vm.FirstBoot("metal") + " ignition.config.url=" + h.url + "/config" + patience
			h.whenUp(c.example, func(context.Context) {})
			for boot, seen := range []string{"", "kept\n"} {
				res := vm.Boot(t, o)
				if res.Initramfs {
					t.Fatalf("boot %d was stopped:\n%s", boot+1, res.Report)
				}
				testkit.Equal(t, "mounted", res.Mounts["/var/lib/secrets"].Source, "/dev/mapper/secrets")
				testkit.Equal(t, "type of the partition", res.Filesystems["/dev/vdb1"]["TYPE"], "crypto_LUKS")
				testkit.Equal(t, "what was kept", res.Files["/etc/seen"].Text, seen)
				o.Arguments = "ignition.platform.id=metal" + patience
			}
		})
	}
}

// newTang serves the keys of a Tang server, as machines reach it.
func newTang(t *testing.T) (url, thumbprint string) {
	t.Helper()
	tree, err := vm.DebianTree()
	testkit.NoError(t, err)
	keys := t.TempDir()
	// The programs are Debian's, in a tree that is not to be changed: the keys are mounted
	// into it for each of them.
	inTree := func(command string) *exec.Cmd {
		return exec.Command("unshare", "-m", "sh", "-c", `mount --bind "$1" "$2/mnt" && exec chroot "$2" `+command, "sh", keys, tree)
	}
	if out, err := inTree("/usr/libexec/tangd-keygen /mnt").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, _ := filepath.Glob(keys + "/*.jwk")
	for _, key := range made {
		if strings.Contains(testkit.ReadFile(t, key), `"ES512"`) {
			out, err := inTree("jose jwk thp -a S256 -i /mnt/" + filepath.Base(key)).Output()
			testkit.NoError(t, err)
			thumbprint = strings.TrimSpace(string(out))
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(inTree("/usr/libexec/tangd /mnt"), c.(*net.TCPConn))
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://10.0.2.2:" + port, thumbprint
}

// answer has tangd answer, which talks to its standard input and output.
func answer(tangd *exec.Cmd, c *net.TCPConn) {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return
	}
	defer f.Close()
	tangd.Stdin, tangd.Stdout = f, f
	_ = tangd.Run() // it ends when the client does
}
