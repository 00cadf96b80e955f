package vm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A VolatileDisk is a disk with a write cache that a power cut empties: what the
// machine has written and not flushed may be lost, block by block. It serves one machine
// at a time, by the NBD protocol (the specification is doc/proto.md of the project
// NetworkBlockDevice/nbd).
type VolatileDisk struct {
	size int64
	// What it held at first: a file, and its name; nil for zeros.
	base  io.ReaderAt
	image string

	mu sync.Mutex
	// flushed are the sectors that a power cut leaves, unflushed those of the cache.
	flushed, unflushed map[int64][]byte
	recording          *Recording // nil if there is none
}

const (
	sectorSize = 512
	// blockSize is what a disk writes as a whole. Filesystems rely on that: a superblock of
	// ext4 has two sectors, and its checksum in the second.
	blockSize = 4096
)

// NewVolatileDisk makes an empty disk.
func NewVolatileDisk(bytes int64) *VolatileDisk {
	return &VolatileDisk{size: bytes, flushed: map[int64][]byte{}, unflushed: map[int64][]byte{}}
}

// OpenVolatileDisk makes a disk with the contents of an image, which stays as it is.
func OpenVolatileDisk(image string) (*VolatileDisk, error) {
	f, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	d := NewVolatileDisk(info.Size())
	d.base, d.image = f, image
	return d, nil
}

// CutPower loses what was not flushed, or some of it, or nothing: a disk writes its cache
// in whatever order it likes.
func (d *VolatileDisk) CutPower(random *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	const parts = 4
	kept := random.IntN(parts + 1)
	block, keep := int64(-1), false
	for _, at := range slices.Sorted(maps.Keys(d.unflushed)) {
		if at/blockSize != block {
			block, keep = at/blockSize, random.IntN(parts) < kept
		}
		if keep {
			d.flushed[at] = d.unflushed[at]
		}
	}
	clear(d.unflushed)
}

// WriteFile makes a file of what is on the disk.
func (d *VolatileDisk) WriteFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if d.base != nil {
		if err := run("cp", "--sparse=always", d.image, name); err != nil {
			return err
		}
	}
	if err := f.Truncate(d.size); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sectors := range []map[int64][]byte{d.flushed, d.unflushed} {
		for at, sector := range sectors {
			if _, err := f.WriteAt(sector, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// A Recording is what machines have done to some disks, in order. Of one recorded boot it
// makes the disks as a power cut at any moment leaves them.
type Recording struct {
	disks []*VolatileDisk

	mu    sync.Mutex
	steps []recordedStep
}

// A recordedStep is a write, or without data a flush.
type recordedStep struct {
	disk    *VolatileDisk
	offset  int64
	data    []byte
	through bool
}

// Record begins a recording of new disks.
func Record(disks ...*VolatileDisk) *Recording {
	r := &Recording{disks: disks}
	for _, d := range disks {
		d.recording = r
	}
	return r
}

func (r *Recording) add(s recordedStep) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

// Steps counts the writes and flushes so far.
func (r *Recording) Steps() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.steps)
}

// Writes are the numbers of those steps that write to a part of a disk, in bytes.
func (r *Recording) Writes(d *VolatileDisk, from, to int64) (steps []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.steps {
		if s.disk == d && s.offset < to && s.offset+int64(len(s.data)) > from {
			steps = append(steps, i)
		}
	}
	return steps
}

// CutPower makes the recorded disks once more, as they are if the power is lost after
// the first steps. The disks are in the order of Record.
func (r *Recording) CutPower(steps int, random *rand.Rand) (disks []*VolatileDisk) {
	again := map[*VolatileDisk]*VolatileDisk{}
	for _, d := range r.disks {
		again[d] = NewVolatileDisk(d.size)
		again[d].base, again[d].image = d.base, d.image
		disks = append(disks, again[d])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.steps[:steps] {
		if s.data == nil {
			again[s.disk].flush()
		} else {
			again[s.disk].write(s.offset, s.data, s.through)
		}
	}
	for _, d := range disks {
		d.CutPower(random)
	}
	return disks
}

// Serve serves the disk at a socket in a directory, until it is closed.
func (d *VolatileDisk) Serve(dir, name string) (socket string, listener net.Listener, err error) {
	socket = filepath.Join(dir, name)
	listener, err = net.Listen("unix", socket)
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = d.serve(conn) // ends with the machine
			}()
		}
	}()
	return socket, listener, nil
}

