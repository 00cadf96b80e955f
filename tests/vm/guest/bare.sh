#!/bin/bash
# Runs in the Debian tree: makes an initramfs without systemd and udev. Busybox is
# its init; besides there are the agent, its helper programs with their
# libraries, and kernel modules.
set -eu
cd /work
kver=$(ls /usr/lib/modules)
mkdir -p bare/{bin,dev,proc,sys,run,tmp,sysroot,etc,usr/bin,usr/sbin} "bare/lib/modules/$kver"

copy() { # FILE... with the libraries that they need
    local file
    for file in "$@"; do
        cp --parents -L "$file" bare
        ldd "$file" 2> /dev/null | grep -o '/[^ ]*' | while read -r library; do cp --parents -L -n "$library" bare; done
    done
}
for program in mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.fat mkswap useradd usermod groupadd groupmod; do
    copy "$(type -P $program)"
done
cp /usr/bin/busybox bare/bin/
install -m 0755 install/usr/lib/dracut/modules.d/30ignition/ignition bare/usr/bin/firstlight
install -m 0755 guest/inspect bare/usr/bin/inspect
install -m 0755 guest/bare-init bare/init

for module in virtio_pci virtio_blk virtio_console virtio_rng qemu_fw_cfg xfs btrfs vfat nls_ascii nls_cp437 nls_iso8859_1 crc32c_generic; do
    modprobe -S "$kver" --show-depends "$module" 2> /dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | sort -u | while read -r file; do
    install -D -m 0644 "$file" "bare/lib/modules/$kver/${file#*/modules/"$kver"/}"
done
cp /usr/lib/modules/"$kver"/modules.{order,builtin,builtin.modinfo} "bare/lib/modules/$kver/"
depmod -b bare "$kver"

cd bare
find . | cpio --quiet -o -H newc | lz4 -l -1 -q > /work/out
