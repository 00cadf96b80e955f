package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/tests/bench/table"
)

// An item of QEMU's firmware configuration (fw_cfg), as large as a config may be there. The
// kernel's file takes a time that grows with the square of the size, so that the largest is
// read through the ports only: by the file it would take minutes.
type item struct {
	name   string
	size   int // bytes
	byFile bool
}

var items = []item{{"64 KiB", 64 << 10, true}, {"1 MiB", 1 << 20, true}, {"4 MiB", 4 << 20, false}}

// path is the name of the item on QEMU's command line.
func (i item) path() string { return fmt.Sprintf("opt/bench/%d", i.size) }

// devices measures, in one boot, how long configs take to arrive by fw_cfg, and the disks
// stage over many disks; and natively what looking at many disks costs that are already as
// they are to be.
func (b *bencher) devices(ctx context.Context) ([]table.Row, error) {
	probed, err := b.probing(ctx)
	if err != nil {
		return nil, err
	}
	var arguments []string
	for _, i := range items {
		file, err := writeConfig(b.dir, strings.ReplaceAll(i.name, " ", ""), func(w io.Writer) {
			io.WriteString(w, strings.Repeat("0123456789abcdef", i.size/16))
		})
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, "-fw_cfg", "name="+i.path()+",file="+file.path)
	}
	out, err := b.inLab(ctx, manyDisks, 1, arguments...)
	if err != nil {
		return nil, err
	}
	read, err := itemTimes(out)
	if err != nil {
		return nil, err
	}
	samples, err := readSamples(out)
	if err != nil {
		return nil, err
	}
	var rows []table.Row
	for n, i := range items {
		row := table.Row{What: "a config of " + i.name + " by fw_cfg, the reference's way is the kernel's file: wall time", Unit: table.Duration, Figures: read[n]}
		if i.size == 1<<20 {
			row.Goal = table.Goal{Kind: table.AtLeastTimes, Limit: 20}
		}
		rows = append(rows, row)
	}
	return append(rows,
		table.Row{What: fmt.Sprintf("disks stage, %d disks with %d filesystems each, nothing to do: CPU time", probedDisks, probedPartitions),
			Unit: table.Duration, Figures: []float64{probed.cpu.Seconds()}, Goal: table.Goal{Kind: table.Under, Limit: 0.050}},
		wallTime(fmt.Sprintf("disks stage, %d disks with %d filesystems each", manyDisks.disks, manyDisks.partitions), samples, table.Goal{}),
	), nil
}

// itemsMark begins the line with the seconds that each item took: ours, and by the file.
const itemsMark = "items: "

// readItems reads the items of this machine in both ways.
func readItems(w io.Writer) error {
	if out, err := exec.Command("modprobe", "qemu_fw_cfg").CombinedOutput(); err != nil {
		return fmt.Errorf("modprobe qemu_fw_cfg: %w: %s", err, tail(out))
	}
	var all [][]float64
	for _, i := range items {
		seconds, err := i.read()
		if err != nil {
			return fmt.Errorf("reading an item of %s: %w", i.name, err)
		}
		all = append(all, seconds)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", itemsMark, text)
	return err
}

// read reads an item through the ports as the platform qemu does, which is twice, and by
// the kernel's file.
func (i item) read() (seconds []float64, err error) {
	dir := filepath.Join("/sys/firmware/qemu_fw_cfg/by_name", i.path())
	text, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	var key uint16
	if _, err := fmt.Sscan(string(text), &key); err != nil {
		return nil, err
	}
	first, again := make([]byte, i.size), make([]byte, i.size)
	started := time.Now()
	for _, b := range [][]byte{first, again} {
		if err := hypervisor.ReadFwCfg(key, b); err != nil {
			return nil, err
		}
	}
	seconds = append(seconds, time.Since(started).Seconds())
	if string(first) != string(again) {
		return nil, fmt.Errorf("it is another one each time")
	}
	if !i.byFile {
		return seconds, nil
	}
	started = time.Now()
	if text, err = os.ReadFile(filepath.Join(dir, "raw")); err != nil {
		return nil, err
	}
	if string(first) != string(text) {
		return nil, fmt.Errorf("it is another one by the kernel's file")
	}
	return append(seconds, time.Since(started).Seconds()), nil
}

// itemTimes finds what readItems has printed.
func itemTimes(out string) (seconds [][]float64, err error) {
	_, line, found := strings.Cut(out, itemsMark)
	if !found {
		return nil, fmt.Errorf("the lab has printed no times of items but\n%s", tail([]byte(out)))
	}
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&seconds); err != nil {
		return nil, fmt.Errorf("reading what the lab has measured: %w", err)
	}
	if len(seconds) != len(items) {
		return nil, fmt.Errorf("the lab has measured %d items, not %d", len(seconds), len(items))
	}
	return seconds, nil
}
