package main

import (
	"bytes"
	"debug/elf"
	"path"
	"slices"
	"strings"
)

// groupsOf are who asks for a file, by what its path contains; the first row holds.
// Programs are by their names.
var groupsOf = []struct {
	group string
	parts []string
}{
	{"the agent", []string{"bin/ignition"}},
	{"drivers and filesystems of the kernel", []string{"/modules/", "/firmware/"}},
	{"certificate authorities", []string{"/certs/", "/pki/"}},
	{"filesystems", []string{"bin/mkfs", "bin/mke2fs", "bin/mkswap", "mke2fs.conf", "bin/fsck", "bin/xfs", "bin/btrfs"}},
	{"users and groups", []string{"bin/user", "bin/group"}},
	{"RAID", []string{"mdadm", "/64-md", "/63-md"}},
	{"LUKS and clevis", []string{"cryptsetup", "clevis", "bin/tpm2", "libtss2", "jose", "pwmake", "bin/curl", "bin/dmsetup", "pwquality", "cracklib"}},
	{"partitions", []string{"bin/sgdisk", "bin/lsblk", "bin/wipefs", "bin/partx", "bin/sfdisk"}},
	{"units and scripts of the module", []string{"ignition"}},
}

const (
	sharedLibraries = "libraries of several"
	otherFiles      = "other modules that it depends on (network and others)"
)

// groupFiles names who asks for each file: by its name, and for a library by the
// programs that are linked with it.
func groupFiles(files map[string][]byte) map[string][]string {
	askers := map[string][]string{} // groups, by the name of a library
	groups := map[string][]string{}
	for name, data := range files {
		if group := groupOf(name); group != "" || !strings.Contains(name, ".so") {
			if group == "" {
				group = otherFiles
			}
			groups[group] = append(groups[group], name)
			addLibraries(files, data, group, askers)
		}
	}
	for name := range files {
		if groupOf(name) != "" || !strings.Contains(name, ".so") {
			continue
		}
		group := sharedLibraries
		if by := askers[path.Base(name)]; len(by) == 1 {
			group = by[0]
		} else if len(by) == 0 {
			group = otherFiles
		}
		groups[group] = append(groups[group], name)
	}
	return groups
}

func groupOf(name string) string {
	for _, row := range groupsOf {
		for _, p := range row.parts {
			if strings.Contains("/"+name, p) {
				return row.group
			}
		}
	}
	return ""
}

// addLibraries notes that a group asks for the libraries of a program, and for theirs.
func addLibraries(files map[string][]byte, program []byte, group string, askers map[string][]string) {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return // a script
	}
	libraries, _ := f.ImportedLibraries() // none if it is static
	for _, library := range libraries {
		for name, data := range files {
			// libm.so.6 may be a link to libm-2.31.so; names of one version agree.
			if base := path.Base(name); !strings.HasPrefix(base, library) || slices.Contains(askers[base], group) {
				continue
			}
			askers[path.Base(name)] = append(askers[path.Base(name)], group)
			addLibraries(files, data, group, askers)
		}
	}
}
