package stages

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/imds"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/providers"
)

func TestPlatformsFilesAreWritten(t *testing.T) {
	b := newBench(t, "")
	b.opts.Platform = providers.Platform{ID: "told-once", Fetch: func(context.Context, *providers.Env) (*providers.UserData, error) {
		return &providers.UserData{Files: []providers.OutputFile{{Path: "/var/lib/pool", Text: []byte("a\x00b"), Mode: 0o600}}}, nil
	}}
	b.write("root/var/lib/pool", "old")
	b.must("fetch-offline")
	b.opts.Platform.Fetch = func(context.Context, *providers.Env) (*providers.UserData, error) {
		return nil, errors.New("it is told once only")
	}
	b.must("files")
	if got := b.read("root/var/lib/pool"); got != "a\x00b" {
		t.Errorf("got %q", got)
	}
	if info, err := os.Stat(b.path("root/var/lib/pool")); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

func TestPlatformIsToldHowEachStageEnds(t *testing.T) {
	b := newBench(t, "{"+version+`, "storage": {"files": [{"path": "/f", "contents": {"source": "data:,x"}}]}}`)
	var heard []string
	b.opts.Platform.Status = func(_ context.Context, _ *providers.Env, stage string, failure error) error {
		heard = append(heard, stage, report.KindOf(failure).String())
		return errors.New("nobody listens")
	}
	b.write("root/f", "theirs")
	b.must("fetch")
	b.fails("files", "there already is a file of 6 bytes")
	if want := []string{"fetch", "none", "files", "config"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
	if !strings.Contains(b.log.String(), "telling the platform how the stage has ended: nobody listens") {
		t.Errorf("the log is\n%s", &b.log)
	}
}

func TestPlatformGivesCredentialsForObjectStores(t *testing.T) {
	b := newBench(t, "{"+version+"}")
	stages := 0
	b.opts.Platform.Credentials = func(*imds.Client) fetch.Credentials {
		stages++
		return fetch.Credentials{}
	}
	b.must("fetch", "files")
	if stages != 2 {
		t.Errorf("in %d stages, want 2", stages)
	}
}

// The power fails after the files stage, before the first boot is over: all
// that was in /run is gone, and all stages run again.
func TestFirstBootIsRepeatedAfterItsFilesStage(t *testing.T) {
	b := newBench(t, "{"+version+`, "storage": {"files": [
		{"path": "/f", "contents": {"source": "data:,x"}}, {"path": "/etc/motd", "append": [{"source": "data:,+"}]}]}}`)
	b.write("root/etc/motd", "was")
	for range 2 {
		if err := os.RemoveAll(b.path("run")); err != nil {
			t.Fatal(err)
		}
		b.must("fetch", "files", "umount")
		if got := b.read("root/f") + b.read("root/etc/motd"); got != "xwas+" {
			t.Errorf("got %q", got)
		}
	}
}
