#!/bin/bash
# What a distribution that is an OSTree would have: its first boot is the one without a
# machine ID, and /var of the deployment is there for the stages.

check() {
    return 255
}

depends() {
    echo ostree firstlight-test
}

install() {
    mkdir -p "$initdir/usr/lib/ignition" "$initdir/$systemdsystemunitdir/ignition-diskful.target.requires"
    echo FIRST_BOOT=machine-id > "$initdir/usr/lib/ignition/distribution.conf"
    inst_simple "$moddir/var.service" "$systemdsystemunitdir/test-var.service"
    ln -sf ../test-var.service "$initdir/$systemdsystemunitdir/ignition-diskful.target.requires/"
    inst_multiple umount
}
