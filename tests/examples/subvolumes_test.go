//go:build soak

package examples

import (
	"fmt"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/tests/vm"
)

// lookAtRoot mounts the new root as a machine does that is told of nothing but its label,
// and all of the filesystem, and tells what is there. The numbers of subvolumes' inodes are
// 256.
const lookAtRoot = `[Unit]
Before=report.service
After=local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=infinity
ExecStart=mkdir -p /mnt/top /mnt/root
ExecStart=mount -o subvolid=5 LABEL=ROOT /mnt/top
ExecStart=mount LABEL=ROOT /mnt/root
ExecStart=sh -c '(cd /mnt/top && find -inum 256 | LC_ALL=C sort; findmnt --noheadings --output FSROOT /mnt/root; ls -ld @/root | cut -c1-10; lsattr -d @/var | cut -d" " -f1; cat /mnt/root/etc/fstab) > /etc/looked'
ExecStart=umount /mnt/top /mnt/root
[Install]
WantedBy=multi-user.target
`

func TestSubvolumesAreThoseOfTheExample(t *testing.T) {
	img, err := images()
	testkit.NoError(t, err)
	_, text := read(t, "subvolumes")
	disk, err := vm.NewDisk(t.TempDir(), "vdb", 1024)
	testkit.NoError(t, err)
	o := newMachine(t, img, fmt.Sprintf(`{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": %q}]}},
		"systemd": {"units": [{"name": "looked.service", "enabled": true, "contents": %q}]}}`, dataURL(text), lookAtRoot), disk)
	res := vm.Boot(t, o)
	if res.Initramfs {
		t.Fatalf("the boot was stopped:\n%s", res.Report)
	}
	testkit.Equal(t, "what is there", res.Files["/etc/looked"].Text, `.
./@
./@/.snapshots
./@/.snapshots/1/snapshot
./@/boot/grub2/i386-pc
./@/boot/grub2/x86_64-efi
./@/home
./@/opt
./@/root
./@/srv
./@/usr/local
./@/var
/@/.snapshots/1/snapshot
drwx------
---------------C------
LABEL=ROOT  /            btrfs  ro                            0  0
LABEL=ROOT  /.snapshots  btrfs  subvol=/@/.snapshots          0  0
LABEL=ROOT  /home        btrfs  subvol=/@/home                0  0
LABEL=ROOT  /root        btrfs  subvol=/@/root,x-initrd.mount 0  0
LABEL=ROOT  /var         btrfs  subvol=/@/var,x-initrd.mount  0  0
`)
}
