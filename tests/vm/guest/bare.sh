#!/bin/bash
# Runs in the Debian tree: makes an initramfs without systemd and udev. Busybox is
# its init; besides there are the agent, its helper programs with their
# libraries, and kernel modules. With the argument u-root there is only what an initramfs of
# that maker does not have: no init and no agent.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
mkdir -p bare/{bin,sbin,dev,proc,sys,run,tmp,sysroot,etc,usr/bin,usr/sbin,usr/lib/firstlight}

copy() { # FILE... with the libraries that they need
    local file
    for file in "$@"; do
        cp --parents -L "$file" bare
        ldd "$file" 2> /dev/null | grep -o '/[^ ]*' | while read -r library; do cp --parents -L -n "$library" bare; done
    done
}
for program in mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.fat mkswap useradd usermod groupadd groupmod chpasswd chgpasswd; do
    copy "$(type -P $program)"
done
# shellcheck disable=SC2086 # words
install_modules bare $devices $filesystems

if [ "${1:-}" = u-root ]; then
    mkdir bare/lib/modules-load.d
    # The kernel can call nothing there for a filesystem that it does not know yet.
    # shellcheck disable=SC2086 # words
    printf '%s\n' $devices $filesystems > bare/lib/modules-load.d/test.conf
else
    cp /usr/bin/busybox bare/bin/
    install -m 0755 install/usr/lib/dracut/modules.d/30ignition/ignition bare/usr/bin/ignition
    install -m 0755 install/usr/share/firstlight/initramfs/busybox/init bare/init
    install -m 0644 install/usr/share/firstlight/initramfs/functions bare/usr/lib/firstlight/functions
    # A test does not wait for a person: report and end.
    install -m 0755 guest/inspect bare/usr/bin/inspect
    printf '#!/bin/sh\ninspect -initramfs\npoweroff -f\n' > bare/etc/failed
    chmod 0755 bare/etc/failed
    # shellcheck disable=SC2086 # words
    printf '%s\n' $devices > bare/etc/modules
    # The kernel calls this for a filesystem that it does not know yet.
    ln -s /bin/busybox bare/sbin/modprobe
fi

cd bare
find . | cpio --quiet -o -H newc | lz4 -l -1 -q > /work/out
