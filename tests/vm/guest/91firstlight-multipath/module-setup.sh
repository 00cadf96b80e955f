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
    printf 'defaults {\n user_friendly_names yes\n find_multipaths greedy\n}\n' > "$initdir/etc/multipath.conf"
    inst_rules 56-dm-mpath.rules 56-dm-parts.rules 60-multipath.rules 60-kpartx.rules
    inst_multiple /lib/udev/kpartx_id /lib/multipath/*.so
}

installkernel() {
    hostonly='' instmods virtio_scsi sd_mod dm_multipath dm_service_time
}
