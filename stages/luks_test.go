package stages

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

// program puts a shell script into the path.
func (b *bench) program(name, script string) {
	b.t.Helper()
	b.write("programs/"+name, "#!/bin/sh\n"+script)
	if err := os.Chmod(b.path("programs/"+name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.t.Setenv("PATH", b.path("programs")+":"+os.Getenv("PATH"))
}

// volumeConfig has a volume on an image. Its key says "secret".
func volumeConfig(b *bench) string {
	return `{` + version + `, "storage": {"luks": [{"name": "firstlight-test", "device": "` + b.path("disk.img") + `", "keyFile": {"source": "data:,secret"}}]}}`
}

func TestKeysAreInTheStateAlsoWhenTheStageFails(t *testing.T) {
	b := newBench(t, "")
	b.write("user.ign", volumeConfig(b))
	b.write("disk.img", strings.Repeat("\x00", 1<<20))
	b.program("cryptsetup", `[ "$1" != luksOpen ] || { echo no dm-crypt here, secret >&2; exit 1; }`)
	b.must("fetch-offline")
	b.fails("disks", `making LUKS volume "firstlight-test"`, "no dm-crypt here, (hidden)")
	if got := b.read("run/ignition/state"); !strings.Contains(got, `"luksPersistKeyFiles":{"firstlight-test":"data:;base64,c2VjcmV0"}`) {
		t.Errorf("the state is %s", got)
	}
	if info, err := os.Stat(b.path("run/ignition/state")); err != nil || info.Mode() != 0o600 {
		t.Errorf("the state: %v, %v", info.Mode(), err)
	}
	if strings.Contains(b.log.String(), "secret") {
		t.Errorf("the key is in the log:\n%s", &b.log)
	}
}

func TestKeysMoveFromTheStateToTheRoot(t *testing.T) {
	b := newBench(t, "")
	b.write("user.ign", volumeConfig(b))
	b.program("cryptsetup", "echo 0e6bb2ea-1d2c-4a0c-8d5f-000000000001")
	b.must("fetch-offline")
	b.write("run/ignition/state", `{"luksPersistKeyFiles": {"firstlight-test": "data:;base64,c2VjcmV0"}, "luksPersistVolumeKeyFiles": {"x": "data:,y"}}`)
	b.must("files")
	if got := b.read("root/etc/luks/firstlight-test"); got != "secret" {
		t.Errorf("the key is %q", got)
	}
	if got, want := b.read("root/etc/crypttab"), "firstlight-test UUID=0e6bb2ea-1d2c-4a0c-8d5f-000000000001 /etc/luks/firstlight-test luks,x-initrd.attach\n"; got != want {
		t.Errorf("crypttab is %q", got)
	}
	if got := b.read("run/ignition/state"); !strings.Contains(got, `"luksPersistKeyFiles":null`) || !strings.Contains(got, `"luksPersistVolumeKeyFiles":null`) {
		t.Errorf("the state is %s", got)
	}
}

func TestKeysStayInTheStateWhenFilesFails(t *testing.T) {
	b := newBench(t, "")
	b.write("user.ign", volumeConfig(b))
	b.program("cryptsetup", "exit 1")
	b.must("fetch-offline")
	const state = `{"luksPersistKeyFiles": {"firstlight-test": "data:;base64,c2VjcmV0"}}`
	b.write("run/ignition/state", state)
	b.fails("files", `reading the UUID of the LUKS volume "firstlight-test"`)
	if got := b.read("run/ignition/state"); got != state {
		t.Errorf("the state is %s", got)
	}
}

// generated has a volume on an image whose key is generated.
func generated(b *bench) string {
	return strings.Replace(volumeConfig(b), `, "keyFile": {"source": "data:,secret"}`, "", 1)
}

// luksFormat makes a volume that is marked as unfinished.
func luksFormat(b *bench) {
	b.t.Helper()
	b.write("disk.img", strings.Repeat("\x00", 32<<20))
	b.write("key", "secret")
	out, err := exec.Command("/usr/sbin/cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
		"--subsystem", "firstlight-unfinished", "--key-file", b.path("key"), b.path("disk.img")).CombinedOutput()
	if err != nil {
		b.t.Fatalf("cryptsetup: %v\n%s", err, out)
	}
}

func TestVolumesAreCompleteWhenTheMachineLeavesTheInitramfs(t *testing.T) {
	const done = "noting on the LUKS volume \"firstlight-test\" that it is complete"
	const passed = `{"filesWritten": true, "luksPersistKeyFiles": null}`
	for _, c := range []struct {
		name, state string
		systemd     []systemtest.Unit // nil: there is none
		complete    bool
	}{
		{"files has passed", passed, []systemtest.Unit{{State: "inactive"}, {State: "inactive"}}, true},
		{"without systemd", passed, nil, true},
		{"files has not passed", `{"luksPersistKeyFiles": {}}`, nil, false},
		{"the emergency shell runs", passed, []systemtest.Unit{{State: "inactive"}, {State: "activating"}}, false},
		{"the emergency shell is about to run", passed, []systemtest.Unit{{State: "inactive", Job: 412}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "")
			b.write("user.ign", generated(b))
			luksFormat(b)
			b.systemd(c.systemd)
			b.program("cryptsetup", `echo "$@" > `+b.path("said"))
			b.must("fetch-offline")
			b.write("run/ignition/state", c.state)
			b.must("umount")
			if got := strings.Contains(b.log.String(), done); got != c.complete {
				t.Errorf("the log is\n%s", &b.log)
			}
			if c.complete && b.read("said") != "config "+b.path("disk.img")+" --label  --subsystem \n" {
				t.Errorf("cryptsetup got %q", b.read("said"))
			}
			// Where a distribution keeps umount from running there is another stage.
			b.log.Reset()
			b.write("run/ignition/unfinished", "")
			b.write("run/ignition/state", c.state)
			b.must("finish")
			if got := strings.Contains(b.log.String(), done); got != c.complete {
				t.Errorf("in the stage finish the log is\n%s", &b.log)
			}
			if got := system.Exists(b.path("run/ignition/unfinished")); got == c.complete {
				t.Errorf("there still is something to finish: got %v, want %v", got, !c.complete)
			}
		})
	}
}

// The mark of the unit for it is there only when the files stage has ended.
func TestFilesLeaveThatThereIsSomethingToFinish(t *testing.T) {
	const unfinished = "run/ignition/unfinished"
	for _, name := range []string{`{"credentials": {"aws": {"text": "accessKeyID"}}}`, `{}`} {
		b := newBench(t, `{`+version+`, "storage": {"files": [{"path": "/etc/passwd"}]}}`)
		b.must("fetch")
		b.write("run/ignition/state", name)
		b.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
		b.must("files")
		if !system.Exists(b.path(unfinished)) {
			t.Errorf("%s: there is nothing to finish", name)
		}
		b.must("finish")
		if system.Exists(b.path(unfinished)) || strings.Contains(b.read("run/ignition/state"), "accessKeyID") {
			t.Errorf("%s: it is not finished", name)
		}
	}
}

func TestMachineIsNotProvisionedFromTheDisksStageOn(t *testing.T) {
	t.Setenv("TPM2TOOLS_TCTI", "swtpm:") // this machine need have none
	b := newBench(t, "")
	b.write("user.ign", strings.Replace(generated(b), `"device"`, `"clevis": {"tpm2": true}, "device"`, 1))
	b.write("disk.img", strings.Repeat("not empty", 1000))
	b.program("cryptsetup", "exit 1")
	b.must("fetch-offline")
	b.write("run/ignition/state", `{"filesWritten": true}`)
	b.fails("disks", "making LUKS volume")
	if got := b.read("run/ignition/state"); strings.Contains(got, `"filesWritten"`) {
		t.Errorf("the state is %s", got)
	}
}
