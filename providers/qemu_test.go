package providers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// withBlob is a machine whose fw_cfg has a config.
func withBlob(t *testing.T, text string) (env *Env, said func() string) {
	env, log := newLoggedEnv(t)
	dir := filepath.Join(env.Root, "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config")
	testkit.WriteFile(t, filepath.Join(dir, "raw"), text)
	testkit.WriteFile(t, filepath.Join(dir, "size"), strconv.Itoa(len(text))+"\n")
	testkit.WriteFile(t, filepath.Join(dir, "key"), "42\n")
	return env, log.String
}

func TestFwCfgThroughItsPorts(t *testing.T) {
	text := strings.Repeat("0123456789abcde", 1000)
	slow := "by the kernel's file: "
	for name, tc := range map[string]struct {
		// ports is a way to fill b at the nth call.
		ports func(n int, b []byte) error
		said  string
	}{
		"allowed":          {func(_ int, b []byte) error { copy(b, text); return nil }, ""},
		"disturbed once":   {func(n int, b []byte) error { copy(b, text); b[9000] ^= one(n == 1); return nil }, ""},
		"disturbed always": {func(n int, b []byte) error { copy(b, text); b[9000] = byte(n); return nil }, slow + "through the device's ports it comes differently each time"},
		"another device":   {func(_ int, b []byte) error { b[0] = 1; return nil }, slow + "through the device's ports it comes differently"},
		"forbidden":        {func(int, []byte) error { return os.NewSyscallError("ioperm", syscall.EPERM) }, slow + "ioperm: operation not permitted"},
	} {
		env, said := withBlob(t, text)
		calls := 0
		gives(t, text)(fetchFwCfg(context.Background(), env, func(key uint16, b []byte) error {
			if key != 42 {
				t.Errorf("%s: asked for item %d", name, key)
			}
			calls++
			return tc.ports(calls, b)
		}))
		if got := said(); tc.said == "" && got != "" || !strings.Contains(got, tc.said) {
			t.Errorf("%s: said %q, want %q", name, got, tc.said)
		}
		if tc.said == "" && calls == 0 {
			t.Errorf("%s: the ports were not used", name)
		}
	}
}

func one(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

func TestSmallBlobsNeedNoPorts(t *testing.T) {
	env, said := withBlob(t, "small")
	gives(t, "small")(fetchFwCfg(context.Background(), env, nil))
	if said() != "" {
		t.Errorf("said %q", said())
	}
}

func TestDiskWithTheSerialNumberIsTheConfig(t *testing.T) {
	env, log := newLoggedEnv(t)
	testkit.WriteFile(t, filepath.Join(env.Root, "sys/block/vda/serial"), "root")
	testkit.WriteFile(t, filepath.Join(env.Root, "sys/block/vdb/serial"), "ignition")
	testkit.WriteFile(t, filepath.Join(env.Root, "dev/vda"), "a root")
	go func() {
		time.Sleep(50 * time.Millisecond)
		node := filepath.Join(env.Root, "dev/vdb")
		os.WriteFile(node+".new", []byte("config\x00\x00"), 0o600)
		os.Rename(node+".new", node)
	}()
	gives(t, "config\x00\x00")(fetchQEMUDisk(context.Background(), env, time.Minute))
	if got := env.Run.(*systemtest.Recorder).Lines(); len(got) != 1 || got[0] != "modprobe virtio_blk" || log.Len() > 0 {
		t.Errorf("ran %q, said %q", got, log)
	}
	os.RemoveAll(filepath.Join(env.Root, "sys/block"))
	testkit.WriteFile(t, filepath.Join(env.Root, "dev/disk/by-id/virtio-ignition"), "by its link")
	gives(t, "by its link")(fetchQEMUDisk(context.Background(), env, time.Second))
}

func TestDiskThatDoesNotComeIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, log := newLoggedEnv(t)
		env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "not found"}}}
		_, err := fetchQEMUDisk(t.Context(), env, time.Minute)
		says(t, err, "reading the config's disk", `a disk with the serial number "ignition" has not appeared within`, "modprobe: not found", "virtio-blk,serial=ignition")
		testkit.Contains(t, "the log", log.String(), `WARNING  : waiting for a disk with the serial number "ignition"`)
		testkit.NoError(t, os.MkdirAll(filepath.Join(env.Root, "dev/disk/by-id/virtio-ignition"), 0o755))
		_, err = fetchQEMUDisk(t.Context(), env, time.Second)
		says(t, err, "is a directory")
	})
}

// diskVariable is what the disk of the lab says, set by tests/channels.
const diskVariable = "FIRSTLIGHT_TEST_DISK"

func TestDiskOfThisMachine(t *testing.T) {
	env := newEnv(t)
	env.Root = ""
	raw, err := fetchQEMUDisk(context.Background(), env, time.Second)
	if want := os.Getenv(diskVariable); want != "" {
		gives(t, want+strings.Repeat("\x00", 512-len(want)))(raw, err)
	} else {
		says(t, err, `a disk with the serial number "ignition" has not appeared within`)
	}
}
