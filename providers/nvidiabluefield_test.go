package providers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A FIFO forgets what was read, as the card's does, and pauses.
func TestBootFIFOIsReadOnceAndKept(t *testing.T) {
	env := newEnv(t)
	name := filepath.Join(env.Root, bootFIFO)
	os.MkdirAll(filepath.Dir(name), 0o755)
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		for _, piece := range []string{"\x00\x00con", "fig\x00\x00"} {
			f.WriteString(piece)
			time.Sleep(20 * time.Millisecond)
		}
		f.Close()
	}()
	for range 2 { // nobody writes a second time
		gives(t, "\x00\x00config\x00\x00")(fetchBlueField(context.Background(), env))
	}
	if got := env.Run.(*systemtest.Recorder).Lines(); len(got) > 0 {
		t.Errorf("ran %q, but the driver is there", got)
	}
}

func TestCardWithoutBootFIFOHasNoConfig(t *testing.T) {
	env := newEnv(t)
	gives(t, "")(fetchBlueField(context.Background(), env))
	testkit.WriteFile(t, filepath.Join(env.Root, bootFIFO), "")
	gives(t, "")(fetchBlueField(context.Background(), env))
}

func TestBootFIFOThatCannotBeReadIsAnError(t *testing.T) {
	env := newEnv(t)
	env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "Module mlxbf_bootctl not found"}}}
	_, err := fetchBlueField(context.Background(), env)
	says(t, err, "reading the boot FIFO of this BlueField card", "no such file", "Module mlxbf_bootctl not found", "send it again from the host")
	os.MkdirAll(filepath.Join(env.Root, bootFIFO), 0o755)
	_, err = fetchBlueField(context.Background(), env)
	says(t, err, "is a directory")
}
