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
	kept := bytes.Count(disk.read(0, 64*sectorSize), []byte{3}) / sectorSize
	if kept < 8 || kept > 56 {
		t.Errorf("%d of 64 sectors that were not flushed are left", kept)
	}
	if through := bytes.Count(disk.read(128*sectorSize, 64*sectorSize), []byte{4}); through != 64*sectorSize {
		t.Errorf("of what was written through %d bytes are left", through)
	}
}
