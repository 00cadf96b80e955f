package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestFilesAreGroupedByWhoAsksForThem(t *testing.T) {
	// A program of the host stands for one that is linked with libc.
	shell, err := os.ReadFile("/bin/sh")
	testkit.NoError(t, err)
	files := map[string][]byte{
		"usr/bin/ignition":                              nil,
		"usr/lib/modules/6.1/kernel/fs/btrfs.ko":        nil,
		"etc/ssl/certs/ca-certificates.crt":             nil,
		"usr/lib/systemd/system/ignition-disks.service": nil,
		"usr/sbin/mkfs.xfs":                             shell,
		"usr/lib/x86_64-linux-gnu/libc.so.6":            nil,
		"usr/lib/x86_64-linux-gnu/libother.so.1":        nil,
		"usr/bin/dhclient":                              nil,
		"usr/lib/systemd/systemd-networkd":              nil,
	}
	groups := groupFiles(files)
	for group, want := range map[string]string{
		"the agent": "ignition", "drivers and filesystems of the kernel": "btrfs.ko", "certificate authorities": "ca-certificates.crt",
		"units and scripts of the module": "ignition-disks.service", "filesystems": "libc.so.6 mkfs.xfs", otherFiles: "dhclient libother.so.1 systemd-networkd",
	} {
		var got []string
		for _, name := range groups[group] {
			got = append(got, filepath.Base(name))
		}
		slices.Sort(got)
		testkit.Equal(t, group, strings.Join(got, " "), want)
	}
	files["usr/sbin/mdadm"] = shell
	testkit.Equal(t, "library of two", groupFiles(files)[sharedLibraries], []string{"usr/lib/x86_64-linux-gnu/libc.so.6"})
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 8491134: "8,491,134", -12345: "-12,345"} {
		testkit.Equal(t, "thousands", thousands(n), want)
	}
}
