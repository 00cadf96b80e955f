package qemu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Missing returns an error that says what to install if QEMU is not here.
func Missing() error {
	for _, program := range []string{Program, imageTool} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: it is in qemu-system-x86 and qemu-utils of Debian and Ubuntu, qemu-system-x86-core and qemu-img of Fedora, qemu-base of Arch", program)
		}
	}
	return nil
}

// firmwares are where distributions have OVMF: code and variables. Debian, Fedora, Arch,
// openSUSE.
var firmwares = []Firmware{
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
	{"/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd"},
	{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
}

// UEFI finds OVMF, with variables that nobody has written to yet, in a directory.
func UEFI(dir string) (*Firmware, error) { return findUEFI("/", dir) }

func findUEFI(root, dir string) (*Firmware, error) {
	for _, f := range firmwares {
		variables, err := os.ReadFile(filepath.Join(root, f.Variables))
		if err != nil {
			continue
		}
		code := filepath.Join(root, f.Code)
		if _, err := os.Stat(code); err != nil {
			continue
		}
		own := filepath.Join(dir, "uefi-variables")
		return &Firmware{code, own}, os.WriteFile(own, variables, 0o600)
	}
	return nil, fmt.Errorf("no UEFI for virtual machines is installed: it is in ovmf of Debian and Ubuntu, edk2-ovmf of Fedora and Arch, qemu-ovmf-x86_64 of openSUSE")
}
