package vm

import (
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// systemdBoot is where systemd's programs for UEFI are.
const systemdBoot = "/usr/lib/systemd/boot/efi/"

// The boot manager, and the program that unified kernel images begin with.
const (
	SystemdBoot = systemdBoot + "systemd-bootx64.efi"
	SystemdStub = systemdBoot + "linuxx64.efi.stub"
)

// EFIKernel returns the kernel of the images as the firmware starts it.
func EFIKernel() (string, error) {
	tree, err := DebianTree()
	if err != nil {
		return "", err
	}
	names, err := filepath.Glob(tree + "/boot/vmlinuz-*")
	if err == nil && len(names) != 1 {
		err = fmt.Errorf("one kernel is expected in %s/boot, there are %q", tree, names)
	}
	if err != nil {
		return "", err
	}
	return names[0], nil
}

// UnifiedImage writes a unified kernel image: systemd's stub, with the kernel, an
// initramfs and arguments as its sections (Boot Loader Specification, type #2).
func UnifiedImage(name, kernel, initramfs, arguments string) error {
	image, err := os.ReadFile(SystemdStub)
	if err != nil {
		return err
	}
	for _, s := range []struct{ name, file, text string }{
		{name: ".osrel", text: "ID=firstlight\nNAME=Firstlight\nPRETTY_NAME=Firstlight\nVERSION_ID=1\n"},
		{name: ".cmdline", text: arguments},
		{name: ".linux", file: kernel},
		{name: ".initrd", file: initramfs},
	} {
		data := []byte(s.text)
		if s.file != "" {
			if data, err = os.ReadFile(s.file); err != nil {
				return err
			}
		}
		if image, err = addSection(image, s.name, data); err != nil {
			return fmt.Errorf("adding the section %s to %s: %w", s.name, SystemdStub, err)
		}
	}
	return os.WriteFile(name, image, 0o644)
}

// readable is a section that is data and is read (PE format, section flags).
const readable = pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ

// addSection adds a section at the end of a program.
func addSection(image []byte, name string, data []byte) ([]byte, error) {
	f, err := pe.NewFile(strings.NewReader(string(image)))
	if err != nil {
		return nil, err
	}
	header, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		return nil, errors.New("it is not for 64 bits")
	}
	var memory uint32 // where the last section ends
	for _, s := range f.Sections {
		memory = max(memory, s.VirtualAddress+s.VirtualSize)
	}
	up := func(n, to uint32) uint32 { return (n + to - 1) / to * to }
	section := pe.SectionHeader32{
		VirtualSize: uint32(len(data)), VirtualAddress: up(memory, header.SectionAlignment),
		SizeOfRawData: up(uint32(len(data)), header.FileAlignment), PointerToRawData: up(uint32(len(image)), header.FileAlignment),
		Characteristics: readable,
	}
	copy(section.Name[:], name)
	// A signature of four bytes and the header of the file are before the optional one.
	start := int64(binary.LittleEndian.Uint32(image[0x3c:])) + 4
	optional := start + int64(binary.Size(f.FileHeader))
	at := optional + int64(f.SizeOfOptionalHeader) + int64(len(f.Sections)*binary.Size(section))
	if at+int64(binary.Size(section)) > int64(header.SizeOfHeaders) {
		return nil, errors.New("its headers are full")
	}
	const sections, size = 2, 56 // offsets in the two headers
	image = append(image, make([]byte, int(section.PointerToRawData+section.SizeOfRawData)-len(image))...)
	copy(image[section.PointerToRawData:], data)
	binary.LittleEndian.PutUint16(image[start+sections:], uint16(len(f.Sections)+1))
	binary.LittleEndian.PutUint32(image[optional+size:], up(section.VirtualAddress+section.VirtualSize, header.SectionAlignment))
	_, err = binary.Encode(image[at:], binary.LittleEndian, section)
	return image, err
}
