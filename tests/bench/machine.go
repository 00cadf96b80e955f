package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/tests/bench/table"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// littleMemory is that of a machine, in MiB, of which kernel and initramfs are a part: with
// less the kernel cannot unpack that of the demo.
const littleMemory = 256

// littleMachine has such a machine boot the demo's config.
func (b *bencher) littleMachine(ctx context.Context) ([]table.Row, error) {
	config, err := os.ReadFile("examples/first-light/config.ign")
	if err != nil {
		return nil, err
	}
	img, err := vm.Build()
	if err != nil {
		return nil, err
	}
	o := vm.Options{Images: img, Memory: littleMemory, Config: string(config), Arguments: vm.FirstBoot("qemu")}
	if o.Root, err = vm.NewRoot(img, b.dir); err != nil {
		return nil, err
	}
	disk, err := vm.NewDisk(b.dir, "little", 1024)
	if err != nil {
		return nil, err
	}
	o.Disks = []string{disk}
	res, err := vm.Start(ctx, o, b.dir)
	if err != nil {
		return nil, err
	}
	if res.Initramfs {
		return nil, errors.New(res.Report)
	}
	return []table.Row{{What: fmt.Sprintf("first boot of the demo in %d MB of RAM, kernel and initramfs included: wall time", littleMemory),
		Unit: table.Duration, Figures: []float64{res.Seconds}}}, nil
}
