#!/bin/bash
# Runs in the Debian tree: makes the root of the lab, a disk that is one filesystem.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
mkdir root
tar -C / --one-file-system --exclude=./work --exclude=./boot/* --exclude=./usr/lib/modules --exclude=./usr/lib/firmware \
    --exclude=./usr/share/doc/* --exclude=./usr/share/man/* --exclude=./usr/share/locale/* --exclude=./usr/lib/dracut \
    --exclude=./var/lib/apt/* --exclude=./var/cache/* --exclude=./var/log/* --exclude=./proc/* --exclude=./sys/* \
    --exclude=./dev/* --exclude=./run/* --exclude=./tmp/* -cf - . | tar -C root -xf -
# shellcheck disable=SC2086 # words
install_modules root $devices $filesystems $layers loop overlay isofs udf squashfs erofs scsi_debug sd_mod sr_mod virtio_scsi dm-multipath dummy vsock_loopback cuse sch_netem veth bonding 8021q bridge
install -m 0755 guest/lab-init guest/lab-run root/usr/libexec/
install -m 0644 guest/lab.service root/usr/lib/systemd/system/
# Disks of User-mode Linux have the links of virtio disks.
cat > root/usr/lib/udev/rules.d/61-lab.rules << 'END'
KERNEL=="ubd*", ENV{DEVTYPE}=="disk", ATTR{serial}=="?*", SYMLINK+="disk/by-id/virtio-$attr{serial}"
END
truncate -s 1500M out
mkfs.ext4 -q -F -L lab -d root out
