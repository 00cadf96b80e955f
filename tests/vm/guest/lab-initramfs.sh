#!/bin/bash
# Runs in the Debian tree: makes the initramfs of the lab, which does no more than
# mount the root.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
mkdir -p lab/{bin,sbin,dev,proc,sys,root}
cp /usr/bin/busybox lab/bin/
install -m 0755 guest/lab-initramfs-init lab/init
install_modules lab virtio_pci virtio_blk ext4 crc32c_generic
# The kernel calls this for a filesystem that it does not know yet.
ln -s /bin/busybox lab/sbin/modprobe
cd lab
find . | cpio --quiet -o -H newc | lz4 -l -1 -q > /work/out
