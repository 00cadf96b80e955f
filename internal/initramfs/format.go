package initramfs

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
)

// formats are what the kernel unpacks, by their first bytes (lib/decompress.c and
// init/initramfs.c of the kernel).
var formats = []struct {
	magic string
	// open is for formats that the standard library can look into.
	open func(io.Reader) (io.Reader, error)
}{
	{magic: newcMagic, open: plain},
	{magic: newcCheckMagic, open: plain},
	{magic: "\x1f\x8b", open: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{magic: "BZh", open: func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
	{magic: "\x5d\x00\x00"}, // LZMA
	{magic: "\xfd7zXZ\x00"},
	{magic: "\x89LZO\x00\r\n\x1a\n"},
	{magic: "\x02\x21\x4c\x18"}, // LZ4 in the legacy format
	{magic: "\x28\xb5\x2f\xfd"}, // zstd
}

func plain(r io.Reader) (io.Reader, error) { return r, nil }

// Errors of Check.
var (
	ErrEmpty = errors.New("it is empty, or has only zeros")
	// ErrLZ4Frame is for the other format of the program lz4.
	ErrLZ4Frame = errors.New("it is compressed in a format of LZ4 that the kernel does not read; lz4 -l makes the other one")
	// ErrProgram is for a kernel, with or without an initramfs in it.
	ErrProgram = errors.New("it is a kernel or an EFI program; in a unified kernel image the overlay goes into the section .initrd, when the image is put together")
	// ErrNoArchive is for everything else.
	ErrNoArchive = errors.New("it is neither a cpio archive of the format newc nor one that is compressed as the kernel reads it")
)

// Check reports why an image cannot be an initramfs. It looks at the beginning only,
// and believes XZ, LZMA, LZO, LZ4 and zstd that there is an archive behind them.
func Check(image []byte) error {
	image = bytes.TrimLeft(image, "\x00")
	switch {
	case len(image) == 0:
		return ErrEmpty
	case bytes.HasPrefix(image, []byte("MZ")):
		return ErrProgram
	case bytes.HasPrefix(image, []byte("\x04\x22\x4d\x18")):
		return ErrLZ4Frame
	}
	for _, f := range formats {
		if bytes.HasPrefix(image, []byte(f.magic)) && (f.open == nil || beginsWithArchive(image, f.open)) {
			return nil
		}
	}
	return ErrNoArchive
}

func beginsWithArchive(image []byte, open func(io.Reader) (io.Reader, error)) bool {
	r, err := open(bytes.NewReader(image))
	if err != nil {
		return false
	}
	magic := make([]byte, len(newcMagic))
	_, err = io.ReadFull(r, magic)
	return err == nil && (string(magic) == newcMagic || string(magic) == newcCheckMagic)
}