// Numbers of the protocol.
const (
	nbdMagic, nbdOptionMagic, nbdReplyMagic    = 0x4e42444d41474943, 0x49484156454f5054, 0x3e889045565a9
	nbdRequestMagic, nbdAnswerMagic            = 0x25609513, 0x67446698
	nbdFixedNewstyle, nbdNoZeroes              = 1, 2
	nbdOptionAbort, nbdOptionInfo, nbdOptionGo = 2, 6, 7
	nbdReplyAck, nbdReplyInfo                  = 1, 3
	nbdUnsupported                             = 1<<31 + 1
	// The export has flags, flushes, and writes that are flushed at once (FUA).
	nbdExportFlags                                    = 1 | 4 | 8
	nbdRead, nbdWrite, nbdDisconnect, nbdFlush        = 0, 1, 2, 3
	nbdFUA                                            = 1
	nbdInvalid                                 uint32 = 22
)

func (d *VolatileDisk) serve(conn io.ReadWriter) error {
	r, w := bufio.NewReader(conn), bufio.NewWriter(conn)
	if err := d.negotiate(r, w); err != nil {
		return err
	}
	for {
		if err := w.Flush(); err != nil {
			return err
		}
		if err := d.answer(r, w); err != nil {
			return err
		}
	}
}

// put writes numbers in the byte order of the protocol.
func put(w io.Writer, numbers ...any) error {
	for _, n := range numbers {
		if err := binary.Write(w, binary.BigEndian, n); err != nil {
			return err
		}
	}
	return nil
}

// negotiate answers options until the machine chooses the export.
func (d *VolatileDisk) negotiate(r *bufio.Reader, w *bufio.Writer) error {
	if err := put(w, uint64(nbdMagic), uint64(nbdOptionMagic), uint16(nbdFixedNewstyle|nbdNoZeroes)); err != nil {
		return err
	}
	var clientFlags uint32
	if err := errors.Join(w.Flush(), binary.Read(r, binary.BigEndian, &clientFlags)); err != nil {
		return err
	}
	for {
		var option struct {
			Magic        uint64
			Kind, Length uint32
		}
		if err := binary.Read(r, binary.BigEndian, &option); err != nil {
			return err
		}
		if _, err := r.Discard(int(option.Length)); err != nil {
			return err
		}
		reply := func(kind uint32, payload ...any) error {
			length := 0
			for _, p := range payload {
				length += binary.Size(p)
			}
			return put(w, append([]any{uint64(nbdReplyMagic), option.Kind, kind, uint32(length)}, payload...)...)
		}
		var err error
		switch option.Kind {
		case nbdOptionGo, nbdOptionInfo:
			const export = uint16(0)
			err = errors.Join(reply(nbdReplyInfo, export, uint64(d.size), uint16(nbdExportFlags)), reply(nbdReplyAck))
		case nbdOptionAbort:
			err = errors.Join(reply(nbdReplyAck), w.Flush(), io.EOF)
		default:
			err = reply(nbdUnsupported)
		}
		if err = errors.Join(err, w.Flush()); err != nil || option.Kind == nbdOptionGo {
			return err
		}
	}
}

// answer does one request.
func (d *VolatileDisk) answer(r *bufio.Reader, w *bufio.Writer) error {
	var request struct {
		Magic       uint32
		Flags, Kind uint16
		Cookie      uint64
		Offset      uint64
		Length      uint32
	}
	if err := binary.Read(r, binary.BigEndian, &request); err != nil {
		return err
	}
	if request.Magic != nbdRequestMagic {
		return fmt.Errorf("a request begins with %#x", request.Magic)
	}
	var data []byte
	status := uint32(0)
	switch request.Kind {
	case nbdRead:
		data = d.read(int64(request.Offset), int(request.Length))
	case nbdWrite:
		text := make([]byte, request.Length)
		if _, err := io.ReadFull(r, text); err != nil {
			return err
		}
		d.write(int64(request.Offset), text, request.Flags&nbdFUA != 0)
	case nbdFlush:
		d.flush()
	case nbdDisconnect:
		return io.EOF
	default:
		status = nbdInvalid
	}
	if err := put(w, uint32(nbdAnswerMagic), status, request.Cookie); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func (d *VolatileDisk) read(offset int64, length int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	data := make([]byte, length)
	if d.base != nil {
		_, _ = d.base.ReadAt(data, offset) // behind its end are zeros
	}
	for i := 0; i < length; i += sectorSize {
		at := offset + int64(i)
		sector, ok := d.unflushed[at]
		if !ok {
			sector = d.flushed[at]
		}
		copy(data[i:], sector)
	}
	return data
}

func (d *VolatileDisk) write(offset int64, data []byte, through bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recording.add(recordedStep{d, offset, data, through})
	for i := 0; i < len(data); i += sectorSize {
		at := offset + int64(i)
		if through {
			d.flushed[at] = data[i : i+sectorSize]
			delete(d.unflushed, at)
		} else {
			d.unflushed[at] = data[i : i+sectorSize]
		}
	}
}

func (d *VolatileDisk) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recording.add(recordedStep{disk: d})
	maps.Copy(d.flushed, d.unflushed)
	clear(d.unflushed)
}
