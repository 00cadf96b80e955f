package storage

import (
	"io"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
)

// A view is a part of a device, as it will be when some ranges of it are
// zeroes. It cannot be written to.
type view struct {
	r            io.ReaderAt
	offset, size int64
	zero         []blkprobe.Range // relative to the view
}

// ReadAt implements io.ReaderAt.
func (v *view) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= v.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > v.size-off
	if short {
		p = p[:v.size-off]
	}
	n, err := v.r.ReadAt(p, v.offset+off)
	for _, z := range v.zero {
		from, to := max(z.Offset, off), min(z.Offset+z.Length, off+int64(n))
		if from < to {
			clear(p[from-off : to-off])
		}
	}
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// bytes reads a few bytes, nil if they do not lie within the view or cannot be read.
func (v *view) bytes(off, n int64) []byte {
	if off < 0 || off > v.size-n {
		return nil
	}
	b := make([]byte, n)
	if got, _ := v.ReadAt(b, off); int64(got) != n {
		return nil
	}
	return b
}

// magic reports whether text is at an offset.
func (v *view) magic(offset int64, text string) bool {
	b := v.bytes(offset, int64(len(text)))
	return b != nil && string(b) == text
}

// probe returns what the view seems to hold.
func (v *view) probe() []blkprobe.Signature { return blkprobe.Probe(v, v.size) }

// sub is a part of a view.
func (v *view) sub(offset, size int64) *view {
	return &view{r: v, offset: offset, size: max(0, min(size, v.size-offset))}
}
