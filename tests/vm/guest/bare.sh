#!/bin/bash
# Runs in the Debian tree: makes an initramfs without systemd and udev. Busybox is
# its init; besides there are the agent, its helper programs with their
# libraries, and kernel modules.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
mkdir -p bare/{bin,sbin,dev,proc,sys,run,tmp,sysroot,etc,usr/bin,usr/sbin}

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

# shellcheck disable=SC2086 # words
install_modules bare $devices $filesystems
# The kernel calls this for a filesystem that it does not know yet.
ln -s /bin/busybox bare/sbin/modprobe

cd bare
find . | cpio --quiet -o -H newc | lz4 -l -1 -q > /work/out
