package vm

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestVolatileDiskIsADisk compares it with what qemu-io has written to it.
func TestVolatileDiskIsADisk(t *testing.T) {
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, bytes.Repeat([]byte{7}, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	disk, err := OpenVolatileDisk(image)
	if err != nil {
		t.Fatal(err)
	}
	socket, listener, err := disk.Serve(t.TempDir(), "disk")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	out, err := exec.Command("qemu-io", "-f", "raw", "nbd+unix:///?socket="+socket,
		"-c", "write -P 1 4096 8192", "-c", "flush", "-c", "write -P 2 8192 4096", "-c", "read -P 1 4096 4096", "-c", "read -P 2 8192 4096", "-c", "read -P 7 12288 4096").CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Pattern verification failed")) {
		t.Fatalf("%v\n%s", err, out)
	}
	disk.flush()
	disk.write(0, bytes.Repeat([]byte{3}, 64*sectorSize), false)
	disk.write(128*sectorSize, bytes.Repeat([]byte{4}, 64*sectorSize), true)
	disk.CutPower(rand.New(rand.NewPCG(1, 2)))
	if through := bytes.Count(disk.read(128*sectorSize, 64*sectorSize), []byte{4}); through != 64*sectorSize {
		t.Errorf("of what was written through %d bytes are left", through)
	}
}

// Of one recording all that power cuts can leave is made: everything before a flush, and
// none, some or all of what came after it.
func TestRecordedDisksAreCutAtAnyMoment(t *testing.T) {
	data, log := NewVolatileDisk(1<<20), NewVolatileDisk(1<<20)
	recording := Record(data, log)
	data.write(0, bytes.Repeat([]byte{1}, 64*sectorSize), false)
	log.write(0, bytes.Repeat([]byte{2}, sectorSize), true)
	data.flush()
	data.write(0, bytes.Repeat([]byte{3}, 64*sectorSize), false)
	if got := recording.Steps(); got != 4 {
		t.Fatalf("%d steps are recorded", got)
	}
	sectors := func(d *VolatileDisk, value byte) int {
		return bytes.Count(d.read(0, 64*sectorSize), []byte{value}) / sectorSize
	}
	seen := map[string]bool{}
	for seed := range uint64(50) {
		for steps := range 5 {
			again := recording.CutPower(steps, rand.New(rand.NewPCG(seed, 0)))
			old, flushed, unflushed := sectors(again[0], 0), sectors(again[0], 1), sectors(again[0], 3)
			if steps >= 3 && old > 0 || steps < 4 && unflushed > 0 || (sectors(again[1], 2) == 1) != (steps >= 2) {
				t.Errorf("after step %d there are %d sectors of the image, %d that were flushed and %d that were not", steps, old, flushed, unflushed)
			}
			if steps == 4 {
				switch unflushed {
				case 0:
					seen["none"] = true
				case 64:
					seen["all"] = true
				default:
					seen["some"] = true
				}
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("of what was not flushed not none, some and all is left: %v", seen)
	}
	if !bytes.Equal(recording.CutPower(4, rand.New(rand.NewPCG(7, 0)))[0].read(0, 1<<20), recording.CutPower(4, rand.New(rand.NewPCG(7, 0)))[0].read(0, 1<<20)) {
		t.Error("the same seed leaves another disk")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := data.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || len(text) != 1<<20 || bytes.Count(text, []byte{3}) != 64*sectorSize {
		t.Errorf("the file has %d bytes, %v", len(text), err)
	}
	if sectors(data, 3) != 64 {
		t.Error("the recorded disk has lost something")
	}
}
