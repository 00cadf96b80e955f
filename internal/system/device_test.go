package system

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEventsEndWithTheirContext(t *testing.T) {
	events, err := ListenEvents()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	for {
		// A machine at work may have events of its own.
		if _, err := events.Next(ctx); err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			return
		}
	}
}

func TestEventsAreRead(t *testing.T) {
	kernel := Event("add@/devices/x\x00ACTION=add\x00SUBSYSTEM=block\x00SEQNUM=1\x00")
	udev := Event("libudev\x00\xfe\xed\xca\xfe....\x00ACTION=change\x00SYNTH_UUID=1-2\x00")
	if kernel.fromUdev() || !udev.fromUdev() {
		t.Error("the senders are mixed up")
	}
	if !kernel.Has("SUBSYSTEM", "block") || kernel.Has("SUBSYSTEM", "bloc") || !udev.Has("SYNTH_UUID", "1-2") || Event(nil).Has("A", "") {
		t.Error("properties are not read")
	}
}

func TestDevicesAreReadyWhenTheyCanBeOpened(t *testing.T) {
	dir := t.TempDir()
	if err := DeviceReady(filepath.Join(dir, "none"), dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := DeviceReady(path, dir); err != nil {
		t.Errorf("a file: %v", err)
	}
}

func TestUdevSaysWhatCanBeUsed(t *testing.T) {
	const notYet, path = "not to be used yet", "a path to a multipath disk"
	for record, want := range map[string]string{
		"I:1\nE:ID_SERIAL=a\n":     "",
		"I:1\nE:SYSTEMD_READY=1\n": "",
		"I:1\nE:DM_UUID=CRYPT-LUKS2-1-a\nE:DM_SUSPENDED=0\nE:SYSTEMD_READY=0\n":                  "", // nothing in it yet
		"I:1\nE:MD_LEVEL=raid1\nE:SYSTEMD_READY=0\n":                                             notYet,
		"I:1\nE:DM_UUID=LVM-1\nE:DM_SUSPENDED=0\nE:SYSTEMD_READY=0\n":                            notYet,
		"I:1\nE:DM_UUID=CRYPT-LUKS2-1-a\nE:DM_SUSPENDED=1\nE:SYSTEMD_READY=0\n":                  notYet,
		"I:1\nE:DM_UDEV_DISABLE_OTHER_RULES_FLAG=1\nE:DM_UUID=CRYPT-TEMP-a\nE:SYSTEMD_READY=0\n": notYet,
		"I:1\nE:DM_MULTIPATH_DEVICE_PATH=1\nE:SYSTEMD_READY=0\n":                                 path,
		"I:1\nE:DM_MULTIPATH_DEVICE_PATH=0\n":                                                    "",
	} {
		got := ""
		if err := UdevRecord(record).Usable(); err != nil {
			got = err.Error()
		}
		if (got != "") != (want != "") || !strings.HasSuffix(got, want) {
			t.Errorf("%q: got %q, want %q", record, got, want)
		}
	}
}

func TestZeroTouchesOnlyItsRange(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = 1
	}
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := Zero(f, 100, 2<<20); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.Name())
	if err != nil || len(got) != len(data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for i, b := range got {
		if zero := i >= 100 && i < 100+2<<20; zero != (b == 0) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
	if size, err := DeviceSize(f); err != nil || size != 3<<20 {
		t.Errorf("%d, %v", size, err)
	}
	if sector, err := SectorSize(f); err != nil || sector != 512 {
		t.Errorf("%d, %v", sector, err)
	}
}

func TestLocksExcludeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	a, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := Lock(a, true); err != nil {
		t.Fatal(err)
	}
	if Lock(b, false) == nil {
		t.Error("a shared lock beside an exclusive one")
	}
	if err := errors.Join(Lock(a, false), Lock(b, false)); err != nil {
		t.Errorf("two shared locks: %v", err)
	}
}
