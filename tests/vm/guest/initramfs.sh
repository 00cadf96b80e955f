#!/bin/bash
# Runs in the Debian tree: makes the initramfs with dracut, with our module and a
# distribution's that pulls it in. With the argument "reference" it is the module of
# Debian's package ignition in the place of ours; other arguments are variants. Only the
# kernel modules that the tests need go in, which halves the time of a boot.
set -eu
cd /work
# shellcheck source=/dev/null
. guest/modules.sh
[ "${1:-}" != multipath ] || layers="$layers virtio_scsi sd_mod dm-multipath dm-service-time"
[ "${1:-}" != drives ] || devices="$devices nvme ahci virtio_scsi sd_mod sr_mod xhci_pci usb_storage uas ext4"
# shellcheck disable=SC2086 # words
install_modules kmod $devices $layers $filesystems efivarfs overlay autofs4 loop isofs udf nls_utf8

cp -r /usr/lib/dracut dracut
from=install
modules=
include=()
if [ "${1:-}" = reference ]; then
    from=reference
    dpkg-deb -x ignition.deb $from
    # That module names no drivers.
    modules="url-lib kernel-modules"
    chmod 0755 guest/reference/usr/sbin/setfiles
    include=(--include "$PWD/guest/reference" /)
fi
[ ! -d "guest/91firstlight-${1:-}" ] || modules=firstlight-$1
cp -r $from/usr/lib/dracut/modules.d/30ignition dracut/modules.d/
cp -r guest/9*firstlight-* dracut/modules.d/
# The test module brings the network up. In the place of dracut's own means, which
# would start D-Bus and half of systemd, is a module with nothing in it.
printf 'check() { return 255; }\ndepends() { :; }\ninstall() { :; }\n' > dracut/modules.d/35network-legacy/module-setup.sh
mkdir empty
dracutbasedir=$PWD/dracut dracut --quiet --force --no-hostonly --no-hostonly-cmdline --confdir "$PWD/empty" --conf /dev/null \
    --kver "$kver" --kmoddir "$PWD/kmod/lib/modules/$kver" --compress "lz4 -l -1" --tmpdir /tmp "${include[@]}" \
    --add-drivers "$devices $filesystems" --modules "$modules ignition firstlight-test systemd systemd-initrd dracut-systemd udev-rules rootfs-block qemu network network-legacy base fs-lib shutdown" \
    /work/out
