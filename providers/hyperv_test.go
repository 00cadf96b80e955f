package providers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestPairsAreKeptAndHandedOn(t *testing.T) {
	env := newEnv(t)
	field := func(text string, n int) string { return text + strings.Repeat("\x00", n-len(text)) }
	config, name := field("ignition.config", 512)+field("config", 2048), field("HostName", 512)+field("h", 2048)
	testkit.WriteFile(t, filepath.Join(env.Root, "run/ignition/provider-hyperv"), "\x00"+config+"\x03"+name)
	raw, err := fetchHyperV(context.Background(), env)
	gives(t, "config")(raw, err)
	if len(raw.Files) != 5 {
		t.Fatalf("%d files", len(raw.Files))
	}
	want := []string{config, "", "", name, ""}
	for i, f := range raw.Files {
		if f.Path != "/var/lib/hyperv/.kvp_pool_"+string(rune('0'+i)) || f.Mode != 0o600 || string(f.Text) != want[i] {
			t.Errorf("%s, mode %o, has %d bytes, want %d", f.Path, f.Mode, len(f.Text), len(want[i]))
		}
	}
}

func TestMachineWithoutPairsHasNoConfigButFiles(t *testing.T) {
	env := newEnv(t)
	testkit.WriteFile(t, filepath.Join(env.Root, "run/ignition/provider-hyperv"), "")
	raw, err := fetchHyperV(context.Background(), env)
	gives(t, "")(raw, err)
	if len(raw.Files) != 5 {
		t.Errorf("%d files", len(raw.Files))
	}
}

func TestHyperVThatDoesNotWorkIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, log := newLoggedEnv(t)
		env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "no hv_utils"}}}
		_, err := readKVP(t.Context(), env, time.Minute)
		says(t, err, "/dev/vmbus/hv_kvp has not appeared within", "modprobe: no hv_utils")
		testkit.Contains(t, "the log", log.String(), "WARNING  : waiting for /dev/vmbus/hv_kvp")
	})
	env := newEnv(t)
	os.MkdirAll(filepath.Join(env.Root, kvpDevice), 0o755)
	_, err := fetchHyperV(context.Background(), env)
	says(t, err, "reading the key-value pairs of Hyper-V", "/dev/vmbus/hv_kvp: is a directory", "no hv_kvp_daemon runs")
}
