package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// agents are the images, by what is in them.
var agents = []struct{ id, name string }{
	{"none", "without an agent"},
	{"ours", "with Firstlight"},
	{"reference", "with Debian's `ignition`"},
}

// makers are the programs that make an initramfs. Debian's package of the reference has
// nothing for initramfs-tools.
var makers = map[string]int{"dracut": 3, "initramfs-tools": 2}

// printImages builds the images and prints what is in them. Compressing takes most of the
// time, minutes on a busy machine.
func printImages(w io.Writer) error {
	dir, err := os.MkdirTemp("", "firstlight-size-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []measured
	for _, maker := range []string{"dracut", "initramfs-tools"} {
		for _, agent := range agents[:makers[maker]] {
			all = append(all, measured{maker: maker, agent: agent.id, name: agent.name})
		}
	}
	// The next image is built while zstd is at work, which takes longest.
	var compressing sync.WaitGroup
	failed := make([]error, len(all))
	for i := range all {
		m := &all[i]
		file := filepath.Join(dir, m.maker+"-"+m.agent)
		if err := m.build(file); err != nil {
			return fmt.Errorf("%s %s: %w", m.maker, m.name, err)
		}
		compressing.Go(func() { m.zstd, failed[i] = compressedSize(file) })
	}
	compressing.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	printSizes(w, all)
	for i, m := range all {
		if m.agent != "none" {
			printCosts(w, all[indexWithout(all, i)], m)
		}
	}
	return nil
}

// indexWithout is where the image of the same maker without an agent is.
func indexWithout(all []measured, i int) int {
	for all[i].agent != "none" {
		i--
	}
	return i
}

// measured is one image.
type measured struct {
	maker, agent, name string
	raw, zstd          int64 // bytes
	files              map[string][]byte
}

// build makes the image and looks what is in it.
func (m *measured) build(file string) error {
	if err := vm.BuildForSize(m.maker, m.agent, file); err != nil {
		return err
	}
	image, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	entries, _, err := initramfs.ReadArchive(image)
	if err != nil {
		return err
	}
	m.raw, m.files = int64(len(image)), map[string][]byte{}
	for _, e := range entries {
		if e.Mode&0o170000 == 0o100000 {
			m.files[e.Name] = e.Data
		}
	}
	return nil
}

// compressedSize is that of a file after zstd, in bytes.
func compressedSize(file string) (int64, error) {
	if out, err := exec.Command("zstd", "-q", "-19", "-T0", "-f", file, "-o", file+".zst").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("zstd: %w: %s", err, out)
	}
	info, err := os.Stat(file + ".zst")
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
