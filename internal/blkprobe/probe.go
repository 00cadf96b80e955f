package blkprobe

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// A Signature is one thing that a device seems to hold.
type Signature struct {
	// Type is libblkid's name of the format, since that is what configs and
	// people use.
	Type        string
	Label, UUID string
	// OtherLabels are what else the filesystem is called: an ISO 9660 filesystem
	// has a second name for Joliet, a FAT one in its boot sector.
	OtherLabels []string
	// Magics are the magic numbers found, so that they can be wiped.
	Magics []Range
	// MD is the sound superblock of a member of a Linux RAID.
	MD *MDSuperblock
	// LUKS is the header of a LUKS device.
	LUKS *LUKSHeader
}

// A Range is a range of bytes.
type Range struct{ Offset, Length int64 }

// Labels are all names that the device has; none if it is not labelled.
func (s *Signature) Labels() []string {
	if s.Label == "" {
		return s.OtherLabels
	}
	return append([]string{s.Label}, s.OtherLabels...)
}

// IsTable reports whether it is a partition table, or the backup of one.
func (s Signature) IsTable() bool {
	return strings.HasSuffix(s.Type, " partition table") || strings.Contains(s.Type, "backup GPT ")
}

func (s Signature) String() string {
	if s.Label == "" {
		return s.Type
	}
	return fmt.Sprintf("%s (label %q)", s.Type, s.Label)
}

// Describe names what was found, for a message.
func Describe(all []Signature) string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.String()
	}
	if len(names) > 1 {
		return "signatures of several things: " + strings.Join(names, ", ")
	}
	return strings.Join(names, "")
}

// formats are in libblkid's order: what is built upon (arrays, volumes) before
// filesystems, so that an array's member is not taken for the filesystem that
// its first bytes show.
var formats = []struct {
	name  string
	probe func(d *device) (Signature, bool)
}{
	{"linux_raid_member", probeMD},
	{"LVM2_member", probeLVM},
	{"crypto_LUKS", probeLUKS},
	{"vfat", probeFAT},
	{"swap", probeSwap},
	{"xfs", probeXFS},
	{"ext4", probeExt}, // or ext2, ext3
	{"udf", probeUDF},
	{"iso9660", probeISO},
	{"zfs_member", probeZFS},
	{"squashfs", probeSquash},
	{"btrfs", probeBtrfs},
	{"erofs", probeEROFS},
}

// Probe returns everything that a device seems to hold, or what it holds of some
// formats only: ext4 is all of ext. The first signature is the one that counts.
// What cannot be read is taken for empty; the error is the first of those that
// the device gave.
func Probe(r io.ReaderAt, size int64, only ...string) ([]Signature, error) {
	var found []Signature
	d := &device{r: r, size: size}
	defer d.forget()
	for _, f := range formats {
		if len(only) > 0 && !slices.Contains(only, f.name) {
			continue
		}
		if s, ok := f.probe(d); ok {
			if s.Type == "" {
				s.Type = f.name
			}
			found = append(found, s)
		}
	}
	return found, d.err
}

// A device is what is probed. Most formats have their magic numbers in the same few
// kilobytes at its beginning, so that these are read once, as windows.
type device struct {
	r       io.ReaderAt
	size    int64
	err     error // the first of reading
	windows []*window
}

const (
	windowSize = 64 << 10       // bytes, and the multiple that a window begins at
	beginning  = 2 * windowSize // what is read as windows
)

type window struct {
	at         int64
	unreadable bool // not all of it can be read
	text       [windowSize]byte
}

// spareWindows are those of devices that were probed: there may be hundreds.
var spareWindows = sync.Pool{New: func() any { return new(window) }}

// forget gives the windows back.
func (d *device) forget() {
	for _, w := range d.windows {
		spareWindows.Put(w)
	}
	d.windows = nil
}

// bytes returns n bytes; nil if they do not lie within the device or cannot be read. They
// are valid until the device is forgotten, and must not be changed.
func (d *device) bytes(off, n int64) []byte {
	if off < 0 || off > d.size-n {
		return nil
	}
	at := off &^ (windowSize - 1)
	if at < beginning && off+n <= at+windowSize {
		if b := d.window(at); b != nil {
			return b[off-at:][:n]
		}
	}
	b := make([]byte, n)
	if got, err := d.r.ReadAt(b, off); int64(got) != n {
		if !errors.Is(err, io.EOF) {
			d.err = cmp.Or(d.err, err)
		}
		return nil
	}
	return b
}

// window returns the bytes of the window that begins there, fewer at the end of the
// device; nil if not all of them can be read.
func (d *device) window(at int64) []byte {
	i := slices.IndexFunc(d.windows, func(w *window) bool { return w.at == at })
	if i < 0 {
		i = len(d.windows)
		d.windows = append(d.windows, d.readWindow(at))
	}
	if d.windows[i].unreadable {
		return nil
	}
	return d.windows[i].text[:min(windowSize, d.size-at)]
}

func (d *device) readWindow(at int64) *window {
	w := spareWindows.Get().(*window)
	b := w.text[:min(windowSize, d.size-at)]
	n, _ := d.r.ReadAt(b, at) // bytes has the error, if it is about what is asked for
	w.at, w.unreadable = at, n < len(b)
	return w
}

// magic reports whether text is at an offset.
func (d *device) magic(offset int64, text string) bool {
	b := d.bytes(offset, int64(len(text)))
	return b != nil && string(b) == text
}

// uuidText is a UUID as people write it; empty if it is all zeroes.
func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	if strings.Trim(h, "0") == "" {
		return ""
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// text is a name that ends at the first zero byte.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.ToValidUTF8(s, "?")
}
