package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/gpt"
	"github.com/firstlight-os/firstlight/internal/system"
)

// wipeRanges are what to overwrite so that nothing takes a device for what it
// was: the magic numbers that were found, and the first and the last MiB. Those
// hold the superblocks of nearly everything, also of what the table of probes
// does not know, and both copies of a partition table with it. (No format would
// believe in a superblock with only its magic number gone, but a recovery tool
// might, and an old backup of a GPT would be believed.) So are copies of a GPT
// that are elsewhere.
func wipeRanges(r io.ReaderAt, size int64, found []blkprobe.Signature) []blkprobe.Range {
	ends := min(size, 1<<20)
	ranges := []blkprobe.Range{{Offset: 0, Length: ends}, {Offset: size - ends, Length: ends}}
	for _, s := range found {
		ranges = append(ranges, s.Magics...)
	}
	return append(ranges, gpt.Traces(r, uint64(size))...)
}

// blank reports whether wiping ranges would change nothing.
func blank(r io.ReaderAt, ranges []blkprobe.Range) bool {
	b := make([]byte, 64<<10)
	for _, part := range ranges {
		for end := part.Offset + part.Length; part.Offset < end; part.Offset += int64(len(b)) {
			piece := b[:min(int64(len(b)), end-part.Offset)]
			if _, err := r.ReadAt(piece, part.Offset); err != nil || len(bytes.TrimLeft(piece, "\x00")) > 0 {
				return false
			}
		}
	}
	return true
}

// wipe overwrites ranges with zeroes and sees to it that they reach the disk. A device where
// there is nothing else, such as a new one, is left as it is.
func wipe(f *os.File, ranges []blkprobe.Range) error {
	if blank(f, ranges) {
		return nil
	}
	for _, r := range ranges {
		if err := system.Zero(f, r.Offset, r.Length); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("wiping %s: %w", f.Name(), err)
	}
	return nil
}

// wipeDevice clears what a device held.
func wipeDevice(node string, found []blkprobe.Signature) error {
	return exclusively(node, func(f *os.File, size int64) error { return wipe(f, wipeRanges(f, size, found)) })
}

// exclusively opens a device, of some bytes, for writing, alone: one that is mounted, or
// part of something, cannot be opened so.
func exclusively(node string, write func(f *os.File, size int64) error) (err error) {
	f, err := os.OpenFile(node, os.O_RDWR|os.O_EXCL, 0)
	if err != nil {
		return fmt.Errorf("opening it exclusively: %w", err)
	}
	defer func() { err = errors.Join(err, system.CloseExclusive(f)) }()
	size, err := system.DeviceSize(f)
	if err != nil {
		return err
	}
	return write(f, int64(size))
}

// A wipedReader reads a disk as it will be when ranges of it have been wiped.
type wipedReader struct {
	io.ReaderAt
	ranges []blkprobe.Range
}

func (w wipedReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	for _, r := range w.ranges {
		from, to := max(r.Offset, off), min(r.Offset+r.Length, off+int64(n))
		if from < to {
			clear(p[from-off : to-off])
		}
	}
	return n, err
}
