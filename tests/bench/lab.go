package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/tests/vm"
)

// The stages that need disks are measured inside a machine, the lab, where this
// program starts itself again. Systemd is its first process: the reference
// waits for devices with its help.

// A diskSet is empty disks of the lab, and what they are to hold.
type diskSet struct {
	name              string
	disks, partitions int
	sizeMiB           int      // of each partition
	formats           []string // of the filesystems on a disk
}

var (
	fewDisks  = diskSet{"few", 4, 4, 400, []string{"ext4", "xfs", "btrfs", "vfat"}}
	manyDisks = diskSet{"many", 24, 2, 64, []string{"ext4", "vfat"}}
)

// labDiskSize is that of each, sparse, in MiB.
const labDiskSize = 2 << 10

// samplesMark begins the line on which the program in the lab gives its results.
const samplesMark = "samples: "

// samplePrinted is a sample on its way out of the lab.
type samplePrinted struct {
	CPU, Wall int64 // nanoseconds
	Memory    int64 // bytes
}

// storage measures the stage disks over empty disks in the lab.
func (b *bencher) storage(ctx context.Context) ([]sample, error) {
	out, err := b.inLab(ctx, fewDisks, b.rounds)
	if err != nil {
		return nil, err
	}
	return readSamples(out)
}

// inLab runs this program in the lab, with the tools beside it and disks, and returns what
// it prints there.
func (b *bencher) inLab(ctx context.Context, set diskSet, rounds int, devices ...string) (string, error) {
	lab, err := vm.BuildLab(b.dir)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	e := vm.Job{Systemd: true, Output: &out, Env: []string{vm.InsideVariable + "=1"}, Devices: devices,
		Args: []string{fmt.Sprintf("-rounds=%d", rounds), "-disks=" + set.name}, Files: map[string]string{}}
	if e.Program, err = os.Executable(); err != nil {
		return "", err
	}
	if len(b.tools) > 1 {
		e.Files["reference"] = b.tools[1].stage[0]
	}
	for i := range set.disks {
		disk, err := vm.NewDisk(b.dir, fmt.Sprintf("disk%d", i), labDiskSize)
		if err != nil {
			return "", err
		}
		e.Disks = append(e.Disks, disk)
	}
	if err := lab.Run(ctx, e); err != nil {
		return "", fmt.Errorf("the lab: %w\n%s", err, tail(out.Bytes()))
	}
	return out.String(), nil
}

func readSamples(out string) ([]sample, error) {
	_, line, found := strings.Cut(out, samplesMark)
	if !found {
		return nil, fmt.Errorf("the lab has printed no samples but\n%s", tail([]byte(out)))
	}
	var printed []samplePrinted
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&printed); err != nil {
		return nil, fmt.Errorf("reading what the lab has measured: %w", err)
	}
	var all []sample
	for _, p := range printed {
		all = append(all, sample{cpu: time.Duration(p.CPU), wall: time.Duration(p.Wall), memory: p.Memory})
	}
	return all, nil
}

// insideLab is this program in the lab, with the tools beside it. There are also the items
// of fw_cfg where there are many disks.
func insideLab(ctx context.Context, disks string, rounds int) error {
	set := fewDisks
	if disks == manyDisks.name {
		set = manyDisks
		if err := readItems(os.Stdout); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	b := &bencher{dir: dir, rounds: rounds}
	for _, name := range []string{"firstlight", "reference"} {
		if path, err := filepath.Abs(name); err == nil && exists(path) {
			b.tools = append(b.tools, tool{stage: []string{path}})
		}
	}
	config, err := writeConfig(dir, "disks.ign", set.config)
	if err != nil {
		return err
	}
	samples, err := b.inTurn(ctx, b.each(set.work(config)))
	if err != nil {
		return err
	}
	var printed []samplePrinted
	for _, s := range samples {
		printed = append(printed, samplePrinted{int64(s.cpu), int64(s.wall), s.memory})
	}
	text, err := json.Marshal(printed)
	if err != nil {
		return err
	}
	fmt.Printf("%s%s\n", samplesMark, text)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// labDisk is the node of a disk in the lab, after its own two.
func labDisk(i int) string { return fmt.Sprintf("/dev/vd%c", 'c'+i) }

// config wants partitions on each disk, and a filesystem in each.
func (s diskSet) config(w io.Writer) {
	fmt.Fprintf(w, `{"ignition": {"version": %q}, "storage": {`, specVersion)
	list(w, "disks", s.disks, func(i int) {
		fmt.Fprintf(w, `{"device": %q, "wipeTable": true,`, labDisk(i))
		list(w, "partitions", s.partitions, func(n int) {
			fmt.Fprintf(w, `{"label": "part-%d-%d", "sizeMiB": %d}`, i, n, s.sizeMiB)
		})
		io.WriteString(w, "}")
	})
	io.WriteString(w, ",\n")
	list(w, "filesystems", s.disks*s.partitions, func(i int) {
		disk, n := i/s.partitions, i%s.partitions
		fmt.Fprintf(w, `{"device": "/dev/disk/by-partlabel/part-%d-%d", "format": %q, "wipeFilesystem": true}`, disk, n, s.formats[n])
	})
	io.WriteString(w, "}}")
}

// work is the stage disks over disks that were emptied, with a config that was fetched.
func (s diskSet) work(c configFile) work {
	w := fetchWork(c, 0)
	w.name, w.check = "disks", func(string) error { return s.check() }
	args := w.args
	w.before = func(ctx context.Context, b *bencher, t tool, dir string) error {
		if err := s.empty(ctx); err != nil {
			return err
		}
		fetch := w
		fetch.check = nil
		_, err := b.execute(ctx, fetch, dir, args(t, dir))
		return err
	}
	w.args = disksStage(args)
	return w
}

// disksStage makes calls of the stage disks of those of another stage.
func disksStage(args func(t tool, dir string) []string) func(t tool, dir string) []string {
	return func(t tool, dir string) []string {
		argv := args(t, dir)
		argv[len(t.stage)] = "-stage=disks"
		return argv
	}
}

func (s diskSet) empty(ctx context.Context) error {
	for i := range s.disks {
		if _, err := command(ctx, "", "blkdiscard", "--force", labDisk(i)); err != nil {
			return err
		}
		if _, err := command(ctx, "", "blockdev", "--rereadpt", labDisk(i)); err != nil {
			return err
		}
	}
	_, err := command(ctx, "", "udevadm", "settle")
	return err
}

// check asks blkid whether the work was done.
func (s diskSet) check() error {
	for i := range s.disks {
		for n, format := range s.formats {
			out, err := exec.Command("blkid", "--probe", "--output", "value", "--match-tag", "TYPE", fmt.Sprintf("%s%d", labDisk(i), n+1)).Output()
			if got := strings.TrimSpace(string(out)); got != format {
				return fmt.Errorf("partition %d of %s holds %q, not %s (%v)", n+1, labDisk(i), got, format, err)
			}
		}
	}
	return nil
}
