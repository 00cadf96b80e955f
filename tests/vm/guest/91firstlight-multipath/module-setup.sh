#!/bin/bash
# What a distribution with multipath would have: all SCSI disks are mapped. Dracut's own
# module does not know Debian's names of rules.

check() {
    return 255
}

depends() {
    echo multipath firstlight-test
}

install() {
    inst_simple "$moddir/multipath.conf" /etc/multipath.conf
    inst_rules 56-dm-mpath.rules 56-dm-parts.rules 60-multipath.rules 60-kpartx.rules
    # Dracut's hook at the end calls multipath, which would start the daemon again by this
    # socket, and with that call off the clean-up: the boot would stay in the initramfs.
    rm -f "$initdir/etc/systemd/system/sockets.target.wants/multipathd.socket"
    inst_multiple /lib/udev/kpartx_id /lib/multipath/*.so
}

installkernel() {
    hostonly='' instmods virtio_scsi sd_mod dm_multipath dm_service_time
}
