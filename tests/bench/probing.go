package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// The disks that are only looked at are files: that takes neither a machine nor root.
const (
	probedDisks      = 24
	probedPartitions = 4
	probedSize       = 32 // of a partition, in MiB
)

// probing measures the stage disks over disks that are as the config wants them: all of
// them are looked at, and the plan is empty. The reference cannot work on files.
func (b *bencher) probing(ctx context.Context) (sample, error) {
	dir := filepath.Join(b.dir, "probed")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return sample{}, err
	}
	tables, err := writeConfig(dir, "tables.ign", probedConfig(dir, false))
	if err != nil {
		return sample{}, err
	}
	for i := range probedDisks {
		if _, err := vm.NewDisk(dir, filepath.Base(probedDisk(dir, i)), probedPartitions*probedSize+2); err != nil {
			return sample{}, err
		}
	}
	ours := b.tools[:1]
	if _, err := b.run(ctx, plannedWork(tables), ours[0]); err != nil {
		return sample{}, err
	}
	for i := range probedDisks {
		for n := range probedPartitions {
			if _, err := command(ctx, "", "mkfs.ext4", "-q", "-E", fmt.Sprintf("offset=%d", (1+n*probedSize)<<20), probedDisk(dir, i), fmt.Sprintf("%dM", probedSize)); err != nil {
				return sample{}, err
			}
		}
	}
	whole, err := writeConfig(dir, "whole.ign", probedConfig(dir, true))
	if err != nil {
		return sample{}, err
	}
	made := time.Now()
	work := plannedWork(whole)
	work.check = func(string) error { return checkUnchanged(dir, made) }
	samples, err := b.inTurn(ctx, []task{{work, ours[0]}})
	if err != nil {
		return sample{}, err
	}
	return samples[0], nil
}

func probedDisk(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("disk%d", i)) }

// checkUnchanged reports whether a disk was written to since.
func checkUnchanged(dir string, since time.Time) error {
	for i := range probedDisks {
		info, err := os.Stat(probedDisk(dir, i))
		if err != nil {
			return err
		}
		if info.ModTime().After(since) {
			return fmt.Errorf("%s was to be left as it is, and was written to", probedDisk(dir, i))
		}
	}
	return nil
}

// probedConfig wants partitions on all disks, and filesystems in them.
func probedConfig(dir string, filesystems bool) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
		list(w, "disks", probedDisks, func(i int) {
			fmt.Fprintf(w, `{"device": %q,`, probedDisk(dir, i))
			list(w, "partitions", probedPartitions, func(n int) {
				fmt.Fprintf(w, `{"number": %d, "label": "part-%d-%d", "sizeMiB": %d}`, n+1, i, n, probedSize)
			})
			io.WriteString(w, "}")
		})
		if filesystems {
			io.WriteString(w, ",\n")
			list(w, "filesystems", probedDisks*probedPartitions, func(i int) {
				fmt.Fprintf(w, `{"device": "/dev/disk/by-partlabel/part-%d-%d", "format": "ext4"}`, i/probedPartitions, i%probedPartitions)
			})
		}
		io.WriteString(w, "}}")
	}
}

// plannedWork is the stage disks with a config that was fetched.
func plannedWork(c configFile) work {
	w := fetchWork(c, 0)
	w.name, w.check = "disks", nil
	args := w.args
	w.before = func(ctx context.Context, b *bencher, t tool, dir string) error {
		_, err := b.execute(ctx, w, dir, args(t, dir))
		return err
	}
	w.args = disksStage(args)
	return w
}
