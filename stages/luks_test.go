package stages

import (
	"os"
	"strings"
	"testing"
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
