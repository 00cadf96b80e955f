//go:build linux

package system

import (
	"runtime"
	"testing"
)

// The codes of linux/btrfs.h. The first bits, which are the direction, differ elsewhere.
func TestControlCodesOfBtrfs(t *testing.T) {
	const argument = 4096
	usual := map[string]bool{"amd64": true, "arm64": true, "s390x": true, "riscv64": true}[runtime.GOARCH]
	for name, c := range map[string]struct{ got, want uintptr }{
		"SUBVOL_CREATE":  {writes(14, argument), 0x5000940e},
		"DEFAULT_SUBVOL": {writes(19, 8), 0x40089413},
		"SNAP_DESTROY":   {writes(15, argument), 0x5000940f},
		"GETFLAGS":       {reads(25, 8), 0x80089419},
		"SETFLAGS":       {writes(26, 8), 0x4008941a},
		"INO_LOOKUP":     {both(18, argument), 0xd0009412},
	} {
		if usual && c.got != c.want || c.got&0xffff != c.want&0xffff {
			t.Errorf("%s is %#x, want %#x", name, c.got, c.want)
		}
	}
}
