package storage

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/canary"
)

var allCanaries = flag.Bool("storage.canaries", false, "look for secrets in each class of failures")

// toClevis has the arguments of clevis. It takes its config in no other way, but not keys.
const toClevis = "given to clevis"

// A vault is a boot that encrypts a disk, with helpers of its own.
type vault struct {
	*boot
	canary.Birds
}

func newVault(t *testing.T, b canary.Birds, config string) *vault {
	t.Helper()
	v := &vault{newBoot(t, config), b}
	if err := os.Mkdir(v.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	v.env = append(v.env, "TMPDIR="+v.path("tmp"))
	return v
}

// helper puts a shell script before the programs of a name.
func (v *vault) helper(name, script string) {
	v.t.Helper()
	if err := os.MkdirAll(v.path("bin"), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(v.path("bin/"+name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		v.t.Fatal(err)
	}
	v.env = append(v.env, "PATH="+v.path("bin")+":"+os.Getenv("PATH"))
}

// record has a program record what it is given, in a file, and then be what it is.
func (v *vault) record(name, file string) {
	v.t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		v.t.Fatal(err)
	}
	v.helper(name, fmt.Sprintf("printf '%%s ' \"$0\" \"$@\" >>%[1]s\ntr '\\0' ' ' </proc/$$/environ >>%[1]s\nexec %[2]s \"$@\"\n", v.path(file), program))
}

// mayHold reports whether a file may have keys: only where nobody but root comes.
func (v *vault) mayHold(name string, mode fs.FileMode) bool {
	info, err := os.Stat(filepath.Dir(name))
	switch {
	case strings.HasPrefix(name, v.root), name == v.path("config.ign"), name == v.path(toClevis):
		return true
	case mode&0o077 == 0 && strings.HasPrefix(name, "/run/ignition/luks-"):
		return err != nil || info.Mode()&0o077 == 0
	case strings.HasPrefix(name, v.path("state/state")), strings.HasPrefix(name, v.path("state/.state-")),
		strings.HasPrefix(name, v.path("state/machine")), strings.HasPrefix(name, v.path("state/.machine-")):
		return mode&0o077 == 0
	}
	return strings.HasPrefix(name, v.path("ignition.json")) || strings.HasPrefix(name, v.path(".ignition.json")) // mode 0640, as of the reference's
}

// disks runs the stage and looks at all that it says, gives, leaves and has for a while.
func (v *vault) disks(t *testing.T) error {
	t.Helper()
	files := canary.Files{Birds: v.Birds, Dirs: []string{v.dir, "/run/ignition", "/dev/shm", "/etc"}, MayHold: v.mayHold}
	stop := files.Watch(t)
	out, err := v.command("disks").CombinedOutput()
	stop()
	files.Look(t)
	v.None(t, "the log", out)
	if t.Failed() {
		t.Logf("it ended with %v and has said\n%s", err, out)
	}
	return err
}

// Volumes with keys and configs of clevis that are canaries, made by the real programs,
// by programs that repeat what they are given and fail, and until the runtime dies.
func TestVolumesShowNoSecret(t *testing.T) {
	b := canary.Birds{}
	key := b.Word("key file")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, key) }))
	t.Cleanup(srv.Close)
	address := strings.TrimPrefix(srv.URL, "http://")
	tang := newTang(t)
	withUser := strings.Replace(tang.json(""), "http://", "http://user:"+b.Word("user info of Tang")+"@", 1)
	custom := fmt.Sprintf(`{"t": 1, "pins": {"tang": [{"url": "http://%s", "thp": %q, "note": %q}]}}`, tang.address, tang.thumbprint, b.Word("config of clevis"))
	configs := map[string]string{
		"inline":     `, "keyFile": {"source": "data:,` + key + `"}`,
		"remote":     fmt.Sprintf(`, "keyFile": {"source": "http://u:%s@%s/?%s", "httpHeaders": [{"name": "Authorization", "value": "Bearer %s"}]}`, b.Word("user info"), address, b.Word("query"), b.Word("header")),
		"bound":      fmt.Sprintf(`, "keyFile": {"source": "data:,%s"}, "clevis": {"tang": [%s]}`, key, withUser),
		"custom pin": fmt.Sprintf(`, "keyFile": {"source": "data:,%s"}, "clevis": {"custom": {"pin": "sss", "config": %q, "needsNetwork": true}}`, key, custom),
	}
	asInInitramfs(t)
	repeat := "echo \"$0 $*\"; echo \"$0 $*\" >&2; cat >&2 </dev/stdin; tr '\\0' '\\n' </proc/$$/environ >&2; exit 1\n"
	classes := map[string]func(v *vault){
		"success": func(v *vault) {
			v.record("cryptsetup", "given")
			v.record("clevis", toClevis)
		},
		"cryptsetup repeats all": func(v *vault) { v.helper("cryptsetup", repeat) },
		"clevis repeats all":     func(v *vault) { v.helper("clevis", repeat) },
		"death in cryptsetup":    func(v *vault) { v.helper("cryptsetup", "kill -QUIT $PPID\ncat\n") },
		"death in clevis":        func(v *vault) { v.helper("clevis", "kill -QUIT $PPID\ncat\n") },
	}
	sample := []string{"inline, success", "remote, cryptsetup repeats all", "bound, clevis repeats all", "custom pin, death in clevis"}
	for config, more := range configs {
		for class, prepare := range classes {
			name := config + ", " + class
			if !*allCanaries && !slices.Contains(sample, name) || strings.Contains(class, "clevis") && !strings.Contains(more, "clevis") {
				continue
			}
			t.Run(name, func(t *testing.T) {
				v := newVault(t, b, volumeConfig(volumeDisk(t), more))
				prepare(v)
				if err := v.disks(t); (err == nil) != (class == "success") {
					t.Errorf("the stage ended with %v", err)
				}
				if given, err := os.ReadFile(v.path(toClevis)); strings.Contains(string(given), key) {
					t.Errorf("clevis is given the key as an argument: %s (%v)", given, err)
				}
			})
		}
	}
}
