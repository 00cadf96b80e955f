package initramfs

import (
	"bytes"
	"fmt"
)

// AgentPath is where the units of the initramfs module start the agent.
const AgentPath = "usr/bin/ignition"

// leadingZeros is how many zeros an overlay begins with, in bytes. The kernel passes
// over zeros between archives. After LZ4, whose legacy format has no end mark, they
// are the end: without them the archive would be taken for the size of another block.
const leadingZeros = 4096

// overlayInode marks an overlay as ours; other archivers count from 0 or 1, or copy
// small numbers. It means nothing to the kernel, since the file has one link.
const overlayInode = 0xf1257119

// regularFile is S_IFREG of stat(2), which not all systems of workstations have.
const regularFile = 0o100000

// Overlay returns an archive with the agent as its only file, the same bytes for the
// same agent. There is no entry for a directory: in an initramfs without /usr/bin the
// kernel creates nothing, and where a directory is a symbolic link it stays one.
func Overlay(agent []byte) []byte {
	return Archive(Entry{Name: AgentPath, Inode: overlayInode, Links: 1, Mode: regularFile | 0o755, Data: agent})
}

// Archive returns an archive that can follow an initramfs, see Append.
func Archive(entries ...Entry) []byte {
	b := make([]byte, leadingZeros)
	for _, e := range entries {
		b = appendEntry(b, e)
	}
	return appendTrailer(b)
}

// Append returns what has to be written at the end of an image of this many bytes:
// the overlay at an offset that is a multiple of four, as the kernel wants it.
func Append(imageSize int, overlay []byte) []byte {
	return append(make([]byte, aligned(imageSize)-imageSize, aligned(imageSize)-imageSize+len(overlay)), overlay...)
}

// WithoutOverlay returns the image up to the overlays at its end. Zeros that align
// the first one stay, since they cannot be told from those of the image; the kernel
// passes over them.
func WithoutOverlay(image []byte) []byte {
	for {
		start, found := lastOverlay(image)
		if !found {
			return image
		}
		image = image[:start]
	}
}

// AgentOf returns the agent in an overlay.
func AgentOf(overlay []byte) (agent []byte, ok bool) {
	start, found := lastOverlay(overlay)
	if !found || start != 0 {
		return nil, false
	}
	entries, _, err := ReadArchive(overlay[leadingZeros:])
	if err != nil {
		return nil, false
	}
	return entries[0].Data, true
}

// lastOverlay finds an overlay at the end of an image.
func lastOverlay(image []byte) (start int, found bool) {
	header := bytes.LastIndex(image, fmt.Appendf(nil, "%s%08x", newcMagic, uint32(overlayInode)))
	start = header - leadingZeros
	if start < 0 || !zeros(image[start:header]) {
		return 0, false
	}
	entries, rest, err := ReadArchive(image[header:])
	return start, err == nil && len(entries) == 1 && entries[0].Name == AgentPath && zeros(rest)
}

func zeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
